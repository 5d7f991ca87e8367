"""Search: by words at once and by meaning soon after, in English and Chinese, page by page."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree

import pytest

from memory.audience import operator
from memory.draft import Draft
from memory.embed.hashing import HashingEmbedder
from memory.errors import EmbeddingFault, NotFound
from memory.index import faiss
from memory.search.hybrid import Search
from memory.store import Store
from memory.types import Birth, Filters, Hit, Message, Origin, Role, Shelf

needs_faiss = pytest.mark.skipif(not faiss.available(), reason="FAISS is not installed")
T0 = datetime(2026, 1, 31, 12, tzinfo=UTC)

SAID: tuple[tuple[Role, str], ...] = (
    ("user", "I started learning Rust last year"),
    ("assistant", "Rust is a fine language"),
    ("user", "我叫张三,是一名Python开发者"),
    ("assistant", "很高兴认识你,张三"),
    ("user", "The support group meets on Tuesday"),
    ("tool", "Rust Rust Rust, said a tool"),
    ("user", "咖啡比茶好喝"),
)
KEPT = (
    ("Bo's birthday party was in Berlin", ("event", "朋友")),
    ("下周去北京出差", ("event",)),
    ("The Rust book has 20 chapters", ("book",)),
)


class Frail(HashingEmbedder):
    """An embedder that can be away."""

    away = False

    async def passages(self, texts: Sequence[str]) -> list[bytes]:
        self._answer()
        return await super().passages(texts)

    async def query(self, text: str) -> bytes:
        self._answer()
        return await super().query(text)

    def _answer(self) -> None:
        if self.away:
            raise EmbeddingFault("The embedder is away.")


@pytest.fixture
def embedder() -> Frail:
    return Frail(256)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
async def filled(store: Store) -> Store:
    await fill(store, "a")
    return store


@pytest.fixture
async def by_words(filled: Store, folder: Path) -> Search:
    return Search(filled.database, None, folder)


@pytest.fixture
async def by_both(filled: Store, embedder: Frail, folder: Path) -> AsyncIterator[Search]:
    search = Search(filled.database, embedder, folder)
    yield search
    await search.close()


async def fill(store: Store, agent: str) -> None:
    await store.ensure(Birth(id=agent, name=agent, kind="named", persona="I am."))
    await say(store, agent, SAID)
    await keep(store, agent, KEPT)


async def draft_for(store: Store, agent: str) -> Draft:
    view = await store.view(agent, "dm")
    return Draft.of(view.agent, view.blocks, at=T0)


async def say(store: Store, agent: str, said: Sequence[tuple[Role, str]]) -> None:
    draft = await draft_for(store, agent)
    for n, (role, text) in enumerate(said):
        draft.messages.append(
            Message(
                seq=draft.seq(), role=role, text=text, at=T0 + timedelta(days=n),
                origin=Origin(room="dm"), speaker="Ana" if role == "user" else "",
            )
        )  # fmt: skip
    await store.commit(draft.change())


async def keep(store: Store, agent: str, kept: Sequence[tuple[str, tuple[str, ...]]]) -> None:
    draft = await draft_for(store, agent)
    for text, tags in kept:
        draft.insert(text, tags)
    await store.commit(draft.change())


async def texts(search: Search, shelf: Shelf, query: str, **more: object) -> list[str]:
    hits, _ = await search.find(operator("a"), shelf, query, **more)  # type: ignore[arg-type]
    return [hit.text for hit in hits]


# --- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shelf", "query", "first"),
    [
        ("messages", "rust", "Rust is a fine language"),
        ("messages", "When did I start to LEARN Rust?", "I started learning Rust last year"),
        ("messages", "张三", "很高兴认识你,张三"),
        ("messages", "你还记得我是做什么开发的吗?Python", "我叫张三,是一名Python开发者"),
        ("messages", "support groups", "The support group meets on Tuesday"),
        ("messages", "喝咖啡", "咖啡比茶好喝"),
        ("messages", "Ana", "The support group meets on Tuesday"),
        ("passages", "北京", "下周去北京出差"),
        ("passages", "birthday BERLIN", "Bo's birthday party was in Berlin"),
        ("passages", "朋友", "Bo's birthday party was in Berlin"),
    ],
)
async def test_words_are_found_at_once(
    by_words: Search, shelf: Shelf, query: str, first: str
) -> None:
    assert (await texts(by_words, shelf, query))[0] == first


async def test_tools_are_not_found(by_words: Search) -> None:
    found = await texts(by_words, "messages", "rust tool")
    assert found
    assert not any("tool" in text for text in found)


async def test_a_hit_says_who_when_and_why(by_words: Search) -> None:
    (hit,), total = await by_words.find(operator("a"), "messages", "fine language")
    assert (hit.speaker, hit.at, hit.why, total) == ("you", T0 + timedelta(days=1), ("words",), 1)
    (hit,), _ = await by_words.find(operator("a"), "passages", "Berlin")
    assert hit.tags == ("event", "朋友")


NOTHING = ["", "   ", "what is the", "我的", "?!", "🙂🙂", "\x00", "\ud83d"]


@pytest.mark.parametrize("query", NOTHING)
async def test_a_query_that_says_nothing_gives_the_newest(by_both: Search, query: str) -> None:
    hits, total = await by_both.find(operator("a"), "messages", query, size=2)
    assert ([hit.text for hit in hits], total) == (
        ["咖啡比茶好喝", "The support group meets on Tuesday"],
        6,
    )
    hits, total = await by_both.find(operator("a"), "passages", query, size=5)
    assert ([hit.text for hit in hits], total) == ([text for text, _ in KEPT[::-1]], 3)
    assert await texts(by_both, "passages", query, filters=Filters(tags=("event",))) == [
        KEPT[1][0],
        KEPT[0][0],
    ]


ODD = [
    'rust"', "rust AND", "NOT rust", "rust*", "^rust", "words:rust", "rust NEAR/2 year", "(rust",
    "rust'; DROP TABLE messages; --", "ru\x00st rust", "🙂 rust", "rust \ud83d", "{rust}",
    "rust " * 20_000, "咖啡 rust" + "茶" * 100_000, "r\u0301ust rust", "-rust +rust", "% _ rust",
]  # fmt: skip


@needs_faiss
@pytest.mark.parametrize("query", ODD, ids=range(len(ODD)))
async def test_odd_queries_are_only_words(by_both: Search, query: str) -> None:
    async with asyncio.timeout(10):
        found = await texts(by_both, "messages", query)
    assert any("Rust" in text for text in found)


async def test_what_is_nowhere_is_not_found(by_words: Search) -> None:
    assert await by_words.find(operator("a"), "messages", "zebra 斑马") == ([], 0)


async def test_no_agent_no_answer(by_words: Search) -> None:
    with pytest.raises(NotFound):
        await by_words.find(operator("nobody"), "messages", "rust")
    assert await by_words.find(operator("nobody"), "messages", "") == ([], 0)


async def test_agents_do_not_find_each_others(filled: Store, by_words: Search) -> None:
    await filled.ensure(Birth(id="b", name="b", kind="named", persona="I am."))
    for shelf in ("messages", "passages"):
        assert await by_words.find(operator("b"), shelf, "rust") == ([], 0)
        assert await by_words.find(operator("b"), shelf, "") == ([], 0)
    await keep(filled, "b", [("Rust belongs to b", ())])
    assert await texts(by_words, "passages", "rust") == [KEPT[2][0]]


# --- tags and days -------------------------------------------------------------------------------


async def test_tags_narrow_a_search(filled: Store, by_words: Search) -> None:
    await keep(filled, "a", [(f"project note {n}", ()) for n in range(150)])
    await keep(filled, "a", [("a very long project note with much else in it", ("rare", "稀有"))])
    assert await texts(
        by_words, "passages", "project note", filters=Filters(tags=("rare", "稀有"))
    ) == ["a very long project note with much else in it"]
    assert (
        await texts(by_words, "passages", "project", filters=Filters(tags=("rare", "event"))) == []
    )
    assert await texts(by_words, "passages", "project", filters=Filters(tags=("ra",))) == []


@needs_faiss
async def test_tags_narrow_what_is_near(filled: Store, by_both: Search) -> None:
    await by_both.reindex(lambda done, total: None)
    found = await texts(by_both, "passages", "Berlin", filters=Filters(tags=("event",)))
    assert set(found) == {KEPT[0][0], KEPT[1][0]}  # the second by meaning only


async def test_days_are_from_and_up_to(by_words: Search) -> None:
    async def on(first: int, last: int, **more: int) -> tuple[list[str], int]:
        hits, total = await by_words.between(
            operator("a"), T0 + timedelta(days=first), T0 + timedelta(days=last), **more
        )
        return [hit.text for hit in hits], total

    assert await on(1, 3) == ([SAID[1][1], SAID[2][1]], 2)
    assert await on(0, 99, page=1, size=4) == ([SAID[4][1], SAID[6][1]], 6)
    assert await on(5, 6) == ([], 0)
    assert await on(3, 1) == ([], 0)


# --- pages ---------------------------------------------------------------------------------------


async def pages(search: Search, shelf: Shelf, query: str, size: int) -> list[Hit]:
    found: list[Hit] = []
    for page in range(100):
        hits, total = await search.find(operator("a"), shelf, query, page=page, size=size)
        assert total >= len(found) + len(hits)
        if not hits:
            return found
        found += hits
    raise AssertionError("there is no end")


@needs_faiss
@pytest.mark.parametrize("meaning", [False, True])
async def test_pages_neither_overlap_nor_leave_out(
    filled: Store, by_both: Search, by_words: Search, meaning: bool
) -> None:
    chance = random.Random(1)
    words = ["teapots", "teacups", "coffee", "茶壶", "咖啡", "pot", "cup", "dog", "sun"]
    notes = [
        (" ".join(["tea", *chance.choices(words, k=chance.randint(1, 9))]), ()) for _ in range(230)
    ]
    await keep(filled, "a", notes + [(f"none of it {n}", ()) for n in range(300)])
    search = by_both if meaning else by_words
    if meaning:
        await by_both.reindex(lambda done, total: None)
    found = await pages(search, "passages", "tea pot 茶", 10)
    assert len(found) == len({hit.seq for hit in found})
    assert {hit.text for hit in found} >= {text for text, _ in notes}
    assert found == await pages(search, "passages", "tea pot 茶", 10)
    one = await search.find(operator("a"), "passages", "tea pot 茶", size=1000)
    assert [hit.seq for hit in one[0]] == [hit.seq for hit in found]
    assert (await search.find(operator("a"), "passages", "tea", page=10**6, size=10))[0] == []


# --- meaning -------------------------------------------------------------------------------------


@needs_faiss
async def test_meaning_follows(filled: Store, by_both: Search) -> None:
    async def embedded() -> bool:
        return not await filled.database.read(lambda conn: conn.all("SELECT * FROM embed_queue"))

    assert await texts(by_both, "messages", "Rusticity") == []
    follower = asyncio.ensure_future(by_both.follow())
    await until(embedded)
    hits, _ = await by_both.find(operator("a"), "messages", "Rusticity", size=3)
    assert {hit.text for hit in hits[:2]} == {SAID[0][1], SAID[1][1]}
    assert hits[0].why == ("meaning",)
    await keep(filled, "a", [("Rustlers came to town", ())])
    assert (await texts(by_both, "passages", "rustlers town"))[0] == "Rustlers came to town"
    by_both.wake()
    await until(embedded)
    hits, _ = await by_both.find(operator("a"), "passages", "rustlers town")
    assert hits[0].why == ("words", "meaning")
    follower.cancel()
    await asyncio.gather(follower, return_exceptions=True)


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(2000):
        if await check():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came")


@needs_faiss
async def test_without_the_embedder_words_are_enough(
    filled: Store, by_both: Search, embedder: Frail
) -> None:
    await by_both.reindex(lambda done, total: None)
    embedder.away = True
    assert await texts(by_both, "messages", "fine language") == ["Rust is a fine language"]
    assert await texts(by_both, "messages", "Rusticity") == []
    embedder.away = False
    assert (await texts(by_both, "messages", "Rusticity"))[0] in (SAID[0][1], SAID[1][1])


@needs_faiss
@pytest.mark.parametrize("fault", ["embedder", "disk"])
async def test_following_survives_what_is_away(
    filled: Store, by_both: Search, embedder: Frail, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr("memory.embedding.AWAY", 0.01)
    database = filled.database
    if fault == "embedder":
        embedder.away = True
    else:
        await database.write(lambda conn: conn.one("PRAGMA query_only=ON"))
    follower = asyncio.ensure_future(by_both.follow())
    done, _ = await asyncio.wait([follower], timeout=0.2)
    assert not done
    embedder.away = False
    follower.cancel()
    await asyncio.gather(follower, return_exceptions=True)


@needs_faiss
@pytest.mark.parametrize("harm", ["delete", "empty", "garbage", "swap"])
async def test_answers_do_not_depend_on_index_files(
    filled: Store, by_both: Search, embedder: Frail, folder: Path, harm: str
) -> None:
    assert await by_both.reindex(lambda done, total: None) == 9
    questions: list[tuple[Shelf, str]] = [
        ("messages", "Rusticity 咖啡"), ("messages", "张三 Python"), ("passages", "北京 party"),
    ]  # fmt: skip
    wanted = [await by_both.find(operator("a"), shelf, query) for shelf, query in questions]
    await by_both.close()
    await asyncio.to_thread(damage, folder, harm)
    again = Search(filled.database, embedder, folder)
    assert [await again.find(operator("a"), shelf, query) for shelf, query in questions] == wanted
    await again.close()


def damage(folder: Path, harm: str) -> None:
    files = sorted(folder.rglob("*.faiss"))
    assert len(files) == 2
    if harm == "delete":
        rmtree(folder)
    elif harm == "swap":
        first, second = (file.read_bytes() for file in files)
        files[0].write_bytes(second)
        files[1].write_bytes(first)
    else:
        for file in files:
            file.write_bytes(b"" if harm == "empty" else b"\xff" * 1000)


@needs_faiss
async def test_reindex_tells_how_far_it_is(by_both: Search) -> None:
    seen: list[tuple[int, int]] = []
    assert await by_both.reindex(lambda *at: seen.append(at)) == 9
    assert seen == [(8, 9), (9, 9)]
    assert await by_both.reindex(lambda *at: seen.append(at)) == 0


async def test_search_says_how_it_searches(by_words: Search, by_both: Search) -> None:
    assert "by words only" in by_words.meaning
    assert "hashing-256" in by_both.meaning
    assert await by_words.reindex(lambda done, total: None) == 0
