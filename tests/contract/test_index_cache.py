"""Indexes follow the database: whatever happens, the answers are those of brute force."""

import asyncio
import logging
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.errors import EmbeddingFault
from memory.index import faiss
from memory.index.cache import IndexCache
from memory.index.faiss import FaissIndex
from tests.contract.vector_house import DIM, EMBEDDER, Vectors, files, nearest, same, vector

pytestmark = pytest.mark.skipif(not faiss.available(), reason="FAISS is not installed")


@pytest.fixture
def database() -> Iterator[Vectors]:
    vectors = Vectors()
    yield vectors
    vectors.raw.close()


@pytest.mark.parametrize("suffix", ["faiss", "json"])
async def test_after_damage_the_answers_are_the_same(
    suffix: str, database: Vectors, tmp_path: Path
) -> None:
    held = {seq: vector(seq) for seq in range(1, 31)}
    for seq, vec in held.items():
        database.put("ana", seq, vec)
    cache = IndexCache(tmp_path, database, EMBEDDER)
    before = await cache.search("ana", "messages", vector("x"), 10)
    assert same(before, nearest(held, vector("x"), 10))
    await cache.flush()
    os.truncate(files(tmp_path, suffix)[0], 100)
    for reads in (30, 0):  # first all comes from the database, and then the files are mended
        database.reads = 0
        again = IndexCache(tmp_path, database, EMBEDDER)
        assert await again.search("ana", "messages", vector("x"), 10) == before
        assert database.reads == reads
        await again.flush()


@pytest.mark.parametrize("history", ["shorter", "other", "as many"])
async def test_a_restored_database_is_followed(history: str, tmp_path: Path) -> None:
    """The files are newer than the database, or as new but of another history."""
    databases = [Vectors(), Vectors()]
    for seq in range(1, 13):
        databases[0].put("ana", seq, vector(seq))
    size = {"shorter": 5, "other": 12, "as many": 11}[history]
    held = {
        seq: vector(f"other {seq}" if history == "other" else seq) for seq in range(1, size + 1)
    }
    for seq, vec in held.items():
        databases[1].put("ana", seq, vec)
    if history == "as many":
        databases[0].remove("ana", 3)
    for database, found in zip(databases, ([], nearest(held, vector("x"), 20)), strict=True):
        cache = IndexCache(tmp_path, database, EMBEDDER)
        hits = await cache.search("ana", "messages", vector("x"), 20)
        assert not found or same(hits, found)
        await cache.flush()
        await database.close()


async def test_following_reads_only_what_is_new(database: Vectors, tmp_path: Path) -> None:
    cache = IndexCache(tmp_path, database, EMBEDDER)
    for seq in range(1, 11):
        database.put("ana", seq, vector(seq))
    await cache.search("ana", "messages", vector("x"), 1)
    await cache.flush()
    cache = IndexCache(tmp_path, database, EMBEDDER)
    database.reads = 0
    database.put("ana", 11, vector("x"))
    assert (await cache.search("ana", "messages", vector("x"), 1))[0][0] == 11
    assert database.reads == 1


