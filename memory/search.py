"""Search of recall and archival memory: by words and, where there is an embedder, by meaning."""

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from memory import agents, archive, audience, core, embedding, erase, ranking, recall
from memory import shelf as word_index
from memory.codec import moment
from memory.embedding import Embedding
from memory.errors import EmbeddingFault, NotFound, StorageFault
from memory.index.cache import IndexCache, delete_files
from memory.ports import Connection, Database, Embedder, Row
from memory.types import Fact, Hit, Message, Shelf, Viewer
from memory.words import query_terms, terms

log = logging.getLogger(__name__)

POOL = 100  # candidates of each kind that are ranked together
QUERIES = 256  # vectors of questions that are kept
FACTS = 2000  # of other rooms that are looked through
ALIKE = 0.3  # of a question's words that a fact must have to be found
ME = "you"  # how an agent's own words are attributed, when it reads them


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What the word index says of a query."""

    hits: list[tuple[int, float]]
    coverage: float
    vectors: tuple[int, int]  # version and count of the shelf's vectors
    among: frozenset[int] | None  # the rows that carry the wanted tags


class Search:
    """Finds messages and passages of one agent."""

    def __init__(
        self,
        database: Database,
        embedder: Embedder | None,
        folder: Path,
        *,
        read_only: bool = False,
    ) -> None:
        self._database = database
        self._embedder = embedder
        self._folder = folder
        self._queries: OrderedDict[str, bytes] = OrderedDict()
        self._indexes: IndexCache | None = None
        self._embedding: Embedding | None = None
        if embedder is not None:
            self._indexes = IndexCache(folder, database, embedder, read_only=read_only)
            self._embedding = Embedding(database, embedder, self._indexes)

    @property
    def meaning(self) -> str:
        """Whether search is by meaning too, as a sentence."""
        if self._embedder is None:
            return "Search is by words only: no embedder is installed or configured."
        return f"Search is by words and by meaning ({self._embedder.name})."

    def wake(self) -> None:
        """Something was written that may have to be embedded."""
        if self._embedding is not None:
            self._embedding.wake()

    async def follow(self) -> None:
        """Make vectors for what is written, until cancelled."""
        if self._embedding is not None:
            await self._embedding.run()

    async def reindex(self, progress: Callable[[int, int], None]) -> int:
        """Embed every row that has no vector, and build all index files anew; how many rows.

        progress is told (done, in all). 0 where there is no embedder.
        """
        if self._embedder is None or self._embedding is None or self._indexes is None:
            return 0
        name = self._embedder.name
        if not self._embedder.dim:  # a remote one learns it from its first answer
            await self._embedder.query("?")
        total = await self._database.write(lambda conn: embedding.requeue(conn, name))
        done = 0

        def count(more: int) -> None:
            nonlocal done
            done += more
            progress(done, total)

        await self._embedding.drain(count)
        for agent, kind in await self._database.read(_with_vectors):
            await self._indexes.rebuild(agent, kind)
        await self._indexes.flush()
        return total

    async def forget(self, agent_id: str) -> None:
        """Drop an agent's index files."""
        if self._indexes is not None:
            await self._indexes.forget(agent_id)
        else:  # files of another day, when there was an embedder
            await asyncio.to_thread(delete_files, self._folder, agent_id)

    async def sweep(self) -> bool:
        """Finish forgetting people: leave nothing of it in index files or unused bytes. To be
        called after each, and at start-up. The indexes of rooms are built again when searched.

        False: a file could not be written, or was read by another program; to be tried again.
        """
        left = await self._database.read(erase.leftovers)
        if not left:
            return True
        self._queries.clear()
        try:
            for row in left:
                await self.forget(row["agent_id"])
            clean = await self._database.scrub()
        except StorageFault as fault:
            log.warning("%s", fault, extra={"action": "not_swept"})
            return False
        if clean:
            await self._database.write(lambda conn: erase.swept(conn, left))
        return clean

    async def close(self) -> None:
        if self._indexes is not None:
            await self._indexes.flush()
        if self._embedder is not None:
            await self._embedder.close()

    async def find(
        self,
        viewer: Viewer,
        shelf: Shelf,
        query: str,
        *,
        page: int = 0,
        size: int = 10,
        tags: Sequence[str] = (),
    ) -> tuple[list[Hit], int]:
        """The hits of a page that a viewer may see, best first, and how many there are in all.

        A query that says nothing (empty, stop words only) is answered with the newest rows.
        """
        if not query_terms(query):
            return await self._database.read(
                lambda conn: _newest(conn, viewer, shelf, page * size, size, tags)
            )
        pool = max(POOL, (page + 1) * size)
        words = await self._database.read(
            lambda conn: _by_words(conn, viewer, shelf, query, pool, tags, self._space)
        )
        dense = await self._by_meaning(viewer, shelf, query, words)
        ranked = _ranked(words, dense)
        shown = ranked[page * size : (page + 1) * size]
        hits = await self._database.read(lambda conn: _hydrate(conn, viewer, shelf, shown))
        return hits, len(ranked)

    async def between(
        self, viewer: Viewer, start: datetime, end: datetime, *, page: int = 0, size: int = 10
    ) -> tuple[list[Hit], int]:
        """What was said from `start` up to, not including, `end`, oldest first; and how much."""

        def work(conn: Connection) -> tuple[list[Hit], int]:
            found, total = recall.between(conn, viewer, start, end, page * size, size)
            return [_message_hit(message, 0.0, ()) for message in found], total

        return await self._database.read(work)

    async def elsewhere(self, viewer: Viewer, shelf: Shelf, query: str, size: int) -> list[Hit]:
        """What other rooms have, that the viewer can read: by words, best first. Each hit names its
        room."""
        rows = await self._database.read(
            lambda conn: word_index.elsewhere(conn, shelf, viewer, query, size)
        )
        return [_row_hit(row, shelf) for row in rows]

    async def known_elsewhere(
        self, viewer: Viewer, query: str, size: int
    ) -> list[tuple[str, Fact]]:
        """Facts of those rooms that share enough words with a question, best first; each with the
        name of its room."""
        found = await self._database.read(lambda conn: core.of_rooms(conn, viewer, FACTS))
        rooms = {fact: room for room, fact in found}
        return [(rooms[fact], fact) for fact in alike(rooms, query)[:size]]

    @property
    def _space(self) -> str:
        return self._embedder.name if self._embedder else ""

    async def _by_meaning(
        self, viewer: Viewer, kind: Shelf, query: str, words: _Words
    ) -> list[tuple[int, float]]:
        if self._indexes is None or not words.vectors[1]:
            return []
        among = sorted(words.among) if words.among is not None else None
        try:
            vector = await self._vector(query)
            near = await self._indexes.search(
                viewer.agent, kind, vector, POOL, among, words.vectors
            )
        except EmbeddingFault as error:
            log.warning("searching by words only: %s", error, extra={"action": "embedder_away"})
            return []
        seqs = [seq for seq, _ in near]
        seen = await self._database.read(
            lambda conn: word_index.visible(conn, kind, viewer.agent, seqs, viewer)
        )
        return [hit for hit in near if hit[0] in seen]

    async def _vector(self, query: str) -> bytes:
        assert self._embedder is not None
        vector = self._queries.get(query)
        if vector is None:
            vector = await self._embedder.query(query)
            self._queries[query] = vector
            if len(self._queries) > QUERIES:
                self._queries.popitem(last=False)
        return vector


