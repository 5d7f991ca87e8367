"""Open vector indexes, each brought level with the database before it answers."""

import asyncio
import hashlib
import logging
import shutil
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar, get_args

from memory.errors import StorageFault
from memory.index.faiss import FaissIndex
from memory.ports import Connection, Database, Embedder, Row
from memory.types import Shelf

T = TypeVar("T")
Key = tuple[str, Shelf]  # agent id, shelf

_log = logging.getLogger(__name__)

_CHUNK = 20_000  # vectors taken from the database at a time
_SAME = 0.98  # the least similarity of a vector to itself, after float16 and bytes
_OVERHEAD = 8192  # bytes of an open index beside its vectors


@dataclass(slots=True)
class _Open:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0  # that hold the lock or wait for it
    index: FaissIndex | None = None
    changed: bool = False  # since it was saved
    size: int = 0  # bytes, as counted


class IndexCache:
    """The indexes of all agents' shelves, opened when they are searched.

    The least recently used are closed beyond `budget` bytes of vectors. Files are kept under
    `folder`; they may be missing, damaged, old or of another database: searches answer the same.
    An embedder that learns its dimension must have answered once before anything is opened.
    read_only: indexes are followed in memory, and nothing is written or deleted.
    """

    def __init__(
        self,
        folder: Path,
        database: Database,
        embedder: Embedder,
        *,
        budget: int = 256_000_000,
        read_only: bool = False,
    ) -> None:
        self._folder = folder
        self._database = database
        self._embedder = embedder
        self._budget = budget
        self._read_only = read_only
        self._entries: OrderedDict[Key, _Open] = OrderedDict()
        self._size = 0

    async def search(
        self,
        agent: str,
        shelf: Shelf,
        vector: bytes,
        k: int,
        among: Sequence[int] | None = None,
        known: tuple[int, int] | None = None,
    ) -> list[tuple[int, float]]:
        """The k nearest (seq, similarity) of what the database holds now, best first.

        known: the (version, count) of the shelf's vectors, where the caller has just read it; an
        index that is level with it is searched without another look at the database.
        Raises EmbeddingFault where the database has vectors of another size than the embedder's.
        """
        key = agent, shelf
        async with self._held(key) as entry:
            index = entry.index
            if index is None or (index.version, index.count) != known:
                index = await self._follow(key, entry)
            hits = await _thread(partial(index.search, vector, k, among))
        await self._make_room()
        return hits

    async def rebuild(self, agent: str, shelf: Shelf) -> int:
        """Build an index anew from the database and save it; the number of its vectors."""
        key = agent, shelf
        async with self._held(key) as entry:
            index = entry.index = await self._open(key)
            index.reset()
            entry.changed = True
            await self._follow(key, entry)
            await self._save(key, entry)
            count = index.count
        await self._make_room()
        return count

    async def flush(self) -> None:
        """Save what changed. What cannot be saved is told in the log, and tried again next time."""
        for key in [key for key, entry in self._entries.items() if entry.changed]:
            async with self._held(key) as entry:
                await self._save(key, entry)

    async def forget(self, agent: str) -> None:
        """Close an agent's indexes and delete their files. Raises StorageFault."""
        keys: list[Key] = [(agent, shelf) for shelf in get_args(Shelf)]
        async with AsyncExitStack() as stack:
            for key in keys:
                entry = await stack.enter_async_context(self._held(key))
                entry.index, entry.changed = None, False
            if not self._read_only:
                await _thread(partial(delete_files, self._folder, agent))
        for key in keys:
            self._close(key)

    @asynccontextmanager
    async def _held(self, key: Key) -> AsyncIterator[_Open]:
        """The entry of an index, for one user at a time."""
        entry = self._entries.setdefault(key, _Open())
        self._entries.move_to_end(key)
        entry.users += 1
        try:
            async with entry.lock:
                yield entry
                vectors = entry.index.count if entry.index else 0
                size = _OVERHEAD + 4 * self._embedder.dim * vectors
                self._size += size - entry.size
                entry.size = size
        finally:
            entry.users -= 1

    async def _make_room(self) -> None:
        for key, entry in list(self._entries.items())[:-1] if self._size > self._budget else ():
            if self._size > self._budget and not entry.users:
                async with self._held(key):  # nobody opens files while they are being saved
                    await self._save(key, entry)
                self._close(key)

    def _close(self, key: Key) -> None:
        """Drop an entry, unless somebody came for it meanwhile."""
        entry = self._entries.get(key)
        if entry and not entry.users:
            self._size -= self._entries.pop(key).size

    async def _save(self, key: Key, entry: _Open) -> None:
        if entry.index is None or not entry.changed or self._read_only:
            return
        try:
            await _thread(entry.index.save)
            entry.changed = False
        except StorageFault as fault:  # the index works on; it is only built again next time
            _log.warning("%s", fault, extra={"action": "index_not_saved", "agent": key[0]})

    async def _open(self, key: Key) -> FaissIndex:
        """The index as its files have it, if they are of this database."""
        path, embedder = self._path(key), self._embedder
        index = await _thread(lambda: FaissIndex(path, embedder.name, embedder.dim))
        names, version = self._names(key), index.version
        newest = await self._database.read(lambda conn: _newest(conn, names, version))
        if newest:
            seq, vector = newest["seq"], newest["vec"]
            hits = await _thread(lambda: index.search(vector, 1, [seq]))
            if not hits or hits[0][1] < _SAME:
                index.reset()
        return index

    async def _follow(self, key: Key, entry: _Open) -> FaissIndex:
        """Bring an index to the database's state: add what is new, or else start anew.

        It only ever gains vectors by following, so after a removal its count differs.
        """
        index = entry.index = entry.index or await self._open(key)
        version, count = await self._catch_up(key, entry, index)
        if index.count != count or index.version > version:
            index.reset()
            version, count = await self._catch_up(key, entry, index)
            entry.changed = True
            if index.count != count:
                _log.warning(
                    "The index of %s counts %d vectors, the database says %d. Run reverie doctor.",
                    *(key[1], index.count, count),
                    extra={"action": "index_differs", "agent": key[0]},
                )
        index.add([], [], version)
        return index

    async def _catch_up(self, key: Key, entry: _Open, index: FaissIndex) -> tuple[int, int]:
        """Add the vectors newer than the index; the (version, count) that they lead to."""
        names = self._names(key)
        while True:
            since = index.version
            state, rows = await self._database.read(partial(_changes, names=names, since=since))
            if rows:
                entry.changed = True
                seqs, vectors = [row["seq"] for row in rows], [row["vec"] for row in rows]
                await _thread(partial(index.add, seqs, vectors, rows[-1]["ver"]))
            if len(rows) < _CHUNK:
                return state

    def _names(self, key: Key) -> dict[str, str]:
        return {"agent": key[0], "shelf": key[1], "embedder": self._embedder.name}

    def _path(self, key: Key) -> Path:
        return _agent_folder(self._folder, key[0]) / key[1]