async def test_a_long_shelf_is_read_in_parts(
    database: Vectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memory.index.follow._CHUNK", 7)
    held = {seq: vector(seq) for seq in range(1, 22)}
    for seq, vec in held.items():
        database.put("ana", seq, vec)
    cache = IndexCache(tmp_path, database, EMBEDDER)
    found = await cache.search("ana", "messages", vector("x"), 30)
    assert same(found, nearest(held, vector("x"), 30))


async def test_agents_and_shelves_are_apart(database: Vectors, tmp_path: Path) -> None:
    cache = IndexCache(tmp_path / "index", database, EMBEDDER)
    database.put("ana", 1, vector(1))
    database.put("../../ana", 2, vector(2))
    assert [s for s, _ in await cache.search("ana", "messages", vector(2), 9)] == [1]
    assert [s for s, _ in await cache.search("../../ana", "messages", vector(2), 9)] == [2]
    assert await cache.search("ana", "passages", vector(1), 9) == []
    await cache.flush()
    assert len(files(tmp_path / "index", "faiss")) == len(files(tmp_path, "faiss")) == 2


async def test_read_only_writes_nothing(database: Vectors, tmp_path: Path) -> None:
    database.put("ana", 1, vector(1))
    cache = IndexCache(tmp_path, database, EMBEDDER, read_only=True, budget=0)
    assert len(await cache.search("ana", "messages", vector(1), 9)) == 1
    assert await cache.rebuild("ana", "messages") == 1
    await cache.search("ben", "messages", vector(1), 9)
    await cache.flush()
    await cache.forget("ana")
    assert os.listdir(tmp_path) == []


async def test_forgetting_an_agent_leaves_no_file_of_it(database: Vectors, tmp_path: Path) -> None:
    cache = IndexCache(tmp_path, database, EMBEDDER)
    for agent in ("ana", "ben"):
        database.put(agent, 1, vector(1))
        await cache.search(agent, "messages", vector(1), 1)
    await cache.flush()
    database.remove("ana", 1)
    await cache.forget("ana")
    await cache.flush()
    assert len(files(tmp_path, "faiss")) == 1
    assert await cache.search("ana", "messages", vector(1), 1) == []
    assert len(await cache.search("ben", "messages", vector(1), 1)) == 1
    await cache.forget("never seen")


async def test_the_least_used_are_saved_and_closed(database: Vectors, tmp_path: Path) -> None:
    agents = [f"agent {number}" for number in range(6)]
    for agent in agents:
        database.put(agent, 1, vector(agent))
    cache = IndexCache(tmp_path, database, EMBEDDER, budget=3 * 9000)
    for agent in agents:
        await cache.search(agent, "messages", vector("x"), 1)
    assert [agent for agent, _ in cache._entries] == agents[-3:]
    assert len(files(tmp_path, "json")) == 3
    database.reads = 0
    await cache.search(agents[0], "messages", vector("x"), 1)
    assert database.reads == 0


async def test_rebuild(database: Vectors, tmp_path: Path) -> None:
    cache = IndexCache(tmp_path, database, EMBEDDER)
    for seq in range(1, 6):
        database.put("ana", seq, vector(seq))
    assert await cache.rebuild("ana", "messages") == 5
    database.reads = 0
    assert await cache.rebuild("ana", "messages") == 5
    assert database.reads == 5
    assert FaissIndex(files(tmp_path, "faiss")[0].with_suffix(""), EMBEDDER.name, DIM).count == 5


async def test_what_cannot_be_saved_is_still_searched(
    database: Vectors, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "index").write_text("a file where the folder should be")
    database.put("ana", 1, vector(1))
    cache = IndexCache(tmp_path / "index", database, EMBEDDER)
    assert len(await cache.search("ana", "messages", vector(1), 1)) == 1
    with caplog.at_level(logging.WARNING):
        await cache.flush()
    assert "cannot be written" in caplog.text
    (tmp_path / "index").unlink()
    await cache.flush()
    assert len(files(tmp_path, "faiss")) == 1


async def test_a_database_that_contradicts_itself_is_told(
    database: Vectors, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database.put("ana", 1, vector(1))
    database.bump("ana", 1)  # says two, has one
    cache = IndexCache(tmp_path, database, EMBEDDER)
    with caplog.at_level(logging.WARNING):
        assert len(await cache.search("ana", "messages", vector(1), 9)) == 1
    assert "counts 1 vectors, the database says 2" in caplog.text


async def test_vectors_of_another_size_in_the_database(database: Vectors, tmp_path: Path) -> None:
    database.put("ana", 1, vector(1) + b"\0\0")
    cache = IndexCache(tmp_path, database, EMBEDDER)
    with pytest.raises(EmbeddingFault, match="Run reverie reindex"):
        await cache.search("ana", "messages", vector(1), 1)


async def test_searches_at_once_and_some_cancelled(database: Vectors, tmp_path: Path) -> None:
    held = {seq: vector(seq) for seq in range(1, 41)}
    cache = IndexCache(tmp_path, database, EMBEDDER, budget=0)
    for seq, vec in held.items():
        database.put("ana", seq, vec)
        database.put("ben", seq, vec)
    calls = [
        asyncio.ensure_future(cache.search(agent, "messages", vector(n), 5))
        for n in range(30)
        for agent in ("ana", "ben")
    ]
    await asyncio.sleep(0)
    for call in calls[::3]:
        call.cancel()
    found = await asyncio.gather(*calls, return_exceptions=True)
    for number, hits in enumerate(found):
        if number % 3 == 0:
            assert isinstance(hits, asyncio.CancelledError)
        else:
            assert isinstance(hits, list)
            assert same(hits, nearest(held, vector(number // 2), 5))
    await cache.flush()
    assert all(entry.users == 0 for entry in cache._entries.values())


async def test_who_is_cancelled_holds_the_index_until_its_thread_ends(
    database: Vectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, leave = threading.Event(), threading.Event()
    search = FaissIndex.search

    def slow(*args: Any) -> list[tuple[int, float]]:
        entered.set()
        leave.wait(5)
        return search(*args)

    monkeypatch.setattr(FaissIndex, "search", slow)
    monkeypatch.setattr("memory.index.cache.SMALL", -1)  # as if there were many
    cache = IndexCache(tmp_path, database, EMBEDDER)
    first = asyncio.ensure_future(cache.search("ana", "messages", vector(1), 1))
    assert await asyncio.to_thread(entered.wait, 5)
    entered.clear()
    first.cancel()
    second = asyncio.ensure_future(cache.search("ana", "messages", vector(1), 1))
    assert not await asyncio.to_thread(entered.wait, 0.1)
    leave.set()
    assert await second == []
    assert first.cancelled()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(1, 12), st.integers(0, 5)),
        st.tuples(st.just("remove"), st.integers(1, 12), st.just(0)),
        st.tuples(st.sampled_from(["search", "flush", "reopen", "lose", "rebuild", "forget"]),
                  st.just(0), st.just(0)),
    ),
    max_size=25,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_any_history_gives_the_answers_of_brute_force(
    steps: list[tuple[str, int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    asyncio.run(live(steps, tmp_path_factory.mktemp("index")))


async def live(steps: list[tuple[str, int, int]], folder: Path) -> None:
    database, held = Vectors(), dict[int, bytes]()
    cache = IndexCache(folder, database, EMBEDDER)
    for what, seq, seed in [*steps, ("search", 0, 0), ("reopen", 0, 0), ("search", 0, 0)]:
        match what:
            case "put":
                held[seq] = vector((seq, seed))
                database.put("ana", seq, held[seq])
            case "remove":
                held.pop(seq, None)
                database.remove("ana", seq)
            case "search":
                found = await cache.search("ana", "messages", vector("x"), 20)
                assert same(found, nearest(held, vector("x"), 20))
            case "flush":
                await cache.flush()
            case "reopen":
                cache = IndexCache(folder, database, EMBEDDER)
            case "lose":
                shutil.rmtree(folder, ignore_errors=True)
            case "rebuild":
                assert await cache.rebuild("ana", "messages") == len(held)
            case _:
                await cache.forget("ana")
    await database.close()