def _by_words(
    conn: Connection,
    viewer: Viewer,
    kind: Shelf,
    query: str,
    pool: int,
    tags: Sequence[str],
    space: str,
) -> _Words:
    agent_id = viewer.agent
    agent = agents.find(conn, agent_id)
    if agent is None:
        raise NotFound("There is no such agent.")
    among = None
    if tags and kind == "passages":
        among = frozenset(archive.tagged(conn, agent_id, tags))
    hits = word_index.by_words(conn, kind, agent.number, query, pool if among is None else -1)
    if among is not None:
        hits = [hit for hit in hits if hit[0] in among]
    seen = word_index.visible(conn, kind, agent_id, [seq for seq, _ in hits], viewer)
    hits = [hit for hit in hits if hit[0] in seen]
    state = conn.one(
        "SELECT version, count FROM index_state WHERE agent_id = :agent AND shelf = :shelf"
        " AND embedder = :space",
        agent=agent_id,
        shelf=kind,
        space=space,
    )
    return _Words(
        hits=hits,
        coverage=_coverage(conn, agent_id, kind, query, hits),
        vectors=(state["version"], state["count"]) if state else (0, 0),
        among=among,
    )


def _ranked(words: _Words, dense: Sequence[tuple[int, float]]) -> list[ranking.Ranked]:
    """The best by words and by meaning together, then what else has the words.

    Always the same candidates are weighed against each other, so that pages neither overlap nor
    leave anything out.
    """
    best = ranking.fuse(words.hits[:POOL], dense, words.coverage)
    there = {seq for seq, _, _ in best}
    return best + [(seq, 0.0, ("words",)) for seq, _ in words.hits[POOL:] if seq not in there]


