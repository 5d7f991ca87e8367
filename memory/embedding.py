"""Makes vectors for what was written: a queue in the database, worked off behind everything else.

A row is found by its words at once; its meaning follows from here, and is never on the path of a
reply. Where the embedder is another one than before, all rows are queued again, and the old vectors
serve until the new ones are there. See memory/spaces.py.
"""

import asyncio
import logging
import math
import struct
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from memory import agents, archive, recall, shelf, spaces
from memory.codec import micros
from memory.errors import EmbeddingFault, StorageFault
from memory.index.cache import IndexCache
from memory.ports import Connection, Database, Embedder
from memory.types import Shelf, now

log = logging.getLogger(__name__)

BATCH = 8  # rows of one round: short, so that what is waiting on the CPU is not kept long
IDLE = 5.0  # seconds without work before index files are written
AWAY = 30.0  # seconds to wait after the embedder or the disk failed
AGENTS = 50  # that are queued again in one transaction
CHUNK = 2000  # old vectors that are deleted in one
PROBE = "Hello. 你好。"  # what no embedder refuses


class Embedding:
    """Works off the queue of one database with one embedder."""

    def __init__(
        self,
        database: Database,
        embedder: Embedder,
        indexes: IndexCache,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._database = database
        self._embedder = embedder
        self._indexes = indexes
        self._clock = clock
        self._mail = asyncio.Event()
        self._moving: bool | None = None  # from another embedder; None: not known yet

    def wake(self) -> None:
        """There may be something in the queue."""
        self._mail.set()

    async def run(self) -> None:
        """Until cancelled."""
        async with self._indexes.background():
            while True:
                self._mail.clear()
                wait: float | None = IDLE
                try:
                    if await self._step():
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

    async def _step(self) -> bool:
        """A round; whether there is more to do now."""
        if self._moving is None:
            await self._indexes.prepare()
            others = await self._database.read(self._others)
            queued = await self._queue_missing(others)
            self._moving = bool(others)
            if others:
                log.info(
                    "%d texts get new vectors, by %s; the old ones serve until they are made.",
                    *(queued, self._embedder.name),
                    extra={"action": "embedder_changed"},
                )
        if await self.round():
            return True
        if self._moving:
            self._moving = await self.retire()
        return False

    async def round(self) -> int:
        """Embed a few waiting rows; how many. 0: none is due. Raises EmbeddingFault.

        A text that alone is refused stays in the queue for another day.
        """
        at = micros(self._clock())
        waiting = await self._database.read(partial(_waiting, at=at))
        for (agent, kind), texts in waiting.items():
            made = await self._made(texts)
            keep = partial(
                _keep, kind=kind, agent=agent, embedder=self._embedder.name, made=made, at=at
            )
            if not await self._database.write(keep):
                log.warning(
                    "%s gives vectors of another length than before. Run reverie reindex.",
                    self._embedder.name,
                    extra={"action": "embedder_differs", "agent": agent},
                )
        return sum(len(texts) for texts in waiting.values())

    async def reindex(self, progress: Callable[[int, int], None]) -> int:
        """Embed every row that has no vector, telling (done, in all) after each round; how many
        have got one.

        Vectors of another length than the embedder gives now are made anew.
        """
        width = len(await self._embedder.query(PROBE))
        start_over = partial(spaces.start_over, embedder=self._embedder.name, width=width)
        await self._database.write(start_over)
        await self._queue_missing([agent.id for agent in await self._database.read(agents.page)])
        total, done = await self._database.read(_queued), 0
        while more := await self.round():
            done += more
            progress(done, total)
        await self.retire()
        return total - await self._database.read(_queued)

    async def retire(self) -> bool:
        """Delete the vectors and files that are needed no more; whether others remain."""
        name = self._embedder.name
        for agent, kind, other in await self._database.read(partial(spaces.served, embedder=name)):
            await self._indexes.forget(agent)
            drop = partial(spaces.drop, agent_id=agent, kind=kind, embedder=other, most=CHUNK)
            while await self._database.write(drop):
                pass
        return bool(await self._database.read(self._others))

    def _others(self, conn: Connection) -> list[str]:
        return spaces.with_others(conn, self._embedder.name)

    async def _queue_missing(self, agent_ids: list[str]) -> int:
        queued = 0
        for start in range(0, len(agent_ids), AGENTS):
            some = agent_ids[start : start + AGENTS]
            queue = partial(
                spaces.queue_missing,
                embedder=self._embedder.name,
                agents=some,
                at=micros(self._clock()),
            )
            queued += await self._database.write(queue)
        return queued

    async def _made(self, texts: Mapping[int, str]) -> dict[int, bytes | None]:
        """Their vectors; None for a text that is refused while others are not."""
        try:
            return {**await self._vectors(texts)}
        except EmbeddingFault:
            await self._vectors({0: PROBE})  # if it is away, that is nobody's fault
        made: dict[int, bytes | None] = {}
        for seq, text in texts.items():
            try:
                made |= await self._vectors({seq: text})
            except EmbeddingFault as fault:
                log.warning("a text got no vector: %s", fault, extra={"action": "text_refused"})
                made[seq] = None
        return made

    async def _vectors(self, texts: Mapping[int, str]) -> dict[int, bytes]:
        vectors = await self._embedder.passages(list(texts.values()))
        if len(vectors) != len(texts) or not all(map(self._sound, vectors)):
            raise EmbeddingFault(
                f"{self._embedder.name} did not answer with a vector of {self._embedder.dim}"
                " numbers for each text. Check that it is an embedder, and the same as before."
            )
        return dict(zip(texts, vectors, strict=True))

    def _sound(self, vector: bytes) -> bool:
        if len(vector) != 2 * self._embedder.dim:
            return False
        numbers = struct.unpack(f"<{self._embedder.dim}e", vector)
        return 0 < math.hypot(*numbers) < math.inf


def _keep(
    conn: Connection,
    kind: Shelf,
    agent: str,
    embedder: str,
    made: Mapping[int, bytes | None],
    at: int,
) -> bool:
    """Store what was made; the rest waits. False: it has another length than the shelf's others."""
    width = spaces.width(conn, kind, agent, embedder)
    vectors = {seq: vector for seq, vector in made.items() if vector is not None}
    fit = {seq: vector for seq, vector in vectors.items() if width in (0, len(vector))}
    shelf.put_vectors(conn, kind, agent, embedder, fit)
    spaces.postpone(conn, kind, agent, made.keys() - fit.keys(), at)
    return len(fit) == len(vectors)


def _waiting(conn: Connection, at: int) -> Mapping[tuple[str, Shelf], dict[int, str]]:
    """The first rows of the queue with their texts, by agent and shelf."""
    found: dict[tuple[str, Shelf], dict[int, str]] = {}
    for row in conn.all(
        "SELECT agent_id, shelf, seq FROM embed_queue WHERE ready_at <= :at"
        " ORDER BY ready_at, agent_id, shelf, seq LIMIT :limit",
        at=at,
        limit=BATCH,
    ):
        agent, kind, seq = row["agent_id"], row["shelf"], row["seq"]
        texts = found.setdefault((agent, kind), {})
        if kind == "messages":
            texts[seq] = recall.searchable(recall.get(conn, agent, [seq])[seq])
        else:
            texts[seq] = archive.searchable(archive.get(conn, agent, [seq])[seq])
    return found


def _queued(conn: Connection) -> int:
    row = conn.one("SELECT count(*) AS n FROM embed_queue")
    return int(row["n"]) if row else 0
