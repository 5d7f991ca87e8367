"""The store: what it is told is kept once, whole and in order, and can be taken back."""

import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import pytest

from bot.testing.fakes import Relay
from memory import shelf
from memory.database.sqlite import SqliteDatabase
from memory.draft import Draft
from memory.errors import Conflict, NotFound, StorageFault
from memory.ports import Connection, Database, Row
from memory.search import reads
from memory.store import Store
from memory.types import (
    Birth,
    Block,
    Change,
    Claim,
    Identity,
    Message,
    Origin,
    Outgoing,
    Reply,
    Shelf,
    Summary,
    Viewer,
)
from memory.words import query_terms

T = TypeVar("T")
T0 = datetime(2026, 1, 31, 12, tzinfo=UTC)
ANA = Identity(platform="terminal", space="local", user="ana", name="Ana")


def birth(agent_id: str) -> Birth:
    return Birth(id=agent_id, name=agent_id.title(), kind="named", persona="I am here.")


async def receive(store: Store, dedup: str, *, agent: str = "a", room: str = "dm") -> str | None:
    return await store.receive(
        birth(agent), ANA, dedup=dedup, room=room, at=T0, payload={"text": f"said {dedup} 你好"}
    )


async def claimed(store: Store, agent: str = "a") -> Claim:
    claim = await store.claim(agent, T0)
    assert claim is not None
    return claim


async def settled(store: Store) -> None:
    """A claim is told before it is committed; what comes after it is not."""
    await store.database.write(lambda _: None)


async def draft_for(store: Store, agent: str = "a", room: str = "dm") -> Draft:
    view = await store.view(agent, room)
    return Draft.of(view.agent, view.blocks, at=T0)


def message(draft: Draft, text: str, room: str = "dm") -> Message:
    origin = Origin(room=room)
    return Message(seq=draft.seq(), role="user", text=text, at=T0, origin=origin, speaker="Ana")


