"""Every change of memory can be taken back: the very same rows return, or nothing happens."""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import core, journal
from memory.births import ensure_agent
from memory.changes import undo
from memory.changes import write as write_change
from memory.database.sqlite import SqliteConnection
from memory.draft import Draft
from memory.errors import Conflict, LimitReached, MemoryFault, NotFound
from memory.ports import Connection
from memory.schema import MIGRATIONS
from memory.store import Store
from memory.types import Birth, Block, Fact

BIRTH = Birth(id="a", name="A", kind="named", persona="I am here.")
Verb = Callable[[Draft], object]
WORDS = st.sampled_from(["tea", "茶", "coffee\n咖啡", "tea\ncoffee", "x" * 17, "a b c d", "😀"])


def opened() -> SqliteConnection:
    raw = sqlite3.connect(":memory:")
    raw.executescript(MIGRATIONS[0])
    conn = SqliteConnection(raw)
    ensure_agent(conn, BIRTH)
    core.insert_block(conn, "a", Block(label="tight", limit=20), 2)
    return conn


def act(conn: Connection, verb: Verb) -> None:
    agent, _ = ensure_agent(conn, BIRTH)
    draft = Draft.of(agent, core.blocks(conn, "a"))
    verb(draft)
    write_change(conn, draft.change())


def memories(conn: Connection) -> dict[str, list[tuple[Any, ...]]]:
    kept = ("blocks", "facts", "passages", "passages_words_docsize", "embed_queue")
    return {name: [tuple(row) for row in conn.all(f"SELECT * FROM {name}")] for name in kept}


def verb_of(kind: str, text: str, pick: int) -> Verb:
    def work(draft: Draft) -> object:
        facts = [f for label in ("human", "tight") for f in draft.blocks[label].facts]
        label = ("human", "tight")[pick % 2]
        if kind == "append":
            return draft.append(label, text)
        if kind == "insert":
            return draft.insert(text, ["tag"])
        if not facts:
            raise NotFound
        fact: Fact = facts[pick % len(facts)]
        if kind == "replace":
            return draft.replace(fact.label, fact.text, text)
        hands: dict[str, Callable[[], None]] = {
            "edit": lambda: draft.edit(fact, text, action="edit"),
            "pin": lambda: draft.pin(fact, pinned=not fact.pinned),
            "forget": lambda: draft.forget([fact], action="forget"),
        }
        return hands[kind]()

    return work


KINDS = st.sampled_from(
    ["append", "append", "append", "insert", "replace", "edit", "pin", "forget"]
)
ACTIONS = st.lists(st.builds(verb_of, KINDS, WORDS, st.integers(0, 20)), max_size=12)


@settings(max_examples=50, deadline=None)
@given(ACTIONS)
def test_undoing_everything_gives_back_the_very_same_rows(actions: list[Verb]) -> None:
    conn = opened()
    created = len(journal.page(conn, "a", limit=100))
    before = memories(conn)
    for verb in actions:
        with suppress(MemoryFault):
            act(conn, verb)
        assert all(len(block.text) <= block.limit for block in core.blocks(conn, "a"))
    for _ in range(len(journal.page(conn, "a", limit=100)) - created):
        undo(conn, "a", None, "person")
    assert memories(conn) == before


@settings(max_examples=50, deadline=None)
@given(ACTIONS, st.lists(st.integers(0, 30), max_size=8))
def test_undoing_anything_keeps_the_limits_or_changes_nothing(
    actions: list[Verb], picks: list[int]
) -> None:
    conn = opened()
    for verb in actions:
        with suppress(MemoryFault):
            act(conn, verb)
    for pick in picks:
        entries = journal.page(conn, "a", limit=100)
        conn.execute("SAVEPOINT job")
        try:
            undo(conn, "a", entries[pick % len(entries)].seq, "person")
        except (Conflict, NotFound, LimitReached):
            conn.execute("ROLLBACK TO job")
        conn.execute("RELEASE job")
        for block in core.blocks(conn, "a"):
            assert len(block.text) <= block.limit
    facts = {f.seq: f for f in core.all_facts(conn, "a")}
    assert all(f.superseded_by is None or f.superseded_by in facts for f in facts.values())


async def test_undo_is_refused_when_a_later_change_rests_on_it(store: Store) -> None:
    await store.ensure(BIRTH)
    await store.edit("a", lambda draft: draft.append("human", "likes tea"), actor="agent")
    await store.edit("a", lambda draft: draft.replace("human", "tea", "茶"), actor="agent")
    later, first = (await store.history("a", 0, 2))[:2]
    with pytest.raises(Conflict, match=f"#{first.seq} cannot be undone: a later change"):
        await store.undo("a", first.seq, actor="person")
    assert (await store.undo("a", later.seq, actor="person")).seq == later.seq
    with pytest.raises(NotFound, match="it was undone"):
        await store.undo("a", later.seq, actor="person")
    await store.undo("a", first.seq, actor="person")
    assert (await store.blocks("a"))[1].text == ""
    undone = (await store.history("a", 0, 1))[0]
    assert (undone.action, undone.actor, undone.undoes) == ("undo", "person", first.seq)


async def test_what_is_undone_must_still_fit(store: Store) -> None:
    await store.ensure(BIRTH)
    await store.add_block("a", Block(label="tight", limit=20))
    await store.edit("a", lambda draft: draft.append("tight", "x" * 15), actor="agent")
    await store.edit(
        "a", lambda draft: draft.forget(draft.blocks["tight"].facts, action="forget"), actor="a"
    )
    forgotten = (await store.history("a", 0, 1))[0]
    await store.edit("a", lambda draft: draft.append("tight", "y" * 15), actor="agent")
    with pytest.raises(LimitReached, match="'tight' may hold 20 characters and would have 31"):
        await store.undo("a", forgotten.seq, actor="person")
    assert (await store.blocks("a"))[2].text == "y" * 15


async def test_an_append_that_confirms_and_puts_away_can_be_undone(store: Store) -> None:
    await store.ensure(BIRTH)
    await store.add_block("a", Block(label="tight", limit=20))
    await store.edit("a", lambda draft: draft.append("tight", "tea"), actor="agent")
    before = await store.blocks("a")
    await store.edit("a", lambda draft: draft.append("tight", "tea\n" + "x" * 19), actor="agent")
    assert (await store.blocks("a"))[2].text == "x" * 19
    await store.undo("a", None, actor="person")
    assert await store.blocks("a") == before
