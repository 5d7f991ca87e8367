"""Index files are deleted, cut, flipped and swapped while searches go on: the answers stay."""

import asyncio
import random
import shutil
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from memory.audience import operator
from memory.database.sqlite import SqliteDatabase
from memory.draft import Draft
from memory.embed.hashing import HashingEmbedder
from memory.index import faiss
from memory.schema import MIGRATIONS
from memory.search.hybrid import Search
from memory.store import Store
from memory.types import Birth, Hit

pytestmark = pytest.mark.skipif(not faiss.available(), reason="FAISS is not installed")

AGENTS = ("ana", "ben", "安娜")
QUESTIONS = ("xgreenteax", "生日礼物吗", "berlinertrain", "note 7 绿茶")
ABOUT = ["green tea", "绿茶很好喝", "the train to Berlin", "生日礼物", "running", "跑步"]
ROUNDS = 60

Answers = dict[tuple[str, str], list[Hit]]
Harm = Callable[[random.Random, Path], None]


def deleted(chance: random.Random, folder: Path) -> None:
    chance.choice(files(folder)).unlink()


def all_deleted(_: random.Random, folder: Path) -> None:
    shutil.rmtree(folder)


def cut(chance: random.Random, folder: Path) -> None:
    file = chance.choice(files(folder))
    data = file.read_bytes()
    file.write_bytes(data[: chance.randrange(len(data) + 1)])


def flipped(chance: random.Random, folder: Path) -> None:
    """One bit, or one of each byte of a sector."""
    file = chance.choice(files(folder))
    data, bit = bytearray(file.read_bytes()), 1 << chance.randrange(8)
    start, long = chance.randrange(len(data) + 1), chance.choice([1, 512])
    data[start : start + long] = (byte ^ bit for byte in data[start : start + long])
    file.write_bytes(data)


def swapped(chance: random.Random, folder: Path) -> None:
    """The files of one agent with those of another, or only one of the two."""
    suffix = chance.choice([".faiss", ".json", ""])
    kind = [file for file in files(folder) if file.name.endswith(suffix)]
    one, other = chance.choice(kind), chance.choice(kind)
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)


def moved(chance: random.Random, folder: Path) -> None:
    """A whole folder of an agent in the place of another's."""
    one, other = chance.sample(sorted({file.parent for file in files(folder)}), 2)
    shutil.rmtree(other)
    shutil.copytree(one, other)


def scribbled(chance: random.Random, folder: Path) -> None:
    chance.choice(files(folder)).write_bytes(chance.randbytes(chance.randrange(3000)))


HARMS: tuple[Harm, ...] = (deleted, all_deleted, cut, flipped, swapped, moved, scribbled)


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("passages.*"))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    database = SqliteDatabase(tmp_path / "reverie.db")
    database.start(MIGRATIONS)
    store = Store(database)
    for number, agent in enumerate(AGENTS):
        await store.ensure(Birth(id=agent, name=agent, kind="named", persona="I am."))
        view = await store.view(agent, "dm")
        draft = Draft.of(view.agent, view.blocks, at=datetime(2026, 1, 31, 12, tzinfo=UTC))
        for note in range(30 + number):
            draft.insert(f"note {note} of {agent}: {ABOUT[note % len(ABOUT)]}")
        await store.commit(draft.change())
    yield store
    await database.close()


async def answers(search: Search) -> Answers:
    found = {}
    for agent in AGENTS:
        for question in QUESTIONS:
            found[agent, question], _ = await search.find(operator(agent), "passages", question)
    return found


@pytest.mark.parametrize("seed", range(2))
async def test_a_search_loop_does_not_notice(store: Store, tmp_path: Path, seed: int) -> None:
    chance, folder = random.Random(seed), tmp_path / "index"

    def opened() -> Search:
        return Search(store.database, HashingEmbedder(64), folder)

    search = opened()
    await search.reindex(lambda done, total: None)
    wanted = await answers(search)
    assert any(hit.why == ("meaning",) for hits in wanted.values() for hit in hits)
    for _ in range(ROUNDS):
        harm = chance.choice(HARMS)
        if len(files(folder)) == 2 * len(AGENTS):
            await asyncio.to_thread(harm, chance, folder)
        if chance.random() < 0.7:  # as a program that ends, or is killed
            if chance.random() < 0.5:
                await search.close()
            search = opened()
        asked = (chance.choice(AGENTS), chance.choice(QUESTIONS))
        hits, _ = await search.find(operator(asked[0]), "passages", asked[1])
        assert hits == wanted[asked], harm
        if chance.random() < 0.5:
            assert await answers(search) == wanted, harm
            await search.reindex(lambda done, total: None)
    await search.close()
    assert await answers(opened()) == wanted


async def test_searches_and_damage_at_once(store: Store, tmp_path: Path) -> None:
    """Files change under programs that read them and one that writes them."""
    folder, chance = tmp_path / "index", random.Random(7)
    writing = Search(store.database, HashingEmbedder(64), folder)
    await writing.reindex(lambda done, total: None)
    wanted = await answers(writing)
    over = asyncio.Event()

    async def harming() -> None:
        while not over.is_set():
            try:
                await asyncio.to_thread(chance.choice(HARMS), chance, folder)
            except (OSError, IndexError, ValueError):  # it is gone, or not there yet
                await writing.reindex(lambda done, total: None)

    async def reading() -> None:
        for _ in range(25):
            search = Search(store.database, HashingEmbedder(64), folder, read_only=True)
            assert await answers(search) == wanted
            await search.close()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(harming(), name="harming")
        await asyncio.gather(reading(), reading())
        over.set()
    assert await answers(writing) == wanted


async def test_words_answer_while_a_large_index_is_built(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memory.index.cache._SOON", 20)
    monkeypatch.setattr("memory.index.cache._PATIENCE", 0)
    await Search(store.database, HashingEmbedder(64), tmp_path / "away").reindex(lambda *_: None)
    search = Search(store.database, HashingEmbedder(64), tmp_path / "index")
    following = asyncio.ensure_future(search.follow())
    await asyncio.sleep(0)  # the background is there
    hits, _ = await search.find(operator("ana"), "passages", "xgreenteax running")
    assert {hit.why for hit in hits} == {("words",)}
    async with asyncio.timeout(20):
        while not any("meaning" in hit.why for hit in hits):
            hits, _ = await search.find(operator("ana"), "passages", "xgreenteax running")
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await search.close()
