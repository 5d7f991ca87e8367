"""Automatic recall: what passes its gate, and what may not come back."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from bot.decide import Recalled
from bot.recollect import EACH, MOST, Recollect, asked, gated, kept, unseen
from memory import insight
from memory.audience import operator
from memory.draft import Draft
from memory.embed import local
from memory.embed.local import LocalEmbedder
from memory.errors import StorageFault
from memory.index import faiss
from memory.search.hybrid import ALL, Search
from memory.store import Store
from memory.types import Birth, Filters, Hit, Origin, Shelf, View, Viewer
from tests.unit.recollect_rows import AT, WINDOW, found, hit, message, view_of
from tests.unit.recollect_set import (
    BY_MEANING,
    BY_WORDS,
    CHATTER,
    NOTHING,
    REPLIES,
    TOLD,
    Language,
)

SMALL_TALK = 14  # messages of NOTHING come first: for these nothing at all may be brought


async def made(store: Store, name: str) -> Draft:
    await store.ensure(Birth(id=name, name=name, kind="named", persona="I am."))
    view = await store.view(name, "r")
    return Draft.of(view.agent, view.blocks, at=AT)


async def seen_by_all(store: Store, name: str) -> View:
    """The view of a new conversation."""
    return replace(await store.view(name, "new"), viewer=operator(name))


# --- the labelled set ----------------------------------------------------------------------------


async def fill(store: Store, language: Language) -> None:
    """Weeks of chatter, with something told now and then."""
    draft, told = await made(store, language), list(TOLD[language])
    for number, line in enumerate(CHATTER[language]):
        said = [line, *([told.pop(0)] if number % 5 == 2 and told else [])]
        for text in said:
            draft.messages.append(message(draft.seq(), text))
            reply = REPLIES[language][len(draft.messages) % len(REPLIES[language])]
            draft.messages.append(message(draft.seq(), reply, role="assistant", speaker=""))
    assert not told
    assert len(draft.messages) > 100
    await store.commit(draft.change())


async def brought(
    recollect: Recollect, view: View, pairs: Sequence[tuple[str, str]]
) -> tuple[int, list[str]]:
    """For how many messages the right thing stands there; and those for which anything does."""
    right, some = 0, []
    for text, answer in pairs:
        recalled = await recollect(view, [message(9_999, text)], WINDOW)
        right += bool(answer) and answer in recalled.text
        some += [text] * bool(recalled.text)
    return right, some


@pytest.mark.parametrize(
    ("language", "by_words", "wrong"), [("en", 12, 3), ("zh", 14, 0)], ids=["en", "zh"]
)
async def test_by_words_alone(
    store: Store, tmp_path: Path, language: Language, by_words: int, wrong: int
) -> None:
    await fill(store, language)
    recollect = Recollect(store, Search(store.database, None, tmp_path / "index"), UTC)
    view = await seen_by_all(store, language)
    right, _ = await brought(recollect, view, BY_WORDS[language])
    assert right >= by_words
    _, some = await brought(recollect, view, [(text, "") for text in NOTHING[language]])
    assert len(some) <= wrong
    assert not set(some) & set(NOTHING[language][:SMALL_TALK])


@pytest.mark.skipif(
    not (local.available() and faiss.available()), reason="no embedder is installed"
)
@pytest.mark.parametrize(
    ("language", "by_meaning", "wrong"), [("en", 0, 3), ("zh", 3, 4)], ids=["en", "zh"]
)
async def test_by_words_and_meaning(
    store: Store, tmp_path: Path, language: Language, by_meaning: int, wrong: int
) -> None:
    await fill(store, language)
    search = Search(store.database, LocalEmbedder(), tmp_path / "index")
    await search.reindex(lambda *_: None)
    recollect = Recollect(store, search, UTC)
    view = await seen_by_all(store, language)
    right, _ = await brought(recollect, view, BY_WORDS[language])
    assert right == len(BY_WORDS[language])
    right, _ = await brought(recollect, view, BY_MEANING[language])
    assert right >= by_meaning
    _, some = await brought(recollect, view, [(text, "") for text in NOTHING[language]])
    assert len(some) <= wrong
    assert not set(some) & set(NOTHING[language][:SMALL_TALK])
    await search.close()


# --- the gate ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "query"),
    [
        ("hello", ""), ("你好！", ""), ("thanks!", ""), ("好的", ""), ("👍", ""), ("", ""),
        ("forget my door code", ""), ("忘记我的门牌号", ""),
        ("Hi! Long day. Where did I leave my bike?", "Where did I leave my bike?"),
        ("你好！今天真累。我的自行车放哪儿了？", "我的自行车放哪儿了？"),
        ("The brake is fixed.", "The brake is fixed."), ("我住在上海", "我住在上海"),
    ],
)  # fmt: skip
def test_what_is_searched_for(said: str, query: str) -> None:
    assert asked([message(1, said)]) == query
    assert asked([message(1, said, tainted=True)]) == ""
    assert asked([message(1, said, role="assistant")]) == ""


def test_a_long_message_is_searched_for_by_its_beginning() -> None:
    assert len(asked([message(1, "the tram is late again " * 1000)])) == 300


@pytest.mark.parametrize(
    ("query", "text", "words", "apart", "passes"),
    [
        ("Where is my bike?", "My bike is at Jonas's", 0.5, 0.0, True),
        ("Where is my bike?", "My bike is at Jonas's", 0.3, 0.0, False),
        ("Where is my bike?", "My bike is at Jonas's", 0.3, 2.0, True),
        ("Where is my bike?", "My bike is at Jonas's", 0.25, None, True),
        ("Where is my bike?", "My bike is at Jonas's", 0.2, None, False),
        ("Where is my bike?", "It is at Jonas's", 0.9, 2.0, False),
        ("Where is my bike?", "The cycle is at Jonas's", 0.0, 5.0, True),
        ("我的自行车在哪？", "自行车放在老周那里", 0.1, 0.0, True),
        ("我的自行车在哪？", "自行车放在老周那里", 0.03, 0.0, False),
        ("我的自行车在哪？", "自行车放在老周那里", 0.06, None, True),
        ("???", "My bike is at Jonas's", 1.0, 9.0, False),
        ("Where is my bike?", "Where did I put my bike?", 1.0, 9.0, False),
        ("我的自行车在哪？", "我的自行车呢？", 1.0, 9.0, False),
    ],
)
def test_the_gate(query: str, text: str, words: float, apart: float | None, passes: bool) -> None:
    assert bool(gated(query, [hit(text, words, apart)])) is passes


def test_what_is_much_worse_than_the_best_stays_away() -> None:
    texts = ("a bike", "my bike", "the bike", "that bike")
    hits = [hit(text, words, 0.0) for text, words in zip(texts, (0.5, 1.9, 1.0, 0.4), strict=True)]
    assert [found.hit.text for found in gated("bike", hits)] == ["my bike", "the bike"]
    assert gated("bike", []) == []


def test_an_answer_of_its_own_is_no_memory() -> None:
    assert gated("Where is my bike?", [hit("Your bike is here.", 1.0, 9.0, speaker="you")]) == []


def test_what_is_in_view_is_not_brought() -> None:
    turn = [message(50, "?")]
    told = found(
        hit("I like green tea", seq=1), hit("我对花生过敏", seq=2), hit("The bike squeals", seq=3),
        hit("the bike squeals!", seq=4), hit("in view", seq=5),
        hit("a passage", seq=5, shelf="passages"),
    )  # fmt: skip
    view = view_of([message(5, "in view")], "likes green tea and jam", "对花生过敏")
    fresh = [each.hit.text for each in unseen(told, view, turn)]
    assert fresh == ["The bike squeals", "a passage"]
    absent = view_of((), "likes green tea", person="bo")  # whose block is not shown
    assert len(unseen(told[:1], absent, turn)) == 1


# --- what may not come back ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "wish", "other"),
    [
        ("The door code is 4411", "please forget the door code", "The door squeaks"),
        ("门锁密码是4411", "忘记门锁密码", "门锁坏了"),
    ],
)
def test_what_somebody_asked_to_forget_stays_away(told: str, wish: str, other: str) -> None:
    before, later = hit(told, seq=1), hit(told, seq=4, at=AT + timedelta(days=2))
    asked_for = hit(wish, seq=3, at=AT + timedelta(days=1))
    rest = found(hit(other, seq=2), later)
    assert kept([*found(before), *rest], [before, asked_for, later]) == rest
    assert kept(found(before), [replace(asked_for, speaker="you")]) == found(before)
    assert kept([], [asked_for]) == []


async def again(store: Store) -> Draft:
    return Draft.of(await store.agent("a"), await store.blocks("a"), at=AT)


async def told(store: Store, *facts: str) -> list[Hit]:
    """Facts that are learned, each from a message of its own; those messages."""
    draft = await made(store, "a")
    for fact in facts:
        row = message(draft.seq(), f"By the way, {fact}")
        draft.messages.append(row)
        draft.origin = replace(row.origin, source=row.seq)
        draft.append("human", fact)
    await store.commit(draft.change())
    return [hit(row.text, seq=row.seq) for row in draft.messages]


async def left(store: Store, hits: Sequence[Hit]) -> list[Hit]:
    return await store.database.read(lambda conn: insight.still_true(conn, "a", hits))


@pytest.mark.parametrize(
    ("old", "new", "repeated", "other"),
    [
        ("I live in Berlin", "I live in Lyon", "well, I live in Berlin mostly", "Berlin is cold"),
        ("我住在北京", "我住在上海", "其实我住在北京呀", "北京很冷"),
    ],
)
async def test_what_was_replaced_or_removed_does_not_come_back(
    store: Store, old: str, new: str, repeated: str, other: str
) -> None:
    source, passing = await told(store, old, "it is late")
    again_said, about = hit(repeated, seq=801), hit(other, seq=802)
    note = hit(old, seq=803, shelf="passages")
    hits = [source, passing, again_said, about, note, hit(f"so {new}", seq=804)]
    assert await left(store, hits) == hits
    draft = await again(store)
    draft.replace("human", old, new)
    await store.commit(draft.change())
    assert await left(store, hits) == [passing, about, hits[-1]]
    draft = await again(store)
    draft.replace("human", new, "")
    await store.commit(draft.change())
    assert await left(store, hits) == [passing, about]
    await store.undo("a", None, actor="person")
    assert await left(store, hits) == [passing, about, hits[-1]]


async def test_what_a_joined_line_says_still_holds(store: Store) -> None:
    hits = await told(store, "likes tea", "likes coffee")
    draft = await again(store)
    draft.rewrite("human", "likes tea and likes coffee", action="edit")
    await store.commit(draft.change())
    assert await left(store, hits) == hits


class Broken:
    """A finder whose disk is gone."""

    async def find(
        self, viewer: Viewer, shelf: Shelf, query: str, *, page: int, size: int,
        filters: Filters = ALL,
    ) -> tuple[list[Hit], int]:  # fmt: skip
        raise StorageFault("The disk is full.")


async def test_a_turn_goes_on_without_memory(store: Store) -> None:
    await made(store, "a")
    view = await seen_by_all(store, "a")
    recollect = Recollect(store, Broken(), UTC)  # type: ignore[arg-type]
    assert await recollect(view, [message(1, "Where is my bike?")], WINDOW) == Recalled()


async def test_it_is_few_and_says_whose_words_it_is(store: Store, tmp_path: Path) -> None:
    draft = await made(store, "a")
    for number in range(8):
        person = "bo" if number % 2 else "ana"
        text = f"The heron of lake {number} sleeps, {person}"
        origin = Origin(room="r", person=person)
        draft.messages.append(message(draft.seq(), text, origin=origin))
        draft.insert(f"heron note {number} of the lake")
    for _ in range(40):
        draft.messages.append(message(draft.seq(), "The tram was late."))
    await store.commit(draft.change())
    recollect = Recollect(store, Search(store.database, None, tmp_path), UTC)
    turn = [message(9_999, "What about the heron of the lake?")]
    recalled = await recollect(await seen_by_all(store, "a"), turn, WINDOW)
    lines = recalled.text.splitlines()[3:-1]
    assert 3 <= len(lines) <= MOST
    assert sum("archival memory" in line for line in lines) <= EACH
    assert "ana" not in recalled.foreign
    for line in lines:
        words = line.partition(": ")[2]
        assert (words in recalled.foreign) is not words.endswith("ana")
