"""Another embedder: new vectors are made behind, the old ones serve until then, and go."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from memory import spaces
from memory.audience import operator
from memory.database.sqlite import SqliteDatabase
from memory.draft import Draft
from memory.embed.hashing import HashingEmbedder
from memory.embedding import Embedding
from memory.errors import EmbeddingFault
from memory.index import faiss
from memory.index.cache import IndexCache
from memory.ports import Connection, Embedder
from memory.schema import MIGRATIONS
from memory.search.hybrid import Search
from memory.store import Store
from memory.types import Birth

pytestmark = pytest.mark.skipif(not faiss.available(), reason="FAISS is not installed")

T0 = datetime(2026, 1, 31, 12, tzinfo=UTC)
NOTES = [f"note {n} about {what}" for n, what in enumerate(["咖啡 beans", "teapots", "跑步"] * 10)]
QUESTION = "eapoxtea"  # its parts are near, its words are nowhere


class Named(HashingEmbedder):
    """An embedder of a name, that can be slow, away, and refuse a text for ever."""

    def __init__(self, name: str, dim: int) -> None:
        super().__init__(dim)
        self._name = name
        self.left = 10**9  # texts until it is killed
        self.away = False
        self.refuses = "\x00"
        self.seen: list[str] = []
        self.asked = 0

    @property
    def name(self) -> str:
        return self._name

    async def passages(self, texts: Sequence[str]) -> list[bytes]:
        self.asked += 1
        self.left -= len(texts)
        if self.left < 0:
            await asyncio.Event().wait()
        self.seen += texts
        if self.away or any(self.refuses in text for text in texts):
            raise EmbeddingFault(f"{self._name} refuses.")
        return await super().passages(texts)

    async def query(self, text: str) -> bytes:
        if self.away:
            raise EmbeddingFault(f"{self._name} refuses.")
        return await super().query(text)


class House:
    """One home, which programs with this or that embedder open one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = T0

    async def open(self) -> None:
        self.database = SqliteDatabase(self.folder / "reverie.db")
        self.database.start(MIGRATIONS)
        self.store = Store(self.database)

    async def restart(self) -> None:
        await self.database.close()
        await self.open()

    def search(self, embedder: Embedder, *former: Embedder) -> Search:
        known = {one.name: one for one in former}
        return Search(self.database, embedder, self.folder / "index", former=known.get)

    def embedding(self, embedder: Embedder) -> Embedding:
        indexes = IndexCache(self.folder / "index", self.database, embedder)
        return Embedding(self.database, embedder, indexes, lambda: self.clock)

    async def keep(self, agent: str, *texts: str) -> None:
        await self.store.ensure(Birth(id=agent, name=agent, kind="named", persona="I am."))
        view = await self.store.view(agent, "dm")
        draft = Draft.of(view.agent, view.blocks, at=T0)
        for text in texts:
            draft.insert(text)
        await self.store.commit(draft.change())

    async def counts(self, agent: str = "ana") -> dict[str, int]:
        """How many vectors the embedders have of an agent's passages, by state and by rows."""

        def work(conn: Connection) -> dict[str, int]:
            rows = conn.all(
                "SELECT embedder, count(*) AS n FROM vectors WHERE agent_id = :a GROUP BY 1",
                a=agent,
            )
            made = {row["embedder"]: row["n"] for row in rows}
            of = spaces.of(conn, "passages", agent, "new")
            assert {space.embedder: space.count for space in of} == made
            return made

        return await self.database.read(work)

    async def queued(self) -> int:
        rows = await self.database.read(lambda conn: conn.all("SELECT seq FROM embed_queue"))
        return len(rows)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    await house.open()
    yield house
    await house.database.close()


async def found(search: Search, agent: str = "ana") -> list[tuple[str, tuple[str, ...]]]:
    hits, _ = await search.find(operator(agent), "passages", QUESTION, size=5)
    return [(hit.text, hit.why) for hit in hits]


async def until(check: Callable[[], bool]) -> None:
    for _ in range(20_000):
        if check():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never came")


