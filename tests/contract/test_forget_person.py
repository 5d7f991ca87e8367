"""Forgetting a person: while they are being answered, when old news comes again, and by halves."""

import json
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bot.testing.fakes import Relay
from memory import agents, archive, core, journal, recall
from memory.database.sqlite import SqliteDatabase
from memory.draft import Draft
from memory.errors import Conflict, NotFound, StorageFault
from memory.forget.erase import Receipt
from memory.ports import Connection
from memory.search.hybrid import Search
from memory.store import Store
from memory.types import Birth, Claim, Identity, Message, Origin, Reply

T = TypeVar("T")
T0 = datetime(2026, 1, 31, 12, tzinfo=UTC)
ANA = Identity(platform="slack", space="T1", user="UANA", name="Ana")
BEN = Identity(platform="slack", space="T1", user="UBEN", name="陈本")
ROOM = Birth(id="room", name="#general", kind="room", persona="I am here.")
CHANNEL = "slack/T1/C1"


def account(identity: Identity) -> str:
    return agents.identity_id(identity.platform, identity.space, identity.user)


def own(identity: Identity) -> Birth:
    return Birth(id=account(identity), name=identity.name, kind="person", persona="I am me.")


def at(seconds: int) -> datetime:
    return T0 + timedelta(seconds=seconds)


async def hear(
    store: Store, who: Identity, dedup: str, birth: Birth = ROOM, *, seconds: int = 0
) -> str | None:
    return await store.receive(
        birth, who, dedup=dedup, room=CHANNEL, at=at(seconds),
        payload={"text": f"{who.name} 说 {dedup}", "speaker": who.name},
    )  # fmt: skip


async def begun(store: Store, agent: str = "room") -> tuple[Claim, Draft]:
    """The agent's next turn, with what was said in its draft."""
    claim = await store.claim(agent, at(100))
    assert claim
    view = await store.view(agent, CHANNEL)
    draft = Draft.of(view.agent, view.blocks, at=T0)
    for item in claim.items if claim.step == 0 else ():
        draft.messages.append(
            Message(
                seq=draft.seq(), role="user", text=item.payload["text"], at=item.at,
                turn=claim.turn,
                origin=Origin(person=item.payload["person"], room=item.room), event=item.dedup,
            )
        )  # fmt: skip
    return claim, draft


def speak(claim: Claim, draft: Draft, text: str) -> None:
    draft.messages.append(
        Message(
            seq=draft.seq(), role="assistant", text=text, at=T0, origin=Origin(room=CHANNEL),
            turn=claim.turn, step=claim.step,
        )
    )  # fmt: skip
    draft.replies.append(Reply(key=f"{claim.turn}:{claim.step}:0", target={}, text=text))


async def step(store: Store, text: str, *, done: bool = True, agent: str = "room") -> Claim:
    claim, draft = await begun(store, agent)
    speak(claim, draft, text)
    await store.commit(draft.change(claim=claim, done=done))
    return replace(claim, step=claim.step + 1)


async def forget(store: Store, who: Identity = ANA, *, seconds: int = 50) -> Receipt:
    return await store.forget_person(account(who), at=at(seconds))


async def said(store: Store, agent: str = "room") -> list[tuple[str, str, int]]:
    rows = await store.database.read(lambda conn: recall.page(conn, agent))
    return [(row.role, row.text, row.turn) for row in rows]


async def learn(store: Store, who: Identity, work: Callable[[Draft], T]) -> T:
    return await store.edit("room", work, actor="person", origin=Origin(person=account(who)))


# --- somebody is being answered ------------------------------------------------------------------


async def test_a_shared_turn_goes_on_without_the_person(store: Store) -> None:
    await hear(store, ANA, "a")
    await hear(store, BEN, "b")
    await hear(store, BEN, "c")
    claim = await step(store, "Ana said a", done=False)
    await store.sent((await store.unsent("room"))[0], "ok")
    view = await store.view("room", CHANNEL)
    draft = Draft.of(view.agent, view.blocks, at=T0)
    speak(claim, draft, "Ana said a, once more")

    receipt = await forget(store)

    assert (receipt.messages, receipt.waiting, receipt.agents) == (2, 2, 0)
    with pytest.raises(Conflict):
        await store.commit(draft.change(claim=claim, done=True))
    again = await store.view("room", CHANNEL)
    draft = Draft.of(again.agent, again.blocks, at=T0)
    with pytest.raises(Conflict):  # the claim is lost, not only the version
        await store.commit(draft.change(claim=claim, done=True))
    await store.postpone(claim, at(999), "Conflict", failed=True)
    resumed, draft = await begun(store)
    assert [item.dedup for item in resumed.items] == ["b", "c"]
    assert (resumed.turn, resumed.step) == (2, 1)
    assert await said(store) == [("user", "陈本 说 b", 2), ("user", "陈本 说 c", 2)]
    speak(resumed, draft, "hello Ben")
    await store.commit(draft.change(claim=resumed, done=True))
    assert [reply.key for reply in await store.unsent("room")] == ["2:1:0"]
    assert await store.claim("room", at(100)) is None


