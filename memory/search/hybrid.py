"""Search of recall and archival memory: by words and, where there is an embedder, by meaning."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path

from memory import core
from memory.embedding import Embedding
from memory.errors import EmbeddingFault, StorageFault
from memory.forget import leftovers
from memory.index.cache import IndexCache, delete_files
from memory.ports import Connection, Database, Embedder
from memory.search import lookup
from memory.search.lookup import POOL, Asked, Words
from memory.search.meaning import Former, Meaning
from memory.search.question import ask, in_words
from memory.search.ranking import WEIGHTS, Weights
from memory.shelf import merge_words
from memory.types import Fact, Filters, Hit, Shelf, Viewer, now
from memory.words import query_terms, terms

log = logging.getLogger(__name__)

MOST, LAST = 1000, 1_000_000  # hits of a page, and pages
FACTS = 2000  # of other rooms that are looked through
ALIKE = 0.3  # of a question's words that a fact must have to be found
ALL = Filters()


class Search:
    """Finds messages and passages of one agent."""

    def __init__(
        self,
        database: Database,
        embedder: Embedder | None,
        folder: Path,
        *,
        former: Former = lambda _: None,
        read_only: bool = False,
        zone: tzinfo = UTC,
        clock: Callable[[], datetime] = now,
        weights: Weights = WEIGHTS,
    ) -> None:
        """former: makes another embedder by its name, while whose vectors are replaced.
        zone: in which the days of "yesterday" begin. weights: of the order of hits."""
        self._zone = zone
        self._clock = clock
        self._weights = weights
        self._database = database
        self._embedder = embedder
        self._folder = folder
        self._indexes: IndexCache | None = None
        self._embedding: Embedding | None = None
        self._meaning: Meaning | None = None
        if embedder is not None:
            self._indexes = IndexCache(folder, database, embedder, read_only=read_only)
            self._embedding = Embedding(database, embedder, self._indexes)
            self._meaning = Meaning(embedder, self._indexes, former)

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
        if self._embedding is None or self._indexes is None:
            return 0
        total = await self._embedding.reindex(progress)
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
        """Finish forgetting: leave nothing of what was removed in index files or unused bytes. To
        be called after each person, and at start-up. The indexes are built again when searched.

        False: a file could not be written, or was read by another program; to be tried again.
        """
        left = await self._database.read(leftovers.page)
        if not left:
            return True
        if self._meaning is not None:
            self._meaning.clear()
        try:
            for row in left:
                await self.forget(row["agent_id"])
            await self._database.write(merge_words)
            clean = await self._database.scrub()
        except StorageFault as fault:
            log.warning("%s", fault, extra={"action": "not_swept"})
            return False
        if clean:
            await self._database.write(lambda conn: leftovers.swept(conn, left))
        return clean

    async def close(self) -> None:
        if self._indexes is not None:
            await self._indexes.flush()
        if self._meaning is not None:
            await self._meaning.close()

    async def find(
        self,
        viewer: Viewer,
        shelf: Shelf,
        query: str,
        *,
        page: int = 0,
        size: int = 10,
        filters: Filters = ALL,
    ) -> tuple[list[Hit], int]:
        """The hits of a page that a viewer may see, best first; and how many candidates there are
        in all, of which there is one more than pages have shown as long as there are more.

        A query that says nothing (empty, stop words only) is answered with the newest rows, one
        that only names a time with the newest of that time, if there are any.
        """
        page, size = min(max(page, 0), LAST), min(max(size, 0), MOST)
        question = ask(query, self._clock().astimezone(self._zone))
        asked = Asked(viewer=viewer, kind=shelf, question=question, filters=filters)
        if not question.terms:
            newest = partial(lookup.newest, asked=asked, page=page, size=size)
            found = await self._database.read(newest)
            if found[1] or not question.span:
                return found
            # Nothing is of that time, but its words may have been said.
            asked = replace(asked, question=in_words(question))
        hits, total, crowded = await self._page(asked, page, size)
        if crowded:
            hits, total, _ = await self._page(asked, page, size, seen=True)
        return hits, total

    async def _page(
        self, asked: Asked, page: int, size: int, *, seen: bool = False
    ) -> tuple[list[Hit], int, bool]:
        """The hits of a page, how many there are, and whether what the viewer may not see crowds
        out what they may. seen: only what they may see is looked through."""
        pool = max(POOL, (page + 1) * size + 1)  # one more tells that there is another page
        words = await self._database.read(
            lambda conn: lookup.by_words(conn, asked, pool, self._space, self._weights, seen=seen)
        )
        near = await self._by_meaning(asked, words)

        def work(conn: Connection) -> tuple[list[Hit], int, bool]:
            ranked = lookup.ranked(conn, asked, words, near, self._weights)
            shown = ranked[page * size : (page + 1) * size]
            hits = lookup.hydrate(conn, asked.viewer, asked.kind, shown)
            return hits, len(ranked), lookup.crowded_out(words, near, ranked)

        return await self._database.read(work)

    async def between(
        self, viewer: Viewer, start: datetime, end: datetime, *, page: int = 0, size: int = 10
    ) -> tuple[list[Hit], int]:
        """What was said from `start` up to, not including, `end`, oldest first; and how much."""
        return await self._database.read(
            lambda conn: lookup.between(conn, viewer, start, end, page, size)
        )

    async def elsewhere(self, viewer: Viewer, shelf: Shelf, query: str, size: int) -> list[Hit]:
        """What other rooms have, that the viewer can read: by words, best first. Each hit names its
        room."""
        return await self._database.read(
            lambda conn: lookup.elsewhere(conn, viewer, shelf, query, size)
        )

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

    async def _by_meaning(self, asked: Asked, words: Words) -> list[tuple[int, float]]:
        if self._meaning is None:
            return []
        among = sorted(words.among) if words.among is not None else None
        agent, question = asked.viewer.agent, asked.question.text
        try:
            return await self._meaning.near(agent, asked.kind, question, POOL, among, words.spaces)
        except EmbeddingFault as error:
            log.warning("searching by words only: %s", error, extra={"action": "embedder_away"})
            return []


def alike(facts: Iterable[Fact], query: str) -> list[Fact]:
    """The facts that share enough words with a question, best first."""
    asked = set(query_terms(query))
    shares = {fact: len(asked & set(terms(fact.text))) / len(asked) for fact in facts if asked}
    found = [fact for fact in shares if shares[fact] >= ALIKE]
    return sorted(found, key=lambda fact: (-shares[fact], fact.seq))


def _with_vectors(conn: Connection) -> list[tuple[str, Shelf]]:
    rows = conn.all("SELECT DISTINCT agent_id, shelf FROM index_state WHERE count > 0")
    return [(row["agent_id"], row["shelf"]) for row in rows]
