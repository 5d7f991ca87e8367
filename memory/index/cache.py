"""Open vector indexes, each brought level with the database before it answers."""

import asyncio
import hashlib
import logging
import shutil
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import get_args

from memory.errors import EmbeddingFault, IndexBehind, MemoryFault, StorageFault
from memory.index import faiss, follow
from memory.index.faiss import FaissIndex
from memory.index.follow import Names, State, thread
from memory.ports import Database, Embedder
from memory.types import Shelf

Key = tuple[str, Shelf]  # agent id, shelf
Space = tuple[str, int]  # embedder's name, dimension

_log = logging.getLogger(__name__)

SMALL = 2000  # vectors, searched in .1 ms: sooner than a thread is begun
_OVERHEAD = 8192  # bytes of an open index beside its vectors
_SOON = 20_000  # vectors that a search itself waits for: 30 MB from a file, .2 s from rows
_PATIENCE = 0.25  # seconds that a search waits for more than that
_SHARE = 100  # a file is written again when it lacks more than a hundredth: the rest is followed


@dataclass(slots=True)
class _Open:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0  # that hold the lock, wait for it, or build
    index: FaissIndex | None = None
    changes: int = 0  # vectors by which the file differs
    size: int = 0  # bytes, as counted
    work: "asyncio.Task[MemoryFault | None] | None" = None  # that opens or builds it

    @property
    def worn(self) -> bool:
        """Whether the file is to be written again."""
        return self.index is not None and self.changes > self.index.count // _SHARE


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
        self._tasks: asyncio.TaskGroup | None = None  # while there is a background

    @asynccontextmanager
    async def background(self) -> AsyncIterator[None]:
        """Within this, searches no longer wait for indexes that take long to open or to build."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                yield
            finally:
                self._tasks = None

    async def prepare(self) -> None:
        """Have the first search be as quick as others, where there is something to search."""
        if await self._database.read(follow.any_vectors):
            await thread(faiss.prepare)

    async def search(
        self,
        agent: str,
        shelf: Shelf,
        vector: bytes,
        k: int,
        among: Sequence[int] | None = None,
        known: State | None = None,
        embedder: str | None = None,
    ) -> list[tuple[int, float]]:
        """The k nearest (seq, similarity) of what the database holds now, best first.

        known: the (version, count) of the shelf's vectors, where the caller has just read it; an
        index that is level with it is searched without another look at the database.
        embedder: whose vectors, if not the cache's own.
        Raises IndexBehind where that is not to be had soon, and EmbeddingFault where the database
        has vectors of another size than this one.
        """
        key: Key = agent, shelf
        space = embedder or self._embedder.name, len(vector) // 2
        async with self._held(key) as entry:
            index = await self._level(key, entry, space, known)
            work = partial(index.search, vector, k, among)
            hits = work() if index.count <= SMALL else await thread(work)
        await self._make_room()
        return hits

    async def rebuild(self, agent: str, shelf: Shelf) -> int:
        """Build an index anew from the database and save it; the number of its vectors."""
        key: Key = agent, shelf
        space = self._embedder.name, self._embedder.dim
        async with self._held(key) as entry:
            index = entry.index = await self._opened(key, space)
            await follow.build(self._database, Names(*key, space[0]), index)
            entry.changes = index.count + 1
            await self._save(key, entry)
        await self._make_room()
        return index.count

    async def flush(self) -> None:
        """Save what changed. What cannot be saved is told in the log, and tried again next time."""
        for key in [key for key, entry in self._entries.items() if entry.worn]:
            async with self._held(key) as entry:
                await self._save(key, entry)

    async def forget(self, agent: str) -> None:
        """Close an agent's indexes and delete their files. Raises StorageFault."""
        keys: list[Key] = [(agent, shelf) for shelf in get_args(Shelf)]
        async with AsyncExitStack() as stack:
            for key in keys:
                entry = await stack.enter_async_context(self._held(key))
                if entry.work is not None:
                    entry.work.cancel()
                    await asyncio.wait([entry.work])
                entry.index, entry.changes = None, 0
            if not self._read_only:
                await thread(partial(delete_files, self._folder, agent))
        for key in keys:
            self._close(key)

    async def _level(self, key: Key, entry: _Open, space: Space, known: State | None) -> FaissIndex:
        """The index of a space, level with the database, or nearly so while a better one is made.

        Raises IndexBehind where there is none yet, or what keeps it from being made.
        """
        index = entry.index = entry.index if entry.index and entry.index.space == space else None
        names = Names(*key, space[0])
        if known is None:
            known = await self._database.read(partial(follow.state, names=names))
        if index is not None and (index.version, index.count) == known:
            return index
        if self._tasks is not None and _takes_long(index, known[1]):
            work = entry.work = entry.work or self._tasks.create_task(
                self._work(key, entry, space), name="indexing"
            )
            return index or await _soon(entry, space, work)
        if index is None:
            index = entry.index = await self._opened(key, space)
        entry.changes += await follow.level(self._database, names, index)
        return index

    async def _work(self, key: Key, entry: _Open, space: Space) -> MemoryFault | None:
        """Open or build an index beside the one that serves, then put it in its place; what keeps
        it from being made."""
        entry.users += 1
        try:
            index = await self._opened(key, space)
            changes = await follow.level(self._database, Names(*key, space[0]), index)
            entry.index, entry.changes = index, changes
        except MemoryFault as fault:
            return fault
        except (RuntimeError, MemoryError) as error:  # as FAISS says that there is no room
            return EmbeddingFault(f"The index of {key[1]} cannot be built: {error!r:.200}")
        finally:
            entry.users -= 1
            entry.work = None
            self._count(entry)
        return None

    async def _opened(self, key: Key, space: Space) -> FaissIndex:
        path = _agent_folder(self._folder, key[0]) / key[1]
        return await follow.opened(self._database, Names(*key, space[0]), path, space[1])

    @asynccontextmanager
    async def _held(self, key: Key) -> AsyncIterator[_Open]:
        """The entry of an index, for one user at a time."""
        entry = self._entries.setdefault(key, _Open())
        self._entries.move_to_end(key)
        entry.users += 1
        try:
            async with entry.lock:
                yield entry
                self._count(entry)
        finally:
            entry.users -= 1

    def _count(self, entry: _Open) -> None:
        size = _OVERHEAD + (entry.index.size if entry.index else 0)
        self._size += size - entry.size
        entry.size = size

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
        index = entry.index
        if index is None or not entry.worn or self._read_only:
            return
        try:
            await thread(index.save)
        except StorageFault as fault:  # the index works on; it is only built again next time
            _log.warning("%s", fault, extra={"action": "index_not_saved", "agent": key[0]})
        else:
            if entry.index is index:  # no better one took its place
                entry.changes = 0


async def _soon(entry: _Open, space: Space, work: "asyncio.Task[MemoryFault | None]") -> FaissIndex:
    """What comes of work in the background, if it does within a moment. Raises IndexBehind."""
    await asyncio.wait([work], timeout=_PATIENCE)
    if work.done() and not work.cancelled() and (fault := work.result()):
        raise fault
    if entry.index is None or entry.index.space != space:
        raise IndexBehind
    return entry.index


def _takes_long(index: FaissIndex | None, count: int) -> bool:
    """Whether more is to be done for an index of so many vectors than a search should wait for."""
    held = index.count if index is not None else 0
    apart = abs(count - held) > _SOON or (index is not None and not index.fits(count))
    return count > _SOON and apart


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
