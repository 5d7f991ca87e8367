"""Accounts of one person: joined by a code, parted again, and nothing lost either way."""

import asyncio
import sqlite3
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import archive, births, changes, core, journal, links, recall
from memory.agents import identity_id
from memory.changes import write
from memory.database.sqlite import SqliteConnection, SqliteDatabase
from memory.draft import Draft
from memory.errors import BadInput, Conflict, MemoryFault, NotFound
from memory.links import UnknownCode
from memory.ports import Connection
from memory.schema import MIGRATIONS
from memory.store import Store
from memory.types import Birth, Block, Fact, Identity, Message, Origin

T0 = datetime(2026, 1, 31, 12, tzinfo=UTC)
PERSONA = "I am here."


def identity(platform: str, user: str, name: str = "") -> Identity:
    return Identity(platform=platform, space="w", user=user, name=name or user.title())


ANA = identity("slack", "ana")
BEN = identity("discord", "ben", "安娜")  # the same human, by another name
CY = identity("terminal", "cy")
A, B, C = (identity_id(one.platform, one.space, one.user) for one in (ANA, BEN, CY))


def birth(one: Identity) -> Birth:
    own = identity_id(one.platform, one.space, one.user)
    return Birth(id=own, name=one.name, kind="person", persona=PERSONA)


def opened() -> SqliteConnection:
    raw = sqlite3.connect(":memory:")
    raw.executescript(MIGRATIONS[0])
    conn = SqliteConnection(raw)
    for one in (ANA, BEN):
        agent, _ = births.meet(conn, birth(one), one)
        core.insert_block(conn, agent.id, Block(label="tight", limit=20), 2)
    return conn


def edit(conn: Connection, agent_id: str, verb: str, label: str, text: str) -> None:
    draft = Draft.of(changes.require(conn, agent_id), core.blocks(conn, agent_id), at=T0)
    draft.origin = Origin(person=agent_id, room=f"dm-{agent_id}", source=1)
    facts = [fact for name in ("human", "tight") for fact in draft.blocks[name].facts]
    if verb == "append":
        draft.append(label, text)
    elif verb == "insert":
        draft.insert(text, ["tag"])
    elif facts and verb == "pin":
        draft.pin(facts[len(text) % len(facts)], pinned=True)
    elif facts and verb == "forget":
        draft.forget([facts[len(text) % len(facts)]], action="forget")
    elif facts:
        fact = facts[len(text) % len(facts)]
        draft.replace(fact.label, fact.text, text)
    write(conn, draft.change())


def code_for(conn: Connection, one: Identity, at: datetime = T0) -> str:
    return links.new_code(conn, one, at)


def join(conn: Connection, to: Identity, one: Identity, at: datetime = T0) -> links.Joining:
    return links.join(conn, code_for(conn, to, at), one, at, PERSONA)


