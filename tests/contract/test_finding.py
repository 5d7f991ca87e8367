"""What a search goes by besides words: what was said just before, when, by whom, where."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from memory import recall
from memory.audience import operator
from memory.draft import Draft
from memory.embed.hashing import HashingEmbedder
from memory.index import faiss
from memory.search.hybrid import Search
from memory.search.question import ask, named
from memory.store import Store
from memory.types import Birth, Filters, Hit, Message, Origin, Shelf

T0 = datetime(2026, 1, 5, 12, tzinfo=UTC)  # a Monday
NOW = datetime(2026, 3, 4, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
FEBRUARY = datetime(2026, 2, 2, 12, tzinfo=UTC)
ROOM = Origin(audience="room", room="r", workspace="slack/T")
Line = tuple[datetime, str, str, str]  # when, room, who, what


@pytest.fixture
async def search(store: Store, tmp_path: Path) -> Search:
    await store.ensure(Birth(id="a", name="a", kind="named", persona="I am."))
    return Search(
        store.database,
        None,
        tmp_path / "index",
        clock=lambda: NOW,
        zone=ZoneInfo("Asia/Shanghai"),
    )


async def say(store: Store, *lines: Line) -> list[int]:
    view = await store.view("a", "")
    draft = Draft.of(view.agent, view.blocks, at=T0)
    for at, room, who, text in lines:
        origin = Origin(audience="room", room=room, workspace="slack/T")
        draft.messages.append(
            Message(seq=draft.seq(), role="user", text=text, at=at, origin=origin, speaker=who)
        )
    await store.commit(draft.change())
    return [message.seq for message in draft.messages]


async def keep(store: Store, at: datetime, *kept: tuple[str, tuple[str, ...]]) -> None:
    view = await store.view("a", "")
    draft = Draft.of(view.agent, view.blocks, at=at)
    for text, tags in kept:
        draft.insert(text, tags)
    await store.commit(draft.change())


async def found(search: Search, query: str, shelf: Shelf = "messages", **more: object) -> list[str]:
    hits, _ = await search.find(operator("a"), shelf, query, **more)  # type: ignore[arg-type]
    return [hit.text for hit in hits]


# --- what was said before ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "answer", "asked"),
    [
        ("What is the name of your dog?", "Biscuit, after my aunt", "dog name"),
        ("你家的狗叫什么名字?", "豆豆,跟我奶奶取的", "狗的名字"),
    ],
)
async def test_an_answer_is_found_by_the_words_of_its_question(
    store: Store, search: Search, question: str, answer: str, asked: str
) -> None:
    await say(
        store,
        (T0, "slack/T/C", "Bo", "Lunch was late today"),
        (T0 + HOUR, "slack/T/C", "Bo", question),
        (T0 + HOUR, "slack/T/C", "Ana", answer),
    )
    assert await found(search, asked) == [question, answer]


@pytest.mark.parametrize(
    ("gap", "room", "there"),
    [
        (HOUR, "slack/T/C", True),
        (5 * HOUR, "slack/T/C", False),
        (HOUR, "slack/T/C/thread", False),
    ],
    ids=["soon after", "after silence", "in another thread"],
)
async def test_only_talk_of_one_session_stands_together(
    store: Store, search: Search, gap: timedelta, room: str, there: bool
) -> None:
    await say(store, (T0, "slack/T/C", "Bo", "a walrus?"), (T0 + gap, room, "Ana", "maybe"))
    assert ("maybe" in await found(search, "walrus")) is there


async def test_a_changed_message_changes_what_its_followers_are_found_by(
    store: Store, search: Search
) -> None:
    seqs = await say(
        store,
        (T0, "r", "Bo", "walrus"),
        (T0, "r", "Ana", "second"),
        (T0, "r", "Ana", "third"),
        (T0, "r", "Ana", "fourth"),
    )
    assert set(await found(search, "walrus")) == {"walrus", "second", "third"}
    number = (await store.agent("a")).number

    def revised(text: str) -> Message:
        origin = Origin(audience="room", room="r", workspace="slack/T")
        return Message(seq=seqs[0], role="user", text=text, at=T0, origin=origin, speaker="Bo")

    await store.database.write(lambda conn: recall.revise(conn, "a", number, revised("otter")))
    assert await found(search, "walrus") == []
    assert set(await found(search, "otter")) == {"otter", "second", "third"}
    await store.database.write(lambda conn: recall.remove(conn, "a", number, [seqs[1]]))
    assert set(await found(search, "otter")) == {"otter", "third", "fourth"}
    await store.database.write(lambda conn: recall.remove(conn, "a", number, [seqs[0], seqs[2]]))
    assert await found(search, "otter") == []
    assert await found(search, "fourth") == ["fourth"]


# --- who and when --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Ana Müller", "王小明", "김민수"])
@pytest.mark.parametrize("asked", ["full", "given"])
async def test_words_of_somebody_who_is_named_come_first(
    store: Store, search: Search, name: str, asked: str
) -> None:
    given = name.split()[0] if " " in name else name[1:]
    await say(
        store,
        (T0, "r", name, "tea in the morning"),
        (T0 + 9 * HOUR, "s", "Bo", "tea, tea and tea again"),
    )
    hits, _ = await search.find(
        operator("a"), "messages", f"what tea does {name if asked == 'full' else given} drink"
    )
    assert [hit.speaker for hit in hits] == [name, "Bo"]
    assert "speaker" in hits[0].why


@pytest.mark.parametrize(
    ("question", "day"),
    [
        ("what tea did we buy last month?", 20),
        ("上个月买了什么茶 tea", 20),
        ("上個月買了什麼 tea", 20),
        ("tea in January", 2),
    ],
)
async def test_a_time_that_is_named_comes_first(
    store: Store, search: Search, question: str, day: int
) -> None:
    first = datetime(2026, 1, 2, 12, tzinfo=UTC)
    second = datetime(2026, 2, 20, 12, tzinfo=UTC)
    await say(
        store,
        (first, "r", "Bo", "tea of January"),
        (second, "r", "Bo", "tea of February"),
        (NOW - HOUR, "r", "Bo", "tea of today, tea"),
    )
    hits, _ = await search.find(operator("a"), "messages", question)
    assert hits[0].at.day == day
    assert "time" in hits[0].why


@pytest.mark.parametrize("question", ["yesterday", "what happened yesterday?", "昨天说了什么"])
async def test_a_question_that_only_names_a_time(
    store: Store, search: Search, question: str
) -> None:
    midnight = datetime(2026, 3, 2, 16, tzinfo=UTC)  # in Shanghai
    lines = [(midnight + hour * HOUR, "r", "Bo", f"at {hour}") for hour in (-1, 1, 20)]
    await say(store, *lines, (NOW - 30 * 24 * HOUR, "r", "Bo", "long ago"))
    hits, total = await search.find(operator("a"), "messages", question)
    assert [hit.text for hit in hits] == ["at 20", "at 1"]
    assert total == 2
    assert hits[0].why == ("time",)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("in 2019", "We met in 2019, in Turin"), ("last spring", "Was it last spring?"),
        ("三月份", "我三月份搬到了成都"),
    ],
)  # fmt: skip
async def test_a_time_of_which_nothing_is(
    store: Store, search: Search, question: str, text: str
) -> None:
    await say(store, (T0, "r", "Bo", text), (T0, "r", "Bo", "tea"))
    assert (await found(search, question))[:1] == [text]


@pytest.mark.parametrize(
    ("question", "speakers", "who"),
    [
        ("What will we do about it?", ["Will Smith", "IT Support", "The Rock", "An Ng"], ""),
        ("What does Will like?", ["Will Smith", "Bo"], "Will Smith"),
        ("did jose call", ["José", "Bo"], "José"), ("José's car", ["Jose", "Bo"], "Jose"),
        ("さくらさんは何が好き", ["さくら", "たろう"], "さくら"), ("ぼくらの家", ["さくら"], ""),
        ("小明喜欢什么", ["王小明", "李雷"], "王小明"), ("李雷和王小明", ["王小明", "李雷"], ""),
    ],
)  # fmt: skip
def test_who_is_named(question: str, speakers: list[str], who: str) -> None:
    assert named(ask(question, NOW), speakers) == who


# --- what is forgotten ---------------------------------------------------------------------------


async def test_what_a_forgotten_fact_came_from_is_not_found(store: Store, search: Search) -> None:
    (seq,) = await say(store, (T0, "r", "Ana", "I live in 北京, near the lake"))
    saved, plain = "Saved: “lives in 北京”", "A lake is a fine thing"
    there = {"I live in 北京, near the lake", saved, plain}

    def reply(draft: Draft) -> None:
        for text in (saved, plain):
            draft.messages.append(
                Message(seq=draft.seq(), role="assistant", text=text, at=T0, origin=ROOM)
            )

    def learn(draft: Draft) -> None:
        draft.origin = replace(ROOM, source=seq)
        draft.append("human", "lives in 北京")

    def forget(draft: Draft) -> None:
        draft.forget(list(draft.blocks["human"].facts), action="forget")

    async def everywhere() -> set[str]:
        day = timedelta(days=1)
        said, _ = await search.between(operator("a"), T0 - day, T0 + day)
        return {
            *await found(search, "lake 北京"),
            *await found(search, ""),
            *(hit.text for hit in said),
        }

    await store.edit("a", reply, actor="agent")
    await store.edit("a", learn, actor="agent")
    assert await everywhere() == there
    await store.edit("a", forget, actor="person")
    assert await everywhere() == {plain}
    await store.undo("a", None, actor="person")
    assert await everywhere() == there


# --- filters -------------------------------------------------------------------------------------


@pytest.fixture
async def talk(store: Store, search: Search) -> None:
    await say(
        store,
        (T0, "slack/T/C1", "Ana", "tea one"),
        (T0 + 24 * HOUR, "slack/T/C1/th", "Bo", "tea two"),
        (T0 + 48 * HOUR, "slack/T/C2", "Ana", "tea three"),
    )


@pytest.mark.parametrize(
    ("filters", "texts"),
    [
        (Filters(speaker="Ana"), {"tea one", "tea three"}),
        (Filters(speaker="Nobody"), set()),
        (Filters(room="slack/T/C1"), {"tea one", "tea two"}),
        (Filters(room="slack/T/C1/th"), {"tea two"}),
        (Filters(room="slack/T/C"), set()),
        (Filters(since=T0 + 24 * HOUR), {"tea two", "tea three"}),
        (Filters(until=T0 + 24 * HOUR), {"tea one"}),
        (Filters(since=T0 + HOUR, until=T0 + 25 * HOUR, speaker="Bo"), {"tea two"}),
    ],
)
@pytest.mark.parametrize("query", ["tea", "", "the"])
@pytest.mark.usefixtures("talk")
async def test_filters(search: Search, query: str, filters: Filters, texts: set[str]) -> None:
    assert set(await found(search, query, filters=filters)) == texts


@pytest.mark.skipif(not faiss.available(), reason="FAISS is not installed")
@pytest.mark.usefixtures("talk")
async def test_filters_hold_for_meaning_too(store: Store, tmp_path: Path) -> None:
    search = Search(store.database, HashingEmbedder(64), tmp_path / "vectors")
    await search.reindex(lambda done, total: None)
    texts = await found(search, "tea please", filters=Filters(speaker="Ana"))
    assert sorted(texts) == ["tea one", "tea three"]
    await search.close()


async def test_filters_of_passages(store: Store, search: Search) -> None:
    await keep(store, T0, ("tea in Berlin", ("trip", "朋友")), ("tea at home", ()))
    await keep(store, T0 + 24 * HOUR, ("tea in 北京", ("trip",)))
    for filters, texts in (
        (Filters(tags=("trip",)), {"tea in Berlin", "tea in 北京"}),
        (Filters(tags=("trip", "朋友")), {"tea in Berlin"}),
        (Filters(since=T0 + HOUR), {"tea in 北京"}),
        (Filters(archive="main"), {"tea in Berlin", "tea at home", "tea in 北京"}),
        (Filters(archive="other"), set()),
    ):
        assert set(await found(search, "tea", "passages", filters=filters)) == texts


# --- pages, and what should not be asked ----------------------------------------------------------


async def pages(search: Search, query: str, size: int) -> tuple[list[Hit], set[int]]:
    hits: list[Hit] = []
    totals = set()
    for page in range(200):
        some, total = await search.find(operator("a"), "messages", query, page=page, size=size)
        totals.add(total)
        hits.extend(some)
        if not some:
            return hits, totals
    raise AssertionError("there is no last page")


@pytest.mark.parametrize("query", ["tea", "", "tea last month", "last month"])
async def test_pages_neither_overlap_nor_leave_anything_out(
    store: Store, search: Search, query: str
) -> None:
    await say(
        store,
        *(
            (FEBRUARY + n * HOUR, f"r{n % 3}", "Bo", f"{'tea ' * (1 + n % 4)}number {n}")
            for n in range(250)
        ),
    )
    small, _ = await pages(search, query, 7)
    large, _ = await pages(search, query, 1000)
    assert len({hit.seq for hit in small}) == len(small) == len(large) >= 200
    assert [hit.seq for hit in small[:100]] == [hit.seq for hit in large[:100]]


STRANGE = [
    "x" * 100_000,
    "茶" * 100_000,
    "tea \x00 tea",
    'tea" OR * NEAR(a b) AND NOT "',
    "tea'); DROP TABLE messages; --",
    "🍵 tea 👩‍👩‍👧",
    "שתה תה tea",
    "\ud800 tea",
    "%_\\",
    " ",
    "\n\t",
    "a:b {own} ^tea",
]


@pytest.mark.parametrize("query", STRANGE, ids=range(len(STRANGE)))
@pytest.mark.usefixtures("talk")
async def test_strange_queries_are_questions_like_others(search: Search, query: str) -> None:
    texts: Sequence[str] = await found(search, query)
    assert not texts or set(texts) == {"tea one", "tea two", "tea three"}
    assert ("tea" in query) <= bool(texts)


@pytest.mark.parametrize(
    ("page", "size", "count"),
    [(0, 0, 0), (0, -1, 0), (0, 10**9, 3), (-1, 10, 3), (10**9, 10, 0), (10**18, 10**18, 0)],
)
@pytest.mark.parametrize("query", ["tea", ""])
@pytest.mark.usefixtures("talk")
async def test_strange_pages(search: Search, query: str, page: int, size: int, count: int) -> None:
    hits, total = await search.find(operator("a"), "messages", query, page=page, size=size)
    assert len(hits) == count
    assert total == 3
