"""Brings an index level with the rows of the database that it follows."""

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from memory.index.faiss import FaissIndex, sample_of
from memory.ports import Connection, Database, Row
from memory.types import Shelf

T = TypeVar("T")
State = tuple[int, int]  # version and count of a shelf's vectors

_log = logging.getLogger(__name__)

_CHUNK = 5_000  # vectors taken from the database at a time: others read beside it
_SAME = 0.98  # the least similarity of a vector to itself, after float16 and bytes
_OWN = "agent_id = :agent AND shelf = :shelf AND embedder = :embedder"


@dataclass(frozen=True, slots=True)
class Names:
    """Whose vectors, of which shelf, by which embedder."""

    agent: str
    shelf: Shelf
    embedder: str


async def opened(database: Database, names: Names, path: Path, dim: int) -> FaissIndex:
    """The index as its files have it, if they are of this database."""
    index = await thread(lambda: FaissIndex(path, names.embedder, dim))
    newest = await database.read(partial(_newest, names=names, version=index.version))
    if newest:
        seq, vector = newest["seq"], newest["vec"]
        hits = await thread(lambda: index.search(vector, 1, [seq]))
        if not hits or hits[0][1] < _SAME:
            await thread(index.reset)
    return index


async def level(database: Database, names: Names, index: FaissIndex) -> int:
    """Add what is new and drop what is gone, or else build it anew; how many vectors changed.

    All of them where some are gone: those must not stay in a file for long.
    """
    gained, (version, count) = await _gain(database, names, index)
    lost = 0
    while index.count > count and (more := await _lose(database, names, index)):
        lost += more
        _, (version, count) = await _gain(database, names, index)
    if index.count != count or index.version > version or not index.fits(count):
        return await build(database, names, index) + 1
    return index.count + lost if lost else gained


async def build(database: Database, names: Names, index: FaissIndex) -> int:
    """Build an index anew; how many vectors it has."""
    _, count = await database.read(partial(state, names=names))
    wanted = sample_of(count)
    sample = await database.read(partial(_sample, names=names, wanted=wanted)) if wanted else []
    await thread(partial(index.reset, count, sample))
    _, (_, count) = await _gain(database, names, index)
    if index.count != count:
        _log.warning(
            "The index of %s counts %d vectors, the database says %d. Run reverie doctor.",
            *(names.shelf, index.count, count),
            extra={"action": "index_differs", "agent": names.agent},
        )
    return index.count


async def _gain(database: Database, names: Names, index: FaissIndex) -> tuple[int, State]:
    """Add the vectors newer than the index; how many, and the state that they lead to."""
    gained = 0
    while True:
        now, rows = await database.read(partial(_newer, names=names, since=index.version))
        if rows:
            seqs, vectors = [row["seq"] for row in rows], [row["vec"] for row in rows]
            await thread(partial(index.add, seqs, vectors, rows[-1]["ver"]))
            gained += len(rows)
        if len(rows) < _CHUNK:
            index.add([], [], max(index.version, now[0]))
            return gained, now


async def _lose(database: Database, names: Names, index: FaissIndex) -> int:
    """Drop the vectors that are no longer in the database; how many."""
    seqs = await database.read(partial(_seqs, names=names))
    return await thread(partial(index.keep, seqs))


def state(conn: Connection, names: Names) -> State:
    """The version and count of a shelf's vectors."""
    row = conn.one(f"SELECT version, count FROM index_state WHERE {_OWN}", **asdict(names))  # noqa: S608
    return (row["version"], row["count"]) if row else (0, 0)


def any_vectors(conn: Connection) -> bool:
    """Whether there is anything to be found by meaning."""
    return conn.one("SELECT 1 FROM index_state WHERE count > 0 LIMIT 1") is not None


def _newer(conn: Connection, names: Names, since: int) -> tuple[State, list[Row]]:
    """The state, and the next of the vectors newer than `since`."""
    now = state(conn, names)
    if now[0] <= since:
        return now, []
    return now, conn.all(
        f"SELECT seq, ver, vec FROM vectors WHERE {_OWN} AND ver > :since"  # noqa: S608
        " ORDER BY ver LIMIT :limit",
        **asdict(names),
        since=since,
        limit=_CHUNK,
    )


def _newest(conn: Connection, names: Names, version: int) -> Row | None:
    """The newest vector that an index of this version must hold."""
    return conn.one(
        f"SELECT seq, vec FROM vectors WHERE {_OWN} AND ver <= :version"  # noqa: S608
        " ORDER BY ver DESC LIMIT 1",
        **asdict(names),
        version=version,
    )


def _seqs(conn: Connection, names: Names) -> list[int]:
    """The seqs of all vectors, in the order in which they came."""
    rows = conn.all(f"SELECT seq FROM vectors WHERE {_OWN} ORDER BY ver", **asdict(names))  # noqa: S608
    return [row["seq"] for row in rows]


def _sample(conn: Connection, names: Names, wanted: int) -> list[bytes]:
    """Vectors from all over a shelf, `wanted` of them if it has as many."""
    seqs = _seqs(conn, names)
    rows = conn.all(
        f"SELECT vec FROM vectors WHERE {_OWN}"  # noqa: S608
        " AND seq IN (SELECT value FROM json_each(:some))",
        **asdict(names),
        some=json.dumps(seqs[:: max(1, len(seqs) // wanted)][:wanted]),
    )
    return [row["vec"] for row in rows]


async def thread(work: Callable[[], T]) -> T:
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