def dump(conn: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, search words included."""
    tables = [
        row["name"]
        for row in conn.all("SELECT name FROM sqlite_schema WHERE type = 'table'")
        if not row["name"].endswith(("_terms", "_words"))
    ]
    return {
        name: sorted(map(tuple, conn.all(f"SELECT * FROM {name}")), key=repr) for name in tables
    }


# --- inbox ---------------------------------------------------------------------------------------


async def test_a_message_is_received_once(store: Store) -> None:
    assert await receive(store, "1") == "a"
    assert await receive(store, "1") is None
    assert await receive(store, "1", agent="b") == "b"
    claim = await claimed(store)
    assert [item.dedup for item in claim.items] == ["1"]
    draft = await draft_for(store)
    await store.commit(draft.change(claim=claim, done=True))
    assert await receive(store, "1") is None  # known even when it is done
    assert await store.open_count("a") == 0


async def test_what_waits_in_one_room_is_one_turn_in_order(store: Store) -> None:
    for dedup, room in [("1", "dm"), ("2", "club"), ("3", "dm"), ("4", "club"), ("5", "dm")]:
        await receive(store, dedup, room=room)
    taken = []
    while (claim := await store.claim("a", T0)) is not None:
        taken.append((claim.items[0].room, [item.dedup for item in claim.items]))
        draft = await draft_for(store)
        await store.commit(draft.change(claim=claim, done=True))
    assert taken == [("dm", ["1", "3", "5"]), ("club", ["2", "4"])]


async def test_a_turn_is_resumed_with_the_rows_that_it_began_with(store: Store) -> None:
    await receive(store, "1")
    await receive(store, "2")
    claim = await claimed(store)
    draft = await draft_for(store)
    await store.commit(draft.change(claim=claim))
    await receive(store, "3")
    assert await store.recover() == 2
    again = await claimed(store)
    assert [item.dedup for item in again.items] == ["1", "2"]
    assert (again.turn, again.step, again.attempts, again.failures) == (claim.turn, 1, 2, 1)
    draft = await draft_for(store)
    await store.commit(draft.change(claim=again, done=True))
    assert [item.dedup for item in (await claimed(store)).items] == ["3"]


async def test_a_turn_without_a_step_takes_what_came_meanwhile(store: Store) -> None:
    await receive(store, "1")
    await claimed(store)
    await receive(store, "2")
    await store.recover()
    claim = await claimed(store)
    assert [item.dedup for item in claim.items] == ["1", "2"]
    draft = await draft_for(store)
    await store.commit(draft.change(claim=claim, done=True))
    assert await store.open_count("a") == 0


async def test_a_turn_that_waits_holds_its_agent_back(store: Store) -> None:
    await receive(store, "1")
    claim = await claimed(store)
    later = T0 + timedelta(seconds=5)
    notice = Reply(key="delayed:1", target={}, text="wait")
    await store.postpone(claim, later, "away", notice=notice)
    await receive(store, "2", room="club")
    assert await store.claim("a", T0) is None
    assert await store.waiting() == [("a", later)]
    again = await store.claim("a", later)
    assert again is not None
    await store.postpone(again, later, "away", notice=notice)
    assert [reply.text for reply in await store.unsent("a")] == ["wait"]  # once


async def test_a_batch_has_an_end(store: Store) -> None:
    for n in range(53):
        await receive(store, f"{n}")
    claim = await claimed(store)
    draft = await draft_for(store)
    await store.commit(draft.change(claim=claim, done=True))
    rest = await claimed(store)
    assert (len(claim.items), [item.dedup for item in rest.items]) == (50, ["50", "51", "52"])


# --- commit --------------------------------------------------------------------------------------


async def test_a_lost_claim_writes_nothing(store: Store, database: SqliteDatabase) -> None:
    await receive(store, "1")
    lost = await claimed(store)
    await store.recover()
    held = await claimed(store)
    await settled(store)
    before = await database.read(dump)
    draft = await draft_for(store)
    draft.messages.append(message(draft, "too late"))
    with pytest.raises(Conflict, match="taken over"):
        await store.commit(draft.change(claim=lost, done=True))
    await store.postpone(lost, T0, "late")
    assert await database.read(dump) == before
    await store.commit((await draft_for(store)).change(claim=held, done=True))


async def test_a_change_made_on_old_memory_is_a_conflict(store: Store) -> None:
    await store.ensure(birth("a"))
    first, second = await draft_for(store), await draft_for(store)
    first.append("human", "likes tea")
    second.append("human", "likes coffee")
    await store.commit(first.change())
    with pytest.raises(Conflict):
        await store.commit(second.change())
    assert [block.text for block in await store.blocks("a")][1] == "likes tea"


async def full_change(store: Store) -> tuple[Draft, Claim]:
    await receive(store, "1")
    claim = await claimed(store)
    await settled(store)
    draft = await draft_for(store)
    draft.messages.append(message(draft, "hello"))
    draft.append("human", "likes tea")
    draft.insert("met Bo", ["event"])
    draft.summary = Summary(room="dm", upto=1, text="before")
    draft.replies.append(Reply(key="1:0:0", target={}, text="hi"))
    draft.used.add(draft.blocks["human"].facts[0].seq)
    return draft, claim


class Breaking(Relay):
    """A database whose connection breaks at the n-th statement of a piece of work."""

    def __init__(self, database: Database, nth: int) -> None:
        super().__init__(database)
        self._left = nth

    async def write(self, work: Callable[[Connection], T], /, *, early: bool = False) -> T:
        def counted(conn: Connection) -> T:
            self._conn = conn
            return work(self)

        return await super().write(counted, early=early)

    def _count(self) -> None:
        self._left -= 1
        if not self._left:
            raise sqlite3.OperationalError("disk I/O error")

    def execute(self, sql: str, /, **params: Any) -> int:
        self._count()
        return self._conn.execute(sql, **params)

    def many(self, sql: str, rows: Sequence[Mapping[str, Any]], /) -> None:
        self._count()
        self._conn.many(sql, rows)

    def one(self, sql: str, /, **params: Any) -> Row | None:
        self._count()
        return self._conn.one(sql, **params)

    def all(self, sql: str, /, **params: Any) -> list[Row]:
        self._count()
        return self._conn.all(sql, **params)


async def test_a_change_is_written_whole_or_not_at_all(
    store: Store, database: SqliteDatabase
) -> None:
    draft, claim = await full_change(store)
    change = draft.change(claim=claim, done=True)
    before = await database.read(dump)
    for nth in range(1, 100):
        try:
            await Store(Breaking(database, nth)).commit(change)
        except StorageFault:
            assert await database.read(dump) == before
        else:
            break
    assert nth > 15
    changed = {name for name, rows in (await database.read(dump)).items() if rows != before[name]}
    wanted = {"agents", "messages", "facts", "passages", "journal", "summaries", "outbox", "inbox"}
    assert wanted <= changed


async def test_a_reply_is_added_once(store: Store) -> None:
    for _ in range(2):
        await store.ensure(birth("a"))
        draft = await draft_for(store)
        draft.replies.append(Reply(key="1:0:0", target={"x": "你"}, text="hi"))
        await store.commit(draft.change())
    (reply,) = await store.unsent("a")
    assert (reply.key, reply.target) == ("1:0:0", {"x": "你"})
    assert await store.replies_of("a", 1) == [reply]
    await store.sent(reply, "receipt")
    assert await store.unsent("a") == []
    assert await store.with_unsent() == []


# --- whose it is ---------------------------------------------------------------------------------

OTHER = Outgoing(agent="nobody", id=1, key="1:0:0", target={}, text="")
LOST = Claim(agent="nobody", turn=1, step=0, attempts=1, items=())
FOREIGN: dict[str, Callable[[Store], Awaitable[object]]] = {
    "agent": lambda store: store.agent("nobody"),
    "named": lambda store: store.named("nobody"),
    "delete": lambda store: store.delete("nobody"),
    "add_block": lambda store: store.add_block("nobody", Block(label="x", limit=1)),
    "claim": lambda store: store.claim("nobody", T0),
    "postpone": lambda store: store.postpone(LOST, T0, ""),
    "open_count": lambda store: store.open_count("nobody"),
    "state_of": lambda store: store.state_of("nobody", "1"),
    "replies_of": lambda store: store.replies_of("nobody", 1),
    "view": lambda store: store.view("nobody", "dm"),
    "viewer": lambda store: store.viewer("nobody", Origin()),
    "left": lambda store: store.left("nobody", "ana"),
    "asked": lambda store: store.asked("nobody", 1),
    "answer": lambda store: store.answer("nobody", 1, ["ana"]),
    "private": lambda store: store.private(Viewer(agent="nobody", kind="room"), "likes tea"),
    "edit": lambda store: store.edit("nobody", lambda draft: draft.insert("x"), actor="x"),
    "undo": lambda store: store.undo("nobody", 1, actor="x"),
    "blocks": lambda store: store.blocks("nobody"),
    "as_of": lambda store: store.as_of("nobody", T0),
    "known": lambda store: store.known("nobody", T0),
    "usage": lambda store: store.usage("nobody", T0),
    "fact": lambda store: store.fact("nobody", 2),
    "history": lambda store: store.history("nobody", 0, 10),
    "standing": lambda store: store.standing("nobody", "dm"),
    "configure": lambda store: store.configure("nobody", {"mode": "off"}),
    "unsent": lambda store: store.unsent("nobody"),
    "sent": lambda store: store.sent(OTHER, "x"),
    "unsendable": lambda store: store.unsendable(OTHER, final=True),
    "commit": lambda store: store.commit(Change(agent="nobody", version=0, last_seq=1)),
}
WIDE = {
    "accounts",
    "say",
    "unasked",
    "change",
    "agents",
    "close",
    "channels",
    "database",
    "due",
    "ensure",
    "forget_person",
    "homes",
    "last_received",
    "meet",
    "put_heartbeats",
    "receive",
    "recover",
    "waiting",
    "with_unsent",
}


def test_every_verb_is_tried() -> None:
    verbs = {name for name in vars(Store) if not name.startswith("_")}
    assert verbs - WIDE == FOREIGN.keys()


@pytest.mark.parametrize("verb", FOREIGN)
async def test_no_verb_reaches_another_agent(
    store: Store, database: SqliteDatabase, verb: str
) -> None:
    draft, claim = await full_change(store)
    await store.commit(draft.change(claim=claim))
    before = await database.read(dump)
    with suppress(NotFound):
        assert not await FOREIGN[verb](store)
    assert await database.read(dump) == before


# --- delete --------------------------------------------------------------------------------------


def found(number: int, word: str, conn: Connection) -> int:
    shelves: tuple[Shelf, ...] = ("messages", "passages")
    return sum(len(reads.by_words(conn, kind, number, query_terms(word), 100)) for kind in shelves)


def vector_of(agent: str, seq: int) -> Callable[[Connection], None]:
    return lambda conn: shelf.put_vectors(conn, "messages", agent, "hashing", {seq: b"1234"})


async def test_delete_leaves_no_trace_and_harms_nobody(
    store: Store, database: SqliteDatabase
) -> None:
    numbers = {}
    for agent in ("b", "a", "c"):
        await receive(store, "1", agent=agent)
        claim = await claimed(store, agent)
        draft = await draft_for(store, agent)
        draft.messages.append(message(draft, "晚饭 dinner with Bo"))
        draft.insert("dinner 晚饭 was late", ["evening"])
        draft.append("human", "likes dinner")
        draft.summary = Summary(room="dm", upto=1, text="before")
        draft.replies.append(Reply(key="1:0:0", target={}, text="hi"))
        await store.commit(draft.change(claim=claim))
        seq = draft.messages[0].seq
        await database.write(vector_of(agent, seq))
        numbers[agent] = (await store.agent(agent)).number
    await store.delete("a")
    await database.write(vector_of("a", 5))  # a vector that was on its way
    rows = await database.read(dump)
    mine = {name: [row for row in table if row[0] == "a"] for name, table in rows.items()}
    assert {name for name, table in mine.items() if table} == set()
    for word in ("dinner", "晚饭"):
        hits = [await database.read(partial(found, n, word)) for n in numbers.values()]
        assert hits == [2, 0, 2]
    assert {len(rows[f"{kind}_words_docsize"]) for kind in ("messages", "passages")} == {2}
    with pytest.raises(NotFound):
        await store.agent("a")
    assert await receive(store, "1", agent="a") == "a"  # a new life
    assert (await store.view("a", "dm")).history == ()
