"""What memory asks of a database, an embedder and a vector index."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
Row = Mapping[str, Any]


class Connection(Protocol):
    """SQL with :named parameters, inside a transaction that somebody else begins and ends."""

    def execute(self, sql: str, /, **params: Any) -> int:
        """Run a statement; the number of rows it changed."""
        ...

    def many(self, sql: str, rows: Sequence[Mapping[str, Any]], /) -> None:
        """Run a statement once for each row of parameters."""
        ...

    def one(self, sql: str, /, **params: Any) -> Row | None: ...

    def all(self, sql: str, /, **params: Any) -> list[Row]: ...


class Database(Protocol):
    """Runs a piece of work, a plain function of a Connection, on a thread of its own.

    The function is called once, may be called beside others' work in one transaction, and must
    touch nothing but the connection: whole steps of SQL cross the thread boundary once.
    """

    async def read(self, work: Callable[[Connection], T], /) -> T:
        """Run on a reader: one snapshot, no writes."""
        ...

    async def write(self, work: Callable[[Connection], T], /, *, early: bool = False) -> T:
        """Run in a write transaction; return once it is durably committed, or raise and keep none.

        early: return as soon as the work ran, while the commit is still on its way. Later writes
        see it; a crash may lose it. For work that a restart repeats by itself, such as a claim.
        """
        ...

    async def scrub(self) -> bool:
        """Rewrite the files, so that no unused byte of them holds what was deleted.

        False: somebody else read them meanwhile; to be tried again. Raises StorageFault.
        """
        ...

    async def close(self) -> None: ...


class Embedder(Protocol):
    """Texts to vectors of length 1. `name` and `dim` identify the vector space."""

    @property
    def name(self) -> str: ...

    @property
    def dim(self) -> int: ...

    async def passages(self, texts: Sequence[str]) -> list[bytes]:
        """Vectors of texts to be stored: `dim` little-endian float16 each.

        Raises EmbeddingFault where the service is away or answers nonsense (NaN, another dim).
        """
        ...

    async def query(self, text: str) -> bytes:
        """The vector of a question, in the same form."""
        ...

    async def close(self) -> None: ...


class VectorIndex(Protocol):
    """Vectors of one agent's shelf. A follower: it may always be thrown away and rebuilt."""

    @property
    def version(self) -> int:
        """The version of the shelf's vectors that this index holds; -1 when it holds nothing."""
        ...

    @property
    def count(self) -> int: ...

    def fits(self, count: int) -> bool:
        """Whether it is made for so many vectors: where not, it is better built anew."""
        ...

    def reset(self, count: int = 0, sample: Sequence[bytes] = ()) -> None:
        """Empty it, and make it for `count` vectors, of which some are given to learn from."""
        ...

    def add(self, seqs: Sequence[int], vectors: Sequence[bytes], version: int) -> None: ...

    def keep(self, seqs: Sequence[int]) -> int:
        """Drop the vectors of all other seqs; how many they were."""
        ...

    def search(
        self, vector: bytes, k: int, among: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """The nearest (seq, similarity), best first; `among` limits it to those seqs."""
        ...

    def save(self) -> None: ...