async def test_a_draft_that_has_read_their_words_is_refused(store: Store) -> None:
    await hear(store, ANA, "a")
    await step(store, "Ana said a")
    await hear(store, BEN, "b")
    claim, draft = await begun(store)
    speak(claim, draft, "Ana said a")
    await forget(store)
    with pytest.raises(Conflict):
        await store.commit(draft.change(claim=claim, done=True))
    claim, draft = await begun(store)
    assert claim.items[0].dedup == "b"
    await store.commit(draft.change(claim=claim, done=True))
    assert await said(store) == [("user", "陈本 说 b", 2)]


async def test_the_turn_of_an_agent_that_is_gone_writes_nothing(
    store: Store, database: SqliteDatabase
) -> None:
    await hear(store, ANA, "a", own(ANA))
    claim, draft = await begun(store, account(ANA))
    speak(claim, draft, "Ana said a")
    receipt = await forget(store)
    assert (receipt.gone, receipt.waiting) == ((account(ANA),), 1)
    with pytest.raises(NotFound):
        await store.commit(draft.change(claim=claim, done=True))
    notice = Reply(key="delayed:1", target={"address": "DM of Ana"}, text="I am late")
    await store.postpone(claim, at(999), "away", notice=notice)
    await hear(store, ANA, "z", own(ANA), seconds=60)
    with pytest.raises(Conflict):
        await store.commit(draft.change(claim=claim, done=True))
    assert await database.read(lambda conn: conn.all("SELECT * FROM outbox")) == []
    assert await said(store, account(ANA)) == []


# --- old news, and a new beginning ----------------------------------------------------------------


async def test_what_was_said_before_is_not_heard_again(store: Store) -> None:
    await hear(store, ANA, "dm", own(ANA), seconds=10)
    await step(store, "hi", agent=account(ANA))
    await hear(store, ANA, "a", seconds=20)
    await forget(store, seconds=50)
    for again in ("a", "missed"):
        assert await hear(store, ANA, again, seconds=20) is None
    assert await hear(store, ANA, "dm", own(ANA), seconds=50) is None
    with pytest.raises(NotFound):
        await store.agent(account(ANA))
    assert await store.open_count("room") == 0
    assert await hear(store, BEN, "b", seconds=20) == "room"


async def test_whoever_comes_back_is_somebody_new(store: Store) -> None:
    await hear(store, ANA, "dm", own(ANA))
    await step(store, "hi", agent=account(ANA))
    await store.edit(account(ANA), lambda draft: draft.append("human", "爱喝茶"), actor="person")
    await forget(store)
    assert await hear(store, ANA, "new", own(ANA), seconds=51) == account(ANA)
    assert await said(store, account(ANA)) == []
    assert [block.text for block in await store.blocks(account(ANA))] == ["I am me.", ""]
    claim = await step(store, "hello", agent=account(ANA))
    assert claim.turn == 2  # or the platform would take this reply for the one of the first turn
    assert [(reply.id, reply.key) for reply in await store.unsent(account(ANA))] == [(2, "2:0:0")]
    assert (await forget(store, seconds=40)).agents == 1
    assert await hear(store, ANA, "again", own(ANA), seconds=45) is None  # the later time counts


async def test_nobody_leaves_nothing(store: Store) -> None:
    await hear(store, BEN, "b")
    before = await store.view("room", CHANNEL)
    receipt = await store.forget_person("nobody", at=T0)
    assert receipt == Receipt(
        agents=0, facts=0, passages=0, messages=0, changes=0, summaries=0, timers=0, waiting=0
    )
    assert await store.view("room", CHANNEL) == before


# --- in other agents ------------------------------------------------------------------------------


async def test_others_keep_what_is_theirs(store: Store, database: SqliteDatabase) -> None:
    for who in (ANA, BEN):
        await hear(store, who, who.user)
        await step(store, "ok")
    ben = f"human:{BEN.name}"
    await learn(store, BEN, lambda draft: draft.append(ben, "Ben likes tea"))
    await learn(store, ANA, lambda draft: draft.replace(ben, "tea", "coffee"))
    await learn(store, BEN, lambda draft: draft.append("human:Ana", "Ana is tall"))
    await learn(store, BEN, lambda draft: draft.append("room", "本周五聚会", action="add"))

    receipt = await forget(store)

    assert (receipt.facts, receipt.changes, receipt.rooms) == (2, 2, ("room",))
    facts = await database.read(lambda conn: core.all_facts(conn, "room"))
    assert [(fact.text, fact.state, fact.superseded_by) for fact in facts] == [
        ("I am here.", "active", None),
        ("Ben likes tea", "superseded", None),
        ("本周五聚会", "active", None),
    ]
    assert [block.label for block in await store.blocks("room")] == ["persona", "room", ben]
    assert [entry.action for entry in await store.history("room", 0, 9)] == [
        "add", "core_memory_append", "create", "create",
    ]  # fmt: skip
    assert (await store.undo("room", None, actor="person")).action == "add"