def memories(conn: Connection, agent_id: str) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that an agent remembers, byte for byte; its journal and its counters go on."""
    kept = ("blocks", "facts", "passages", "messages", "summaries", "embed_queue", "vectors")
    return {
        name: [
            tuple(row)
            for row in conn.all(f"SELECT * FROM {name} WHERE agent_id = :id", id=agent_id)
        ]
        for name in kept
    }


def words(conn: Connection) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in conn.all("SELECT * FROM passages_words_docsize")]


def facts(conn: Connection, agent_id: str, label: str = "human") -> list[Fact]:
    return [f for b in core.blocks(conn, agent_id) if b.label == label for f in b.facts]


def texts(conn: Connection, agent_id: str) -> set[str]:
    """All that an agent knows, in view or put away."""
    seen = {fact.text for block in core.blocks(conn, agent_id) for fact in block.facts}
    return seen | {passage.text for passage in archive.page(conn, agent_id)}


# --- codes ----------------------------------------------------------------------------------------


def test_a_code_is_easy_to_read_and_kept_as_a_hash_alone() -> None:
    conn = opened()
    code = code_for(conn, ANA)
    first, dash, second = code.partition("-")
    assert (len(first), dash, len(second)) == (4, "-", 4)
    assert set(first + second) <= set(links.LETTERS)
    assert not set(links.LETTERS) & set("OILU")
    assert len(links.LETTERS) ** links.LENGTH >= 2**40
    kept = str([tuple(row) for row in conn.all("SELECT * FROM link_codes")])
    assert first not in kept
    assert code.replace("-", "") not in kept


def test_a_code_is_understood_as_people_type_it() -> None:
    conn = opened()
    code = code_for(conn, ANA)
    ways = (code.lower(), code.replace("-", ""), code.replace("0", "o").replace("1", "l"))
    assert [links.preview(conn, typed, BEN, T0).to.id for typed in ways] == [A, A, A]


def test_a_wrong_an_old_a_replaced_and_a_used_code_are_told_the_same() -> None:
    conn = opened()
    replaced = code_for(conn, ANA)
    code = code_for(conn, ANA)
    late = T0 + timedelta(minutes=10)
    links.join(conn, code, BEN, late - timedelta(seconds=1), PERSONA)
    fresh = code_for(conn, ANA)
    said = set()
    for wrong, at in (("WRNG-C0DE", T0), ("", T0), (replaced, T0), (code, T0), (fresh, late)):
        with pytest.raises(UnknownCode) as told:
            links.preview(conn, wrong, CY, at)
        said.add(str(told.value))
    assert len(said) == 1
    assert links.preview(conn, fresh, CY, T0).to.id == A


def test_nobody_is_linked_to_themselves_or_twice_or_in_a_chain() -> None:
    conn = opened()
    with pytest.raises(BadInput, match="this very account"):
        links.preview(conn, code_for(conn, ANA), ANA, T0)
    join(conn, ANA, BEN)
    with pytest.raises(Conflict, match="linked to Ana on Slack already"):
        links.preview(conn, code_for(conn, ANA), BEN, T0)
    with pytest.raises(Conflict, match="linked to 安娜 on Discord already"):
        links.preview(conn, code_for(conn, BEN), ANA, T0)
    for linked in (ANA, BEN):
        with pytest.raises(Conflict, match="`/unlink` first"):
            links.preview(conn, code_for(conn, CY), linked, T0)
    assert join(conn, BEN, CY).to.person == A  # by the code of either of the two
    assert links.person_ids(conn, A) == [A, B, C]
    assert links.person_ids(conn, B) == [B]


async def test_two_accounts_use_one_code_at_once(store: Store) -> None:
    database = store.database
    code = await database.write(lambda conn: links.new_code(conn, ANA, T0))
    ended = await asyncio.gather(
        database.write(lambda conn: links.join(conn, code, BEN, T0, PERSONA)),
        database.write(lambda conn: links.join(conn, code, CY, T0, PERSONA)),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in ended) == ["Joining", "UnknownCode"]
    assert len(await database.read(lambda conn: links.others(conn, A))) == 1


# --- what is joined -------------------------------------------------------------------------------


def test_what_one_knew_is_added_with_its_times_and_its_audience() -> None:
    conn = opened()
    edit(conn, A, "append", "human", "likes tea")
    edit(conn, B, "append", "human", "likes tea\n住在北京")
    edit(conn, B, "insert", "", "went to Lisbon")
    planned = links.preview(conn, code_for(conn, ANA), BEN, T0)
    before = memories(conn, B)
    assert join(conn, ANA, BEN) == planned
    assert (planned.facts, planned.known, planned.passages) == (1, 1, 1)
    assert [fact.text for fact in facts(conn, A)] == ["likes tea", "住在北京"]
    came, theirs = facts(conn, A)[1], facts(conn, B)[1]
    assert (came.learned_at, came.origin.room) == (theirs.learned_at, theirs.origin.room)
    assert came.origin.audience == "person"
    assert came.origin.source is None  # its message is in the other agent's recall
    assert archive.page(conn, A)[0].text == "went to Lisbon"
    assert memories(conn, B) == before
    entry = journal.page(conn, A, limit=1)[0]
    assert (entry.action, entry.actor) == ("link", "person")


def test_a_link_can_be_undone_and_then_ended() -> None:
    conn = opened()
    edit(conn, B, "append", "human", "住在北京")
    before = memories(conn, A)
    join(conn, ANA, BEN)
    changes.undo(conn, A, None, "person")
    assert memories(conn, A) == before
    assert links.part(conn, B, T0).removed == 0
    assert memories(conn, A) == before


def test_what_does_not_fit_is_put_away_and_nothing_is_lost() -> None:
    conn = opened()
    for text in ("a" * 9, "b" * 9):
        edit(conn, A, "append", "tight", text)
    for text in ("c" * 9, "d" * 9):
        edit(conn, B, "append", "tight", text)
    edit(conn, B, "pin", "", "")
    core.insert_block(conn, B, Block(label="私人", limit=100), 3)
    edit(conn, B, "append", "私人", "own section")
    all_of_it = texts(conn, A) | texts(conn, B)
    before = memories(conn, A)
    join(conn, ANA, BEN)
    assert texts(conn, A) == all_of_it
    assert sum(len(fact.text) + 1 for fact in facts(conn, A, "tight")) <= 21
    assert "c" * 9 in {fact.text for fact in facts(conn, A, "tight")}  # it was pinned
    links.part(conn, B, T0)
    assert memories(conn, A) == before


def test_what_was_put_away_comes_back_only_where_there_is_room() -> None:
    conn = opened()
    edit(conn, A, "append", "tight", "a" * 20)
    edit(conn, B, "append", "tight", "b" * 15)
    edit(conn, B, "pin", "", "")
    join(conn, ANA, BEN)
    assert [fact.text for fact in facts(conn, A, "tight")] == ["b" * 15]
    edit(conn, A, "append", "tight", "new")
    assert links.part(conn, B, T0).removed == 1
    assert [fact.text for fact in facts(conn, A, "tight")] == ["new"]
    assert "a" * 20 in texts(conn, A)


def test_what_was_changed_since_stays_and_what_was_forgotten_stays_forgotten() -> None:
    conn = opened()
    edit(conn, B, "append", "human", "lives in Rome\nhas a cat\nspeaks 中文\nis 40")
    edit(conn, B, "insert", "", "a trip")
    join(conn, ANA, BEN)
    rome, cat = facts(conn, A)[:2]
    edit(conn, A, "replace", "human", "x" * 4)  # the first one
    draft = Draft.of(changes.require(conn, A), core.blocks(conn, A))
    draft.forget([cat], action="forget")
    write(conn, draft.change())
    parting = links.part(conn, B, T0)
    assert rome.text not in {fact.text for fact in facts(conn, A)}
    assert (parting.removed, parting.kept) == (3, 1)
    assert texts(conn, A) == {PERSONA, "xxxx"}
    with pytest.raises(NotFound, match="is an undo"):
        changes.undo(conn, A, journal.page(conn, A, limit=1)[0].seq, "person")


def test_an_agent_that_was_deleted_meanwhile_is_no_obstacle() -> None:
    conn = opened()
    edit(conn, B, "append", "human", "住在北京")
    join(conn, ANA, BEN)
    for table in ("agents", "journal", "facts", "blocks", "passages"):
        conn.execute(f"DELETE FROM {table} WHERE agent_id = :id", id=A)
    assert links.part(conn, B, T0).removed == 0
    with pytest.raises(NotFound, match="not linked"):
        links.part(conn, B, T0)


def test_who_was_never_met_can_be_joined() -> None:
    conn = opened()
    assert join(conn, CY, ANA).to.name == "Cy"
    assert changes.require(conn, C).person == C
    assert links.part(conn, A, T0).person == "Cy"


# --- at random ------------------------------------------------------------------------------------

WORDS = st.sampled_from(["tea", "茶", "coffee\n咖啡", "tea\ncoffee", "x" * 17, "a b c d", "😀"])
VERBS = st.sampled_from(["append", "append", "append", "insert", "pin", "forget", "replace"])
LABELS = st.sampled_from(["human", "tight"])
EDITS = st.lists(st.tuples(st.sampled_from([A, B]), VERBS, LABELS, WORDS), max_size=14)
Edit = tuple[str, str, str, str]


def play(conn: Connection, edits: list[Edit]) -> None:
    for agent, verb, label, text in edits:
        conn.execute("SAVEPOINT edit")
        try:
            edit(conn, agent, verb, label, text)
        except MemoryFault:
            conn.execute("ROLLBACK TO edit")
        conn.execute("RELEASE edit")
        for block in core.blocks(conn, agent):
            assert len(block.text) <= block.limit


@settings(max_examples=60, deadline=None)
@given(EDITS, st.integers(1, 3))
def test_link_and_unlink_give_back_both_memories(edits: list[Edit], times: int) -> None:
    conn = opened()
    play(conn, edits)
    mine, theirs, found = memories(conn, A), memories(conn, B), words(conn)
    known = texts(conn, A) | texts(conn, B)
    for _ in range(times):
        join(conn, ANA, BEN)
        assert known <= texts(conn, A)
        assert all(len(block.text) <= block.limit for block in core.blocks(conn, A))
        links.part(conn, B, T0)
        assert memories(conn, A) == mine
    assert memories(conn, B) == theirs
    assert words(conn) == found


@settings(max_examples=60, deadline=None)
@given(EDITS, EDITS, EDITS)
def test_whatever_happens_meanwhile_limits_hold_and_nothing_of_theirs_is_lost(
    before: list[Edit], during: list[Edit], after: list[Edit]
) -> None:
    conn = opened()
    play(conn, before)
    theirs = memories(conn, B)
    join(conn, ANA, BEN)
    play(conn, [(A, *rest) for _, *rest in during])  # type: ignore[misc]
    learned = {fact.text for block in core.blocks(conn, A) for fact in block.facts}
    parting = links.part(conn, B, T0)
    assert parting.removed >= 0
    assert memories(conn, B) == theirs
    assert learned <= texts(conn, A) | texts(conn, B)
    play(conn, after)
    with suppress(MemoryFault):
        join(conn, ANA, BEN)
    for block in core.blocks(conn, A):
        assert len(block.text) <= block.limit


# --- who answers ----------------------------------------------------------------------------------


async def say(store: Store, one: Identity, event: str, *, room: str = "") -> str | None:
    to = Birth(id=room, name=room, kind="room", persona=PERSONA) if room else birth(one)
    return await store.receive(
        to, one, dedup=f"{one.platform}:{event}", room=room or f"dm-{one.user}", at=T0,
        payload={"text": f"说 {event}"},
    )  # fmt: skip


async def linked(store: Store) -> None:
    await store.database.write(lambda conn: join(conn, ANA, BEN))


async def test_direct_messages_follow_the_link_and_are_never_taken_twice(store: Store) -> None:
    assert await say(store, BEN, "1") == B
    await linked(store)
    assert await say(store, BEN, "1") is None  # delivered once more: its own agent has it
    assert await say(store, BEN, "2") == A
    assert await say(store, ANA, "2") == A
    assert await store.open_count(B) == 1  # what waited is finished where it waits
    assert await store.homes(B) == [A, B]
    await store.database.write(lambda conn: links.part(conn, B, T0))
    assert await say(store, BEN, "2") is None
    assert await say(store, BEN, "3") == B
    assert (await store.homes(B))[0] == B
    assert await store.homes(A) == [A]


async def test_in_rooms_each_account_speaks_for_itself(store: Store) -> None:
    await say(store, BEN, "1", room="hall")
    before = await store.blocks("hall")
    await linked(store)
    await say(store, BEN, "2", room="hall")
    await say(store, BEN, "3", room="den")
    assert await store.blocks("hall") == before
    assert [block.person for block in await store.blocks("den")] == [None, None, B]
    claim = await store.claim("hall", T0)
    assert claim is not None
    assert {item.payload["person"] for item in claim.items} == {B}
    planned = await store.database.write(
        lambda conn: (links.part(conn, B, T0), links.preview(conn, code_for(conn, ANA), BEN, T0))
    )
    assert planned[1].rooms == 2


async def test_a_command_is_for_the_agent_that_answers(store: Store) -> None:
    await linked(store)
    agent, person = await store.meet(birth(BEN), BEN)
    assert (agent.id, agent.name, person.id) == (A, "Ana", A)
    assert (await store.ensure(birth(BEN), BEN))[0].id == A


async def test_recall_stays_where_it_was(store: Store, database: SqliteDatabase) -> None:
    await store.ensure(birth(BEN), BEN)
    draft = Draft.of(await store.agent(B), await store.blocks(B))
    origin = Origin(person=B, room="dm-ben")
    draft.messages.append(
        Message(seq=draft.seq(), role="user", text="你好", at=T0, origin=origin, speaker="安娜")
    )
    await store.commit(draft.change())
    await linked(store)
    assert await database.read(lambda conn: recall.page(conn, A)) == []
    assert len(await database.read(lambda conn: recall.page(conn, B))) == 1
