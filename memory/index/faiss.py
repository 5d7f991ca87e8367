"""Vectors of one shelf in FAISS: quick to search, never the truth, rebuilt whenever in doubt."""

import hashlib
import json
import math
import os
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memory.errors import EmbeddingFault, StorageFault

if TYPE_CHECKING:
    import numpy as np

    Vectors = np.ndarray[Any, np.dtype[np.float32]]  # one row each
    Ids = np.ndarray[Any, np.dtype[np.int64]]

FORMAT = 2
FLAT_UPTO = 50_000  # vectors; then half the memory with the same recall
FP16_UPTO = 100_000  # then lists of bytes: recall .98 at a tenth of the time
NPROBE = 32  # lists that are looked at
_SAMPLE = 40  # vectors of each list: they place it well enough


def available() -> bool:
    """Whether FAISS is installed."""
    return all(find_spec(module) for module in ("numpy", "faiss"))


def prepare() -> None:
    """Load FAISS: a tenth of a second or two, for which no search should have to wait."""
    _faiss()


def sample_of(count: int) -> int:
    """How many vectors an index of `count` is to be trained with; 0 where it needs no training."""
    return _SAMPLE * math.isqrt(count) if count > FP16_UPTO else 0


class FaissIndex:
    """Implements memory.ports.VectorIndex over two files: `path` + ".faiss" and + ".json".

    Opening reads them where they are whole and made for this path, embedder and dimension; else
    the index is empty and its version -1. Opening writes nothing. Not for two threads at a time.
    Methods that are given vectors raise EmbeddingFault where their size is not `dim`.
    """

    def __init__(self, path: Path, embedder: str, dim: int) -> None:
        self._file = path.with_name(path.name + ".faiss")
        self._manifest = path.with_name(path.name + ".json")
        # A home may be moved, so the identity is where the files are within it.
        self._head = {
            "format": FORMAT,
            "place": "/".join(path.parts[-2:]),
            "embedder": embedder,
            "dim": dim,
        }
        self._dim = dim
        self.reset()
        self._load()

    @property
    def space(self) -> tuple[str, int]:
        """Whose vectors it holds: the embedder's name and dimension."""
        return str(self._head["embedder"]), self._dim

    @property
    def version(self) -> int:
        return self._version

    @property
    def count(self) -> int:
        return int(self._index.ntotal)

    @property
    def size(self) -> int:
        """Bytes of memory: the vectors as this kind of index keeps them, and their numbers."""
        lists = self._index.nlist if _lists(self._index) else 0
        return self.count * (_codes(self._index) + 8) + 4 * self._dim * lists

    def fits(self, count: int) -> bool:
        """Whether this kind of index is still good for so many vectors."""
        if _lists(self._index):  # up to four times what its lists were made for, or a quarter
            made_for = self._index.nlist**2
            return bool(made_for <= 4 * count and count <= 4 * made_for)
        if _codes(self._index) < 4 * self._dim:
            return 2 * count >= FLAT_UPTO and count <= FP16_UPTO
        return count <= FLAT_UPTO

    def reset(self, count: int = 0, sample: Sequence[bytes] = ()) -> None:
        """Empty it, and make it of the kind that suits `count` vectors.

        sample: sample_of(count) of them, from all over.
        """
        faiss = _faiss()
        lists = min(math.isqrt(count), len(sample) // _SAMPLE)
        kind = "IDMap,Flat" if count <= FLAT_UPTO else "IDMap,SQfp16"
        if lists:
            kind = f"IVF{lists},SQ8"
        self._index = faiss.index_factory(self._dim, kind, faiss.METRIC_INNER_PRODUCT)
        if lists:
            self._index.train(self._matrix(sample))
        self._version = self._last = -1

    def add(self, seqs: Sequence[int], vectors: Sequence[bytes], version: int) -> None:
        """Hold these too, in place of what was held under the same seqs, as of `version`."""
        if seqs:
            ids, matrix = _ids(seqs), self._matrix(vectors)
            if min(seqs) <= self._last:
                self._remove(ids)
            self._index.add_with_ids(matrix, ids)
            self._last = max(self._last, max(seqs))
        self._version = version

    def keep(self, seqs: Sequence[int]) -> int:
        """Drop the vectors of all other seqs; how many they were."""
        import numpy as np

        gone = np.setdiff1d(_held(self._index), _ids(seqs))
        return self._remove(gone) if len(gone) else 0

    def search(
        self, vector: bytes, k: int, among: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        k = min(k, self.count if among is None else min(self.count, len(among)))
        question = self._matrix([vector])
        if k < 1 or not question.any():
            return []
        similar, found = self._index.search(question, k, params=self._params(among))
        hits = zip(found[0].tolist(), similar[0].tolist(), strict=True)
        return sorted((hit for hit in hits if hit[0] >= 0), key=itemgetter(1, 0), reverse=True)

    def save(self) -> None:
        """Replace the files. Killed in between, the next opening sees that they do not match.

        Raises StorageFault.
        """
        data = memoryview(_faiss().serialize_index(self._index))
        head = self._head | {"count": self.count, "version": self._version}
        manifest = head | {"sha256": _checksum(data, head)}
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            _replace(self._file, data)
            _replace(self._manifest, json.dumps(manifest).encode())
        except OSError as error:
            raise StorageFault(
                f"The search index {self._file} cannot be written ({error.strerror}). "
                "Check that the disk has room and that the home is writable."
            ) from error

    def _load(self) -> None:
        """Whatever is wrong with the files, the database has it all: start empty, and follow."""
        with suppress(OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError):
            head = json.loads(self._manifest.read_bytes())
            data = self._file.read_bytes()
            if head.pop("sha256") != _checksum(data, head) or self._head.items() - head.items():
                return
            index = _read(data)
            seqs = _held(index).tolist()
            sound = len(set(seqs)) == len(seqs) == index.ntotal == head["count"]
            if sound and index.d == self._dim and min(seqs, default=0) >= 0:
                self._index, self._version = index, int(head["version"])
                self._last = max(seqs, default=-1)

    def _remove(self, seqs: "Ids") -> int:
        return int(self._index.remove_ids(_faiss().IDSelectorBatch(seqs)))

    def _params(self, among: Sequence[int] | None) -> Any:
        """How to search. Where few are chosen, all lists are looked at, or some would be missed."""
        faiss = _faiss()
        chosen = None if among is None else faiss.IDSelectorBatch(_ids(among))
        if _lists(self._index):
            nprobe = NPROBE if among is None else self._index.nlist
            return faiss.SearchParametersIVF(sel=chosen, nprobe=nprobe)
        return None if among is None else faiss.SearchParameters(sel=chosen)

    def _matrix(self, vectors: Sequence[bytes]) -> "Vectors":
        import numpy as np

        if any(len(vector) != 2 * self._dim for vector in vectors):
            raise EmbeddingFault(
                f"Stored vectors of {self._head['embedder']} do not have its {self._dim} numbers. "
                "Run reverie reindex."
            )
        flat = np.frombuffer(b"".join(vectors), dtype="<f2").astype(np.float32)
        matrix = flat.reshape(-1, self._dim)
        matrix[~np.isfinite(matrix).all(axis=1)] = 0  # near nothing, and harmless in training
        return matrix


def _faiss() -> Any:
    """FAISS on one thread. That setting is the calling thread's own, hence each time."""
    import faiss

    faiss.omp_set_num_threads(1)
    return faiss


def _ids(seqs: Sequence[int]) -> "Ids":
    import numpy as np

    return np.asarray(seqs, dtype=np.int64)


def _lists(index: Any) -> bool:
    """Whether the vectors are kept in lists, and with their own numbers."""
    return isinstance(index, _faiss().IndexIVF)


def _codes(index: Any) -> int:
    """Bytes of one vector."""
    faiss = _faiss()
    return int(index.code_size if _lists(index) else faiss.downcast_index(index.index).code_size)


def _held(index: Any) -> "Ids":
    """The seqs that an index holds."""
    import numpy as np

    faiss = _faiss()
    if not _lists(index):
        held: Ids = faiss.vector_to_array(index.id_map)
        return held
    lists = index.invlists
    return np.concatenate(
        [faiss.rev_swig_ptr(lists.get_ids(n), lists.list_size(n)) for n in range(index.nlist)]
    )


def _read(data: bytes) -> Any:
    import numpy as np

    return _faiss().deserialize_index(np.frombuffer(data, dtype=np.uint8))


def _checksum(data: bytes | memoryview, head: dict[str, object]) -> str:
    """Over the index and what the manifest says of it."""
    digest = hashlib.sha256(data)
    digest.update(json.dumps(head, sort_keys=True).encode())
    return digest.hexdigest()


def _replace(path: Path, data: bytes | memoryview) -> None:
    """Write a file whole or not at all, and durably."""
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    if os.name != "nt":  # Windows has no handle for a directory
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
