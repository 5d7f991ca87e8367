"""Large indexes are opened and built in the background; words serve meanwhile, then meaning too."""

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from memory.errors import EmbeddingFault, IndexBehind
from memory.index import faiss, follow
from memory.index.cache import IndexCache
from memory.index.faiss import FaissIndex
from tests.contract.vector_house import DIM, EMBEDDER, Vectors, files, nearest, same, vector

pytestmark = pytest.mark.skipif(not faiss.available(), reason="FAISS is not installed")

HELD = {seq: vector(seq) for seq in range(1, 41)}
TRUE = nearest(HELD, vector("x"), 5)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memory.index.cache._SOON", 30)


@pytest.fixture
def database() -> Iterator[Vectors]:
    vectors = Vectors()
    for seq, vec in HELD.items():
        vectors.put("ana", seq, vec)
        if seq <= 30:
            vectors.put("ben", seq, vec)
    yield vectors
    vectors.raw.close()


class Gate:
    """Threads that add vectors wait here until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entered, self.opened = asyncio.Event(), threading.Event()
        loop, add = asyncio.get_running_loop(), FaissIndex.add

        def slow(index: FaissIndex, seqs: Any, *rest: Any) -> None:
            if seqs and len(seqs) > 30:
                loop.call_soon_threadsafe(self.entered.set)
                assert self.opened.wait(20)
            add(index, seqs, *rest)

        monkeypatch.setattr(FaissIndex, "add", slow)
        monkeypatch.setattr("memory.index.cache._PATIENCE", 0)


async def found(cache: IndexCache, agent: str = "ana") -> list[tuple[int, float]]:
    return await cache.search(agent, "messages", vector("x"), 5)


async def done(cache: IndexCache) -> None:
    """What is at work in the background ends."""
    while work := [entry.work for entry in cache._entries.values() if entry.work]:
        await asyncio.wait(work)


async def test_words_serve_until_it_is_built(
    database: Vectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    cache = IndexCache(tmp_path, database, EMBEDDER)
    async with cache.background():
        for _ in range(3):
            with pytest.raises(IndexBehind, match="Searches go by words"):
                await found(cache)
        await gate.entered.wait()
        assert same(
            await found(cache, "ben"), nearest(dict(list(HELD.items())[:30]), vector("x"), 5)
        )
        gate.opened.set()
        await done(cache)
        assert same(await found(cache), TRUE)
        database.put("ana", 41, vector("x"))  # a few more are no reason to wait
        assert (await found(cache))[0][0] == 41
    await cache.flush()
    assert len(files(tmp_path, "faiss")) == 2


async def test_within_a_moment_there_is_nothing_to_wait_for(
    database: Vectors, tmp_path: Path
) -> None:
    cache = IndexCache(tmp_path, database, EMBEDDER)
    async with cache.background():
        async with asyncio.timeout(20):
            while True:
                try:
                    assert same(await found(cache), TRUE)
                    break
                except IndexBehind:  # a very slow machine
                    continue
    await cache.flush()
    again = IndexCache(tmp_path, database, EMBEDDER)
    assert same(await found(again), TRUE)  # no background: a search does it itself


async def test_the_old_one_serves_until_the_better_one_is_there(
    database: Vectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faiss, "FLAT_UPTO", 40)
    cache = IndexCache(tmp_path, database, EMBEDDER)
    assert same(await found(cache), TRUE)
    gate = Gate(monkeypatch)
    database.put("ana", 41, vector("x"))  # one too many for this kind
    async with cache.background():
        assert same(await found(cache), TRUE)
        await gate.entered.wait()
        assert same(await found(cache), TRUE)
        gate.opened.set()
        await done(cache)
        held = HELD | {41: vector("x")}
        assert same(await found(cache), nearest(held, vector("x"), 5))
    (entry,) = cache._entries.values()
    assert entry.index is not None
    assert faiss._codes(entry.index._index) == 2 * DIM


async def test_forgetting_stops_what_is_built(
    database: Vectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    cache = IndexCache(tmp_path, database, EMBEDDER, budget=0)
    async with cache.background():
        with pytest.raises(IndexBehind):
            await found(cache)
        await gate.entered.wait()
        for seq in range(2, 41):
            database.remove("ana", seq)
        forgetting = asyncio.ensure_future(cache.forget("ana"))
        await asyncio.sleep(0)
        gate.opened.set()
        await forgetting
        assert not cache._entries
        await cache.flush()
        assert files(tmp_path, "faiss") == []
        assert [seq for seq, _ in await found(cache)] == [1]


async def test_the_end_of_the_program_stops_it(
    database: Vectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    cache = IndexCache(tmp_path, database, EMBEDDER)

    async def program() -> None:
        async with cache.background():
            with pytest.raises(IndexBehind):
                await found(cache)
            await asyncio.Event().wait()

    running = asyncio.ensure_future(program())
    await gate.entered.wait()
    running.cancel()
    await asyncio.sleep(0)
    gate.opened.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert [entry.work for entry in cache._entries.values()] == [None]
    assert same(await found(cache), TRUE)


def no_room(*_: object) -> None:
    raise RuntimeError("std::bad_alloc")


def other_size(*_: object) -> None:
    raise EmbeddingFault("Stored vectors do not have 16 numbers. Run reverie reindex.")


@pytest.mark.parametrize(
    ("harm", "said"), [(no_room, "cannot be built.*bad_alloc"), (other_size, "Run reverie reindex")]
)
async def test_what_cannot_be_built_is_told(
    database: Vectors,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    harm: Callable[..., None],
    said: str,
) -> None:
    monkeypatch.setattr("memory.index.cache._PATIENCE", 20)
    cache = IndexCache(tmp_path, database, EMBEDDER)
    async with cache.background():
        with monkeypatch.context() as harmed:
            harmed.setattr(FaissIndex, "reset", harm)
            for _ in range(2):
                with pytest.raises(EmbeddingFault, match=said):
                    await found(cache)
        assert same(await found(cache), TRUE)


async def test_a_file_is_written_again_only_for_a_hundredth(
    database: Vectors, tmp_path: Path
) -> None:
    cache = IndexCache(tmp_path, database, EMBEDDER)
    for seq in range(41, 301):
        database.put("ana", seq, vector(seq))
    await found(cache)
    await cache.flush()
    (file,) = files(tmp_path, "faiss")
    first = file.read_bytes()
    for seq, written in ((301, False), (302, False), (303, False), (304, True)):
        database.put("ana", seq, vector(seq))
        await found(cache)
        await cache.flush()
        assert (file.read_bytes() != first) is written
    second = file.read_bytes()
    database.remove("ana", 7)  # what is gone goes from the file too, at once
    await found(cache)
    await cache.flush()
    assert file.read_bytes() != second
    assert follow.state(database, follow.Names("ana", "messages", EMBEDDER.name))[1] == 303
    database.reads = 0
    again = IndexCache(tmp_path, database, EMBEDDER)
    assert await found(again) == await found(cache)
    assert database.reads == 0
    shutil.rmtree(tmp_path)
    assert await found(IndexCache(tmp_path, database, EMBEDDER)) == await found(cache)


@pytest.mark.parametrize("agent", ["ana", "nobody"])
async def test_the_library_is_loaded_before_the_first_search(
    agent: str, database: Vectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But only where there is something to search: it takes time and memory."""
    loaded = []
    monkeypatch.setattr(faiss, "prepare", lambda: loaded.append(True))
    database.raw.execute("DELETE FROM index_state WHERE agent_id <> ?", [agent])
    await IndexCache(tmp_path, database, EMBEDDER).prepare()
    assert len(loaded) == (agent == "ana")