def _changes(
    conn: Connection, names: dict[str, str], since: int
) -> tuple[tuple[int, int], list[Row]]:
    """The (version, count) of a shelf's vectors, and the next of those newer than `since`."""
    state = conn.one(
        "SELECT version, count FROM index_state"
        " WHERE agent_id = :agent AND shelf = :shelf AND embedder = :embedder",
        **names,
    )
    if state is None:
        return (0, 0), []
    found = state["version"], state["count"]
    if found[0] <= since:
        return found, []
    return found, conn.all(
        "SELECT seq, ver, vec FROM vectors WHERE agent_id = :agent AND shelf = :shelf"
        " AND embedder = :embedder AND ver > :since ORDER BY ver LIMIT :limit",
        **names,
        since=since,
        limit=_CHUNK,
    )


def _newest(conn: Connection, names: dict[str, str], version: int) -> Row | None:
    """The newest vector that an index of this version must hold."""
    return conn.one(
        "SELECT seq, vec FROM vectors WHERE agent_id = :agent AND shelf = :shelf"
        " AND embedder = :embedder AND ver <= :version ORDER BY ver DESC LIMIT 1",
        **names,
        version=version,
    )


def _agent_folder(root: Path, agent: str) -> Path:
    """By a hash of the id: spread evenly over folders, and a safe name on every disk."""
    name = hashlib.sha256(agent.encode()).hexdigest()[:32]
    return root / name[:2] / name


def delete_files(root: Path, agent: str) -> None:
    """Delete an agent's index files, which nobody may have open. Raises StorageFault."""
    folder = _agent_folder(root, agent)
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise StorageFault(
            f"The search index {folder} cannot be deleted ({error.strerror}). Delete it by hand."
        ) from error


async def _thread(work: Callable[[], T]) -> T:
    """Run on a thread. A thread cannot be stopped: who is cancelled meanwhile waits for its end,
    for the lock around it must not be given away before."""
    future = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([future])
        raise