async def test_what_was_put_away_from_their_block_goes_too(
    store: Store, database: SqliteDatabase
) -> None:
    await hear(store, ANA, "a")
    for number in range(4):
        append = partial(Draft.append, label="human:Ana", content=f"Ana {number} " + "x" * 1500)
        await learn(store, BEN, append)
    passages = await database.read(lambda conn: archive.page(conn, "room"))
    assert {passage.origin.person for passage in passages} == {account(BEN)}
    receipt = await forget(store)
    assert (receipt.facts, receipt.passages) == (4, len(passages))
    assert await database.read(lambda conn: archive.page(conn, "room")) == []


async def test_a_removed_passage_is_not_kept_by_the_journal(
    store: Store, database: SqliteDatabase
) -> None:
    await hear(store, ANA, "a")
    await learn(store, ANA, lambda draft: draft.insert("a secret of Ana"))
    (passage,) = await database.read(lambda conn: archive.page(conn, "room"))
    await learn(store, BEN, lambda draft: draft.remove(passage, action="forget"))
    await store.undo("room", None, actor="person")
    await forget(store)
    entries = await database.read(lambda conn: journal.page(conn, "room"))
    assert {entry.action for entry in entries} == {"create"}


async def test_edits_and_timers_of_theirs_wait_no_longer(
    store: Store, database: SqliteDatabase
) -> None:
    for who in (ANA, BEN):
        await hear(store, who, who.user)
    await step(store, "ok")
    for who in (ANA, BEN):
        assert await store.change(CHANNEL, who.user, f"{who.name} changed", at(30)) == "room"
    await database.write(timers)
    receipt = await forget(store)
    assert (receipt.timers, await store.open_count("room")) == (1, 1)
    claim = await store.claim("room", at(100))
    assert claim
    assert [item.payload["event"] for item in claim.items] == [BEN.user]
    left = await database.read(lambda conn: conn.all("SELECT name FROM timers"))
    assert [row["name"] for row in left] == ["1"]


def timers(conn: Connection) -> None:
    for name, who in enumerate((ANA, BEN)):
        conn.execute(
            "INSERT INTO timers(agent_id, name, due_at, payload) VALUES('room', :name, 1, :json)",
            name=str(name),
            json=json.dumps({"person": account(who)}),
        )


# --- the bytes ------------------------------------------------------------------------------------


class Refusing(Relay):
    """A database that cannot be scrubbed, as where the disk is full."""

    async def scrub(self) -> bool:
        raise StorageFault("The disk is full.")

    async def close(self) -> None: ...


async def test_what_could_not_be_swept_is_swept_later(
    store: Store, database: SqliteDatabase, tmp_path: Path
) -> None:
    await hear(store, ANA, "zyxwombat")
    await forget(store)
    path = tmp_path / "reverie.db"
    assert not await Search(Refusing(database), None, tmp_path / "index").sweep()
    search = Search(database, None, tmp_path / "index")
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM agents").fetchone() == (1,)
        assert not await search.sweep()
    assert b"zyxwombat" in everything(path)
    assert await search.sweep()
    assert b"zyxwombat" not in everything(path)
    assert await hear(store, BEN, "b") == "room"  # the writer goes on
    assert await search.sweep()  # there is nothing to do


def everything(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


async def test_scrubbing_leaves_nothing_where_secure_delete_does(
    database: SqliteDatabase, tmp_path: Path
) -> None:
    """Rows of many agents in one table, of every length, so that its pages part again and again."""
    await database.write(crowded)
    assert await database.read(lambda conn: conn.all("SELECT * FROM crowd WHERE secret")) == []
    with closing(sqlite3.connect(tmp_path / "reverie.db")) as raw:
        assert raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
    assert b"zyxwombat" in everything(tmp_path / "reverie.db")
    assert await database.scrub()
    content = everything(tmp_path / "reverie.db")
    assert b"zyxwombat" not in content
    assert content.count(b"kept") > 1000


def crowded(conn: Connection) -> None:
    conn.execute("PRAGMA secure_delete=ON")
    conn.execute(
        "CREATE TABLE crowd(agent_id TEXT, seq INTEGER, secret INTEGER, text TEXT,"
        " PRIMARY KEY(agent_id, seq)) WITHOUT ROWID"
    )
    dice = random.Random(1)
    rows: list[dict[str, Any]] = [
        {
            "agent": f"{dice.randrange(12)}",
            "seq": seq,
            "secret": int(dice.random() < 0.3),
            "more": "x" * int(dice.expovariate(1 / 200)),
        }
        for seq in range(4000)
    ]
    conn.many(
        "INSERT INTO crowd SELECT :agent, :seq, :secret,"
        " iif(:secret, 'zyxwombat', 'kept') || :more",
        rows,
    )
    conn.execute("DELETE FROM crowd WHERE secret")
