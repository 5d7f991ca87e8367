"""Core memory: a block is its lines, every line is a fact, and no fact is ever lost."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import core
from memory.births import ensure_agent
from memory.changes import write as write_change
from memory.database.sqlite import SqliteConnection
from memory.draft import Draft
from memory.errors import BadInput, LimitReached, NotFound, ReadOnly
from memory.schema import MIGRATIONS
from memory.types import Agent, Birth, Block, Diff, Fact, Origin, Passage

START = datetime(2026, 1, 1, tzinfo=UTC)
AGENT = Agent(id="a", name="A", kind="named", person=None, created_at=START)
LINES = st.lists(st.sampled_from(["a", "b", "c", "茶", "喝咖啡", "😀", " ", "", " d "]), max_size=7)


def draft_of(*lines: str, limit: int = 100, label: str = "human") -> Draft:
    """A draft of an agent with one block, whose facts are a day apart in age, oldest first."""
    facts = tuple(fact(n, line) for n, line in enumerate(lines, start=1))
    block = Block(label=label, limit=limit, facts=facts)
    agent = replace(AGENT, last_seq=len(lines))
    return Draft.of(agent, [block], at=START + timedelta(days=100))


def fact(n: int, text: str) -> Fact:
    at = START + timedelta(days=n)
    return Fact(
        seq=n, label="human", position=float(n), text=text, origin=Origin(), learned_at=at,
        confirmed_at=at, used_at=at, valid_from=at,
    )  # fmt: skip


def diffs(draft: Draft) -> list[Diff]:
    return [diff for entry in draft.entries for diff in entry.diffs]


def text(draft: Draft) -> str:
    return draft.blocks["human"].text


def put_away(draft: Draft) -> list[str]:
    return [diff.after.text for diff in diffs(draft) if isinstance(diff.after, Passage)]


def rewrite(block: Block, lines: Sequence[str], first: int) -> tuple[Block, list[Diff]]:
    numbers = iter(range(first, first + 1000))
    return core.rewritten(
        block, "\n".join(lines), at=START, origin=Origin(), seq=lambda: next(numbers)
    )


# --- rewritten ----------------------------------------------------------------------------------


@given(LINES, LINES)
def test_a_block_becomes_what_was_asked_for(before: list[str], after: list[str]) -> None:
    old, _ = rewrite(Block(label="human", limit=100), before, 1)
    new, changes = rewrite(old, after, 100)
    assert new.text == "\n".join(line.strip() for line in after if line.strip())
    there, was = {f.seq: f for f in new.facts}, {f.seq: f for f in old.facts}
    for seq in there.keys() & was.keys():
        assert there[seq].text == was[seq].text
    gone = {d.before.seq: d.after for d in changes if d.before and d.before.seq not in there}
    assert gone.keys() == was.keys() - there.keys()
    for seq, left in gone.items():
        assert isinstance(left, Fact)
        assert left.text == was[seq].text
        if left.state == "superseded":
            assert left.superseded_by in there
        else:
            assert (left.state, left.superseded_by) == ("removed", None)
    born = {d.after.seq for d in changes if d.before is None and d.after}
    assert born == there.keys() - was.keys()


@given(LINES)
def test_the_same_text_changes_nothing(lines: list[str]) -> None:
    block, _ = rewrite(Block(label="human", limit=100), lines, 1)
    again, changes = rewrite(block, lines, 100)
    assert (again, changes) == (block, [])


def test_lines_around_a_change_keep_their_facts() -> None:
    block = draft_of("one", "two", "three").blocks["human"]
    new, _ = rewrite(block, ["zero", "one", "2", "three", "four"], 10)
    assert [f.seq for f in new.facts] == [10, 1, 11, 3, 12]
    assert new.facts[1].learned_at == block.facts[0].learned_at


def test_a_line_that_takes_the_place_of_a_pinned_one_is_pinned() -> None:
    draft = draft_of("one", "two")
    draft.pin(draft.blocks["human"].facts[0], pinned=True)
    draft.replace("human", "one", "uno")
    assert [(f.text, f.pinned) for f in draft.blocks["human"].facts] == [
        ("uno", True),
        ("two", False),
    ]


# --- the database keeps the order ----------------------------------------------------------------


def opened() -> SqliteConnection:
    raw = sqlite3.connect(":memory:")
    raw.executescript(MIGRATIONS[0])
    conn = SqliteConnection(raw)
    ensure_agent(conn, Birth(id="a", name="A", kind="named", persona="I am A."))
    return conn


def stored(conn: SqliteConnection) -> dict[str, Block]:
    return {block.label: block for block in core.blocks(conn, "a")}


@settings(max_examples=50, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=8))
def test_order_is_the_same_after_the_database(texts: list[list[str]]) -> None:
    conn = opened()
    for lines in texts:
        agent, _ = ensure_agent(conn, Birth(id="a", name="A", kind="named", persona="I am A."))
        draft = Draft.of(agent, core.blocks(conn, "a"))
        block, changes = draft._rewrite(draft.blocks["human"], "\n".join(lines))
        draft.note("edit", "rewritten", changes)
        write_change(conn, draft.change())
        assert stored(conn)["human"] == block
    everything = [f for f in core.all_facts(conn, "a") if f.label == "human"]
    assert {f.seq for f in everything if f.state == "active"} == {f.seq for f in block.facts}


def test_order_survives_a_hundred_lines_in_one_gap() -> None:
    conn = opened()
    wanted = ["first", "last"]
    for n in range(100):
        wanted.insert(1, f"{n}")
        agent, _ = ensure_agent(conn, Birth(id="a", name="A", kind="named", persona="I am A."))
        draft = Draft.of(agent, core.blocks(conn, "a"))
        if n == 0:
            draft.append("human", "first\n0\nlast")
        else:
            draft.replace("human", "first", f"first\n{n}")
        write_change(conn, draft.change())
        assert stored(conn)["human"] == draft.blocks["human"]
    assert stored(conn)["human"].text == "\n".join(wanted)
    kept = [f.text for f in core.all_facts(conn, "a") if f.state == "superseded"]
    assert kept == []  # nothing was replaced, so each line still is the fact it was


# --- append --------------------------------------------------------------------------------------


def test_append_and_say_so() -> None:
    draft = draft_of("likes tea")
    assert draft.append("human", " likes 咖啡 \n\n住在上海\n") == "Saved to 'human'."
    assert text(draft) == "likes tea\nlikes 咖啡\n住在上海"
    assert [entry.summary for entry in draft.entries] == ["human: + likes 咖啡 / 住在上海"]


def test_append_of_what_is_known_confirms_it() -> None:
    draft = draft_of("likes tea", "住在上海")
    assert "Already known" in draft.append("human", "住在上海")
    assert text(draft) == "likes tea\n住在上海"
    assert draft.blocks["human"].facts[1].confirmed_at == draft.at
    assert draft.blocks["human"].facts[1].learned_at < draft.at


def test_a_line_given_twice_is_one() -> None:
    draft = draft_of()
    draft.append("human", "tea\ntea\n茶\n茶")
    assert text(draft) == "tea\n茶"


@pytest.mark.parametrize("content", ["", " \n\t\n", "\n"])
def test_nothing_is_not_appended(content: str) -> None:
    draft = draft_of("a")
    with pytest.raises(BadInput, match="empty"):
        draft.append("human", content)
    assert draft.entries == []


def test_a_known_fact_is_known_by_the_date_that_the_context_shows() -> None:
    draft = draft_of("likes tea")
    assert "Already known" in draft.append("human", "[2026-01-31] likes tea")
    draft.append("human", "[2026-03-01] 看牙医")  # the person's own date is no frame
    assert text(draft) == "likes tea\n[2026-03-01] 看牙医"


def test_unknown_and_read_only_sections() -> None:
    draft = draft_of("a")
    with pytest.raises(NotFound, match=r"no section 'nope'.*Sections: human"):
        draft.append("nope", "x")
    draft.blocks["human"] = replace(draft.blocks["human"], read_only=True)
    with pytest.raises(ReadOnly, match="'human' is read-only"):
        draft.append("human", "x")
    with pytest.raises(ReadOnly, match="'human' is read-only"):
        draft.replace("human", "a", "b")
    assert draft.entries == []


def test_control_characters_do_not_get_in() -> None:
    draft = draft_of()
    draft.append("human", "te\x00a\ud83d")
    draft.replace("human", "tea", "co\x00ffee\udc00")
    draft.insert("no\x00te\ud83d", ["t\x00ag"])
    assert text(draft) == "coffee"
    passage = diffs(draft)[-1].after
    assert isinstance(passage, Passage)
    assert (passage.text, passage.tags) == ("note", ("tag",))


# --- a full block --------------------------------------------------------------------------------


def test_a_full_block_puts_the_least_useful_away() -> None:
    draft = draft_of("0123456789", "abcdefghij", "一二三四五六七八九十", limit=32)
    used = replace(draft.blocks["human"].facts[0], used_at=draft.at)
    block = draft.blocks["human"]
    draft.blocks["human"] = replace(block, facts=(used, *block.facts[1:]))
    told = draft.append("human", "ABCDEFGHIJ")
    assert text(draft) == "0123456789\n一二三四五六七八九十\nABCDEFGHIJ"
    assert put_away(draft) == ["abcdefghij"]
    assert "its 1 least useful facts were moved to archival memory" in told
    gone = [d.after for d in diffs(draft) if isinstance(d.after, Fact) and d.after.seq == 2]
    assert [f.state for f in gone] == ["archived"]


def test_what_is_pinned_never_moves() -> None:
    draft = draft_of("0123456789", "abcdefghij", limit=21)
    draft.pin(draft.blocks["human"].facts[0], pinned=True)
    draft.append("human", "ABCDEFGHIJ")
    assert text(draft) == "0123456789\nABCDEFGHIJ"
    draft.pin(draft.blocks["human"].facts[1], pinned=True)
    before = draft.blocks["human"], len(draft.entries)
    with pytest.raises(LimitReached, match=r"21 characters.*archival_memory_insert"):
        draft.append("human", "x")
    assert (draft.blocks["human"], len(draft.entries)) == before


@pytest.mark.parametrize("long", ["x" * 33, "茶" * 33])
def test_what_can_never_fit_moves_nothing(long: str) -> None:
    draft = draft_of("0123456789", "abcdefghij", limit=32)
    with pytest.raises(LimitReached, match="this text has 33"):
        draft.append("human", long)
    assert text(draft) == "0123456789\nabcdefghij"
    assert draft.entries == []
    draft.append("human", long[:32])
    assert text(draft) == long[:32]


ADDED = st.text("ab茶 \n", min_size=1, max_size=25)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(ADDED, st.booleans()), max_size=12), st.integers(10, 40))
def test_limits_hold_and_nothing_is_lost(added: list[tuple[str, bool]], limit: int) -> None:
    draft = draft_of(limit=limit)
    wanted: set[str] = set()
    for content, pinned in added:
        try:
            draft.append("human", content)
        except (LimitReached, BadInput):
            continue
        wanted |= set(core.lines_of(content))
        facts = draft.blocks["human"].facts
        if pinned:
            draft.pin(facts[-1], pinned=True)
        assert len(text(draft)) <= limit
    assert wanted == {f.text for f in draft.blocks["human"].facts} | set(put_away(draft))
    pinned_ones = {
        d.after.text for d in diffs(draft) if isinstance(d.after, Fact) and d.after.pinned
    }
    assert pinned_ones <= {f.text for f in draft.blocks["human"].facts}


# --- replace -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "after"),
    [
        ("likes tea", "喜欢茶\na < b & c"),
        (" likes tea\n", "喜欢茶\na < b & c"),
        ("[2026-01-02] likes tea", "喜欢茶\na < b & c"),
        ("[2026-01-02] likes tea\n[2026-01-03] a", "喜欢茶 < b & c"),
    ],
)
def test_replace_takes_what_the_context_shows(old: str, after: str) -> None:
    draft = draft_of("likes tea", "a < b & c")
    draft.replace("human", old, "[2026-01-02] 喜欢茶")
    assert text(draft) == after


def test_replace_takes_escaped_text_and_keeps_it_unescaped() -> None:
    draft = draft_of("a &lt; b", "x < y & z")
    draft.replace("human", "[2026-01-01] x &lt; y &amp; z", "x &lt; y &amp; 茶")
    draft.replace("human", "a &lt; b", "a &lt; c")  # it stands there to the letter
    assert text(draft) == "a &lt; c\nx < y & 茶"


@pytest.mark.parametrize("old", ["coffee", "", "  ", "咖啡", "LIKES TEA"])
def test_a_miss_tells_what_is_there(old: str) -> None:
    draft = draft_of("likes tea", "住在上海")
    with pytest.raises(NotFound) as caught:
        draft.replace("human", old, "x")
    assert "is not in 'human'" in str(caught.value)
    assert "likes tea\n住在上海" in str(caught.value)
    assert draft.entries == []


def test_several_hits_tell_what_is_there() -> None:
    draft = draft_of("喜欢茶", "喜欢咖啡")
    with pytest.raises(NotFound, match="occurs 2 times") as caught:
        draft.replace("human", "喜欢", "讨厌")
    assert "喜欢茶\n喜欢咖啡" in str(caught.value)


def test_an_empty_section_says_so() -> None:
    with pytest.raises(NotFound, match=r"\(nothing\)"):
        draft_of().replace("human", "x", "y")


def test_replace_deletes_with_nothing() -> None:
    draft = draft_of("likes tea", "住在上海")
    assert draft.replace("human", "likes tea", "") == "Removed from 'human'."
    assert text(draft) == "住在上海"
    gone = replace(fact(1, "likes tea"), state="removed", valid_to=draft.at)
    assert diffs(draft)[0].after == gone


def test_replace_does_not_exceed_the_limit() -> None:
    draft = draft_of("tea", limit=10)
    with pytest.raises(LimitReached, match="would have 11"):
        draft.replace("human", "tea", "x" * 11)
    draft.replace("human", "tea", "x" * 10)
    assert text(draft) == "x" * 10


def test_replace_by_the_same_is_told() -> None:
    with pytest.raises(BadInput, match="Nothing would change"):
        draft_of("tea").replace("human", "tea", "tea")


# --- a person's own hand -------------------------------------------------------------------------


def test_edit_supersedes_and_removes() -> None:
    draft = draft_of("tea", "住在上海", limit=12)
    one, two = draft.blocks["human"].facts
    draft.edit(two, "住在北京", action="edit")
    heir = draft.blocks["human"].facts[1]
    assert diffs(draft)[0].after == core.ended(two, "superseded", draft.at, heir.seq)
    with pytest.raises(LimitReached):
        draft.edit(one, "x" * 9, action="edit")
    with pytest.raises(BadInput, match="Nothing would change"):
        draft.edit(one, "tea", action="edit")
    draft.edit(one, "", action="forget")
    assert text(draft) == "住在北京"
    assert len(draft.entries) == 2


def test_forget_is_one_change() -> None:
    draft = draft_of("a", "b", "c", "d", "e")
    draft.forget(draft.blocks["human"].facts[:4], action="clear")
    assert text(draft) == "e"
    assert [entry.summary for entry in draft.entries] == ["- a; b; c and 1 more"]
    assert {d.after.state for d in diffs(draft) if isinstance(d.after, Fact)} == {"removed"}