def _coverage(
    conn: Connection, agent_id: str, kind: Shelf, query: str, hits: Sequence[tuple[int, float]]
) -> float:
    """How much of the question the best document by words has, by weight of its terms."""
    asked = query_terms(query)
    if not hits or not asked:
        return 0.0
    best = _texts(conn, agent_id, kind, [hits[0][0]])
    frequency, total = word_index.frequencies(conn, kind, asked)
    return ranking.coverage(asked, terms(best[0]), frequency, total) if best else 0.0


def _texts(conn: Connection, agent_id: str, kind: Shelf, seqs: list[int]) -> list[str]:
    if kind == "messages":
        return [recall.searchable(row) for row in recall.get(conn, agent_id, seqs).values()]
    return [archive.searchable(row) for row in archive.get(conn, agent_id, seqs).values()]


def _hydrate(
    conn: Connection,
    viewer: Viewer,
    kind: Shelf,
    ranked: Sequence[tuple[int, float, tuple[str, ...]]],
) -> list[Hit]:
    asked = [seq for seq, _, _ in ranked]
    seqs = sorted(word_index.visible(conn, kind, viewer.agent, asked, viewer))
    if kind == "messages":
        messages = recall.get(conn, viewer.agent, seqs)
        return [
            _message_hit(messages[seq], score, why) for seq, score, why in ranked if seq in messages
        ]
    passages = archive.get(conn, viewer.agent, seqs)
    return [
        Hit(
            shelf="passages", seq=seq, text=passages[seq].text, at=passages[seq].at, speaker="",
            score=score, why=why, tags=passages[seq].tags,
        )
        for seq, score, why in ranked
        if seq in passages
    ]  # fmt: skip


def _message_hit(message: Message, score: float, why: tuple[str, ...]) -> Hit:
    return Hit(
        shelf="messages",
        seq=message.seq,
        text=message.text,
        at=message.at,
        speaker=ME if message.role == "assistant" else message.speaker,
        score=score,
        why=why,
    )


def _row_hit(row: Row, kind: Shelf) -> Hit:
    said = kind == "messages"
    return Hit(
        shelf=kind,
        seq=row["seq"],
        text=row["text"],
        at=moment(row["at"]),
        speaker="" if not said else ME if row["role"] == "assistant" else row["speaker"],
        score=row["score"],
        why=("words",),
        agent=row["name"],
        tags=() if said else tuple(json.loads(row["tags"])),
    )


def alike(facts: Iterable[Fact], query: str) -> list[Fact]:
    """The facts that share enough words with a question, best first."""
    asked = set(query_terms(query))
    shares = {fact: len(asked & set(terms(fact.text))) / len(asked) for fact in facts if asked}
    found = [fact for fact in shares if shares[fact] >= ALIKE]
    return sorted(found, key=lambda fact: (-shares[fact], fact.seq))


def _newest(
    conn: Connection, viewer: Viewer, kind: Shelf, offset: int, size: int, tags: Sequence[str]
) -> tuple[list[Hit], int]:
    if tags and kind == "passages":
        tagged = archive.tagged(conn, viewer.agent, tags)
        seen = sorted(word_index.visible(conn, kind, viewer.agent, tagged, viewer), reverse=True)
        some = [(seq, 0.0, ()) for seq in seen[offset : offset + size]]
        return _hydrate(conn, viewer, kind, some), len(seen)
    where = f"AND {recall.SPOKEN}" if kind == "messages" else ""
    count = conn.one(
        f"SELECT count(*) AS n FROM {kind} AS t WHERE t.agent_id = :v_agent {where}"  # noqa: S608
        f" AND {audience.visible('t')}",
        **audience.params(viewer),
    )
    page = recall.newest if kind == "messages" else archive.newest
    seqs = [row.seq for row in page(conn, viewer, offset, size)]
    hits = _hydrate(conn, viewer, kind, [(seq, 0.0, ()) for seq in seqs])
    return hits, int(count["n"]) if count else 0


def _with_vectors(conn: Connection) -> list[tuple[str, Shelf]]:
    rows = conn.all("SELECT DISTINCT agent_id, shelf FROM index_state WHERE count > 0")
    return [(row["agent_id"], row["shelf"]) for row in rows]