async def worked(embedding: Embedding, at_end: Callable[[], bool]) -> None:
    """Have it run until something is so, then kill it."""
    running = asyncio.ensure_future(embedding.run())
    try:
        await until(at_end)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def settle(house: House, embedder: Named) -> None:
    """Have all be done that can be done now."""
    embedding = house.embedding(embedder)
    running = asyncio.ensure_future(embedding.run())
    async with asyncio.timeout(20):
        while await house.queued() or len(await house.counts()) > 1:
            embedding.wake()
            await asyncio.sleep(0.005)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_old_vectors_serve_until_the_new_ones_are_made(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    old, new = Named("old", 64), Named("new", 32)
    await house.keep("ana", *NOTES)
    before = house.search(old)
    assert await before.reindex(lambda done, total: None) == 30
    wanted = await found(before)
    assert {text for text, _ in wanted[:5]} <= {note for note in NOTES if "teapots" in note}
    assert wanted[0][1] == ("meaning",)
    await before.close()

    for killed_after in (8, 16):  # the first time, and again after it was killed
        new.left = 8
        with caplog.at_level(logging.INFO):
            await worked(house.embedding(new), lambda: new.left < 0)
        await house.restart()
        assert await house.counts() == {"old": 30, "new": killed_after}
        search = house.search(new, old)
        assert await found(search) == wanted
        await search.close()
    assert "30 texts get new vectors, by new" in caplog.text
    await house.keep("ana", "one more teapot")  # found by its words meanwhile
    new.left, new.seen = 10**9, []
    await settle(house, new)
    assert new.seen[0] == "one more teapot"
    assert len(new.seen) == 31 - 16
    assert await house.counts() == {"new": 31}
    assert await house.queued() == 0
    search = house.search(new)
    after = await found(search)
    assert after[0][1] == ("meaning",)
    assert "teapot" in after[0][0]
    await search.close()
    assert len(list((house.folder / "index").rglob("*.faiss"))) == 1


@pytest.mark.parametrize("away", [False, True])
async def test_words_serve_where_the_old_embedder_cannot_be_had(house: House, away: bool) -> None:
    old, new = Named("old", 64), Named("new", 32)
    await house.keep("ana", *NOTES)
    await house.search(old).reindex(lambda done, total: None)
    old.away = True
    search = house.search(new, old) if away else house.search(new)
    assert await found(search) == []
    hits, _ = await search.find(operator("ana"), "passages", "teapots")
    assert {hit.why for hit in hits} == {("words",)}
    new.left = 8
    await worked(house.embedding(new), lambda: new.left < 0)
    assert [why for _, why in await found(search)][:1] == ([] if away else [("meaning",)])


async def test_each_agent_moves_when_its_own_are_made(house: House) -> None:
    old, new = Named("old", 64), Named("new", 32)
    for agent in ("ana", "ben"):
        await house.keep(agent, *NOTES)
    await house.search(old).reindex(lambda done, total: None)
    new.left = 32
    await worked(house.embedding(new), lambda: new.left < 0)
    assert (await house.counts("ana"), await house.counts("ben")) == (
        {"old": 30, "new": 30},
        {"old": 30, "new": 2},
    )
    search = house.search(new, old)
    old.away = True
    assert (await found(search, "ana"))[0][1] == ("meaning",)
    assert await found(search, "ben") == []


async def test_back_to_the_old_one_halfway(house: House) -> None:
    old, new = Named("old", 64), Named("new", 32)
    await house.keep("ana", *NOTES)
    await house.search(old).reindex(lambda done, total: None)
    new.left = 8
    await worked(house.embedding(new), lambda: new.left < 0)
    await settle(house, old)
    assert await house.counts() == {"old": 30}


async def test_reindex_changes_too_and_leaves_nothing(house: House) -> None:
    old, new = Named("old", 64), Named("new", 32)
    await house.keep("ana", *NOTES)
    await house.search(old).reindex(lambda done, total: None)
    seen: list[tuple[int, int]] = []
    search = house.search(new)
    assert await search.reindex(lambda *at: seen.append(at)) == 30
    assert seen == [(8, 30), (16, 30), (24, 30), (30, 30)]
    assert await house.counts() == {"new": 30}
    assert (await found(search))[0][1] == ("meaning",)


async def test_killed_while_the_old_vectors_are_deleted(house: House) -> None:
    old, new = Named("old", 64), Named("new", 32)
    await house.keep("ana", *NOTES)
    await house.search(old).reindex(lambda done, total: None)
    embedding = house.embedding(new)
    await worked(embedding, lambda: len(new.seen) > 0)
    while await embedding.round():
        pass
    await house.database.write(lambda conn: spaces.drop(conn, "ana", "passages", "old", 7))
    await house.restart()
    assert await house.counts() == {"old": 23, "new": 30}
    assert (await found(house.search(new)))[0][1] == ("meaning",)
    await settle(house, new)
    assert await house.counts() == {"new": 30}


# --- texts that are refused ----------------------------------------------------------------------


async def test_a_text_that_is_refused_holds_up_no_other(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    embedder = Named("new", 32)
    embedder.refuses = "note 3 "
    await house.keep("ana", *NOTES)
    embedding = house.embedding(embedder)
    while await embedding.round():
        pass
    assert await house.counts() == {"new": 29}
    assert "a text got no vector: new refuses." in caplog.text
    assert NOTES[3] not in caplog.text
    search = house.search(embedder)
    hits, _ = await search.find(operator("ana"), "passages", "note 3")
    assert hits[0].text == NOTES[3]

    asked, tries = embedder.asked, 0
    for minutes, again in ((0.9, 0), (0.2, 1), (3.8, 0), (0.3, 1), (15, 0), (2, 1)):
        house.clock += timedelta(minutes=minutes)
        tries += await embedding.round()
        assert tries - again in (0, 1, 2)
        assert await embedding.round() == 0
    assert (tries, embedder.asked - asked) == (3, 9)  # the text, the probe, the text alone
    embedder.refuses = "\x00"
    assert await search.reindex(lambda done, total: None) == 1  # asked for: at once
    assert await house.counts() == {"new": 30}


async def test_what_is_refused_does_not_keep_the_old_vectors_for_ever(house: House) -> None:
    old, new = Named("old", 64), Named("new", 32)
    await house.keep("ana", *NOTES)
    await house.search(old).reindex(lambda done, total: None)
    new.refuses = "note 3 "
    embedding = house.embedding(new)
    await worked(embedding, lambda: len(new.seen) > 0)
    passes, remain = 0, True
    while remain:
        assert (await house.counts())["old"] == 30
        while await embedding.round():
            pass
        passes, remain = passes + 1, await embedding.retire()
        house.clock += timedelta(days=1)
    assert spaces.TRIES - 1 <= passes <= spaces.TRIES
    assert (await house.counts(), await house.queued()) == ({"new": 29}, 1)


@pytest.mark.parametrize("harm", ["nan", "short", "zero", "few"])
async def test_vectors_that_are_none_are_refused(house: House, harm: str) -> None:
    class Broken(Named):
        async def passages(self, texts: Sequence[str]) -> list[bytes]:
            good = await super().passages(texts)
            broken = {"nan": b"\x00\x7e" * 32, "short": b"\0\x3c", "zero": bytes(64), "few": b""}
            return [*good[:-1], *([broken[harm]] if broken[harm] else [])]

    await house.keep("ana", *NOTES)
    embedding = house.embedding(Broken("new", 32))
    with pytest.raises(EmbeddingFault, match="did not answer with a vector of 32 numbers"):
        await embedding.round()
    assert (await house.counts(), await house.queued()) == ({}, 30)
    search = house.search(Broken("new", 32))
    hits, _ = await search.find(operator("ana"), "passages", "teapots")
    assert len(hits) == 10


async def test_an_endpoint_that_changes_its_dimension(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    before, now = Named("same", 64), Named("same", 32)
    await house.keep("ana", *NOTES)
    await house.search(before).reindex(lambda done, total: None)
    await house.keep("ana", "eapoxteas")
    await house.keep("ben", *NOTES)
    embedding, search = house.embedding(now), house.search(now)
    while await embedding.round():
        pass
    assert "another length than before. Run reverie reindex" in caplog.text
    assert (await house.counts(), await house.counts("ben")) == ({"same": 30}, {"same": 30})
    assert await house.queued() == 1
    assert await found(search) == [("eapoxteas", ("words",))]
    assert "do not have its 32 numbers. Run reverie reindex" in caplog.text
    assert (await found(search, "ben"))[0][1] == ("meaning",)
    assert await search.reindex(lambda done, total: None) == 31
    assert (await house.counts(), await house.queued()) == ({"same": 31}, 0)
    assert (await found(search))[0] == ("eapoxteas", ("words", "meaning"))
