"""Makes vectors for what was written: a queue in the database, worked off behind everything else.

A row is found by its words at once; its meaning follows from here, and is never on the path of a
reply.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from memory import archive, recall, shelf
from memory.errors import EmbeddingFault, StorageFault
from memory.index.cache import IndexCache
from memory.ports import Connection, Database, Embedder
from memory.types import Shelf

log = logging.getLogger(__name__)

BATCH = 8  # rows of one round: short, so that what is waiting on the CPU is not kept long
IDLE = 5.0  # seconds without work before index files are written
AWAY = 30.0  # seconds to wait after the embedder or the disk failed


class Embedding:
    """Works off the queue of one database with one embedder."""

    def __init__(self, database: Database, embedder: Embedder, indexes: IndexCache) -> None:
        self._database = database
        self._embedder = embedder
        self._indexes = indexes
        self._mail = asyncio.Event()

    def wake(self) -> None:
        """There may be something in the queue."""
        self._mail.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._mail.clear()
            wait: float | None = IDLE
            try:
                if await self.round():
                    continue
            except (EmbeddingFault, StorageFault) as error:
                log.warning("%s", error, extra={"action": "embedder_away"})
                wait = AWAY
            try:
                await asyncio.wait_for(self._mail.wait(), wait)
            except TimeoutError:
                await self._indexes.flush()
                if wait == IDLE:
                    await self._mail.wait()

    async def round(self) -> int:
        """Embed a few waiting rows; how many. 0: the queue is empty. Raises EmbeddingFault."""
        waiting = await self._database.read(_waiting)
        for (agent, kind), texts in waiting.items():
            vectors = await self._embedder.passages(list(texts.values()))
            made = dict(zip(texts, vectors, strict=True))
            await self._database.write(_keeping(kind, agent, self._embedder.name, made))
        return sum(len(texts) for texts in waiting.values())

    async def drain(self, progress: Callable[[int], None]) -> None:
        """Embed everything that waits, telling how many more are done after each round."""
        while done := await self.round():
            progress(done)
        await self._indexes.flush()


def _keeping(
    kind: Shelf, agent: str, embedder: str, made: dict[int, bytes]
) -> Callable[[Connection], None]:
    return lambda conn: shelf.put_vectors(conn, kind, agent, embedder, made)


def _waiting(conn: Connection) -> Mapping[tuple[str, Shelf], dict[int, str]]:
    """The first rows of the queue with their texts, by agent and shelf."""
    found: dict[tuple[str, Shelf], dict[int, str]] = {}
    for row in conn.all("SELECT * FROM embed_queue LIMIT :limit", limit=BATCH):
        agent, kind, seq = row["agent_id"], row["shelf"], row["seq"]
        texts = found.setdefault((agent, kind), {})
        if kind == "messages":
            texts[seq] = recall.searchable(recall.get(conn, agent, [seq])[seq])
        else:
            texts[seq] = archive.searchable(archive.get(conn, agent, [seq])[seq])
    return found


def requeue(conn: Connection, embedder: str) -> int:
    """Queue every row that has no vector of this embedder; how many wait now."""
    for kind, table, where in (
        ("messages", "messages", f"AND {recall.SPOKEN}"),
        ("passages", "passages", ""),
    ):
        conn.execute(
            "INSERT OR IGNORE INTO embed_queue(agent_id, shelf, seq)"  # noqa: S608 -- ours
            f" SELECT agent_id, :shelf, seq FROM {table} AS t WHERE NOT EXISTS (SELECT 1 FROM"
            " vectors AS v WHERE v.agent_id = t.agent_id AND v.shelf = :shelf"
            f" AND v.embedder = :embedder AND v.seq = t.seq) {where}",
            shelf=kind,
            embedder=embedder,
        )
    row = conn.one("SELECT count(*) AS n FROM embed_queue")
    return int(row["n"]) if row else 0
