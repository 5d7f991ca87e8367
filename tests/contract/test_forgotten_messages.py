"""A message that is forgotten: its rows, and every place where its words stood."""

from datetime import UTC, datetime, timedelta

import pytest

from memory import changes, heartbeats, insight, recall, snapshot, unsaid
from memory.audience import operator
from memory.database.sqlite import SqliteDatabase
from memory.draft import Draft
from memory.errors import Conflict, NotFound
from memory.forget.retention import Retention
from memory.policy import Rules
from memory.ports import Connection
from memory.shelf import FINDABLE
from memory.snapshot import export, restore
from memory.store import Store
from memory.types import Birth, Message, Origin, Summary, Viewer

T0 = datetime(2026, 1, 31, 12, tzinfo=UTC)
ROOM = "slack/T/C"
TALK = {
    "en": ("We met at noon", "The walrus owes me a boat", "Really?", "So it says", "Fine"),
    "zh": ("我们中午见过", "海象欠我一条船", "真的吗", "它是这么说的", "好吧"),
}
EACH = pytest.mark.parametrize("talk", TALK.values(), ids=TALK)
Rows = dict[str, list[tuple[object, ...]]]
# What an undo leaves behind, and what the queue makes anew.
APART = ("journal", "agents", "embed_queue", "index_state", "vectors", "leftovers")


def origin(person: str = "ana", source: int | None = None) -> Origin:
    return Origin(audience="room", person=person, room=ROOM, workspace="slack/T", source=source)


async def told(store: Store, talk: tuple[str, ...], turn: int = 1) -> list[int]:
    """Ana and Bo talk; the second message became a fact and a passage. The numbers of what was
    said."""
    await store.ensure(Birth(id="a", name="a", kind="named", persona="I am."))

    def work(draft: Draft) -> list[int]:
        for n, text in enumerate(talk):
            at = T0 + timedelta(minutes=n)
            who = ("Bo", "Ana")[n % 2]
            draft.messages.append(
                Message(
                    seq=draft.seq(), role="user", text=text, at=at, speaker=who, turn=turn,
                    origin=origin(who.lower()), event=f"slack:{n}",
                )
            )  # fmt: skip
        seqs = [message.seq for message in draft.messages]
        draft.origin = origin(source=seqs[1])
        draft.append("human", talk[1])
        draft.insert(talk[1])
        draft.summary = Summary(room=ROOM, upto=seqs[1], text="noon", audience="room")
        return seqs

    return await store.edit("a", work, actor="agent")


async def forget(store: Store, seq: int) -> None:
    message, learned = await store.database.read(
        lambda conn: (recall.get(conn, "a", [seq])[seq], insight.learned(conn, "a", seq))
    )
    await store.edit(
        "a", lambda draft: unsaid.forget(draft, message, learned), actor="person",
        viewer=operator("a"),
    )  # fmt: skip


def words(conn: Connection) -> list[tuple[object, ...]]:
    """Every word that a message is found by: which, in which column, of which row."""
    conn.execute(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.each USING fts5vocab(main, messages_words,"
        " instance)"
    )
    return sorted(map(tuple, conn.all("SELECT term, doc % 4294967296, col FROM temp.each")))


def kept(conn: Connection) -> Rows:
    tables = conn.all(
        "SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE TABLE %' AND name NOT LIKE"
        " '%_words%'"
    )
    names = [row["name"] for row in tables if row["name"] not in APART]
    rows: Rows = {
        name: sorted(map(tuple, conn.all(f"SELECT * FROM {name}")), key=repr) for name in names
    }
    return {**rows, "words": words(conn)}


@EACH
async def test_its_words_are_nowhere_and_all_is_as_it_was(
    store: Store, talk: tuple[str, ...]
) -> None:
    seqs = await told(store, talk)
    before = await store.database.write(kept)
    own, near = ({row for row in before["words"] if row[2] == col} for col in ("own", "near"))
    hers = {term for term, doc, _ in own if doc == seqs[1]}
    beside = {doc for term, doc, _ in near if term in hers - {"ana"}}
    assert {seqs[2], seqs[3]} <= beside
    await forget(store, seqs[1])
    after = await store.database.write(kept)
    others = {term for term, doc, _ in own if doc != seqs[1]}
    assert hers - others
    assert not (hers - others) & {row[0] for row in after["words"]}
    assert {doc for _, doc, _ in after["words"]} == set(seqs) - {seqs[1]}
    entry, *_ = await store.history("a", 0, 1)
    assert talk[1] in entry.summary  # of the fact and the passage
    assert [fact.text for block in await store.blocks("a") for fact in block.facts] == ["I am."]
    await store.undo("a", None, actor="person")
    assert before["summaries"]  # was made of it, and is made again
    assert await store.database.write(kept) == {**before, "summaries": []}
    queued = await store.database.read(
        lambda conn: [row["seq"] for row in conn.all("SELECT seq FROM embed_queue")]
    )
    assert seqs[1] in queued


@EACH
async def test_a_heartbeat_does_not_read_it(store: Store, talk: tuple[str, ...]) -> None:
    seqs = await told(store, talk)
    await forget(store, seqs[1])
    known = await store.database.read(lambda conn: heartbeats.known(conn, "a", T0))
    assert [row.seq for row in known.said] == [seqs[0], *seqs[2:]]


@EACH
async def test_the_turn_that_is_at_work_goes_on_without_its_words(
    store: Store, talk: tuple[str, ...]
) -> None:
    seqs = await told(store, talk, turn=7)
    await store.database.write(lambda conn: _at_work(conn, 7))
    await forget(store, seqs[1])
    history = (await store.view("a", ROOM, origin())).history
    assert [row.text for row in history] == [talk[0], "", *talk[2:]]
    await store.database.write(lambda conn: conn.execute("DELETE FROM inbox"))
    history = (await store.view("a", ROOM, origin())).history
    assert [row.seq for row in history] == [seqs[0], *seqs[2:]]


def _at_work(conn: Connection, turn: int) -> None:
    conn.execute(
        "INSERT INTO inbox(agent_id, id, kind, dedup, room, channel, payload, state, turn,"
        " ready_at, at) VALUES('a', :turn, 'message', 'x', '', '', '{}', 'running', :turn, 0, 0)",
        turn=turn,
    )


@EACH
async def test_what_the_agent_quoted_of_it_goes_along(store: Store, talk: tuple[str, ...]) -> None:
    seqs = await told(store, talk)

    def answer(draft: Draft) -> None:
        for text in (f"“{talk[1]}”, you said", "No idea 不知道"):
            draft.messages.append(
                Message(seq=draft.seq(), role="assistant", text=text, at=T0, origin=origin())
            )

    await store.edit("a", answer, actor="agent")
    before = (await store.view("a", ROOM, origin())).history
    await forget(store, seqs[1])
    history = (await store.view("a", ROOM, origin())).history
    assert [row.text for row in history if row.role != "user"] == ["No idea 不知道"]
    await store.undo("a", None, actor="person")
    after = (await store.view("a", ROOM, origin())).history  # its summary is to be made again
    assert after[2:] == before


# --- for good ------------------------------------------------------------------------------------


@EACH
async def test_past_its_days_no_word_of_it_is_left_and_it_cannot_come_back(
    store: Store, talk: tuple[str, ...]
) -> None:
    seqs = await told(store, talk)
    await forget(store, seqs[3])
    await Retention(store.database, Rules(person=0, room=30)).sweep(T0 + timedelta(days=60))
    everything = await store.database.write(lambda conn: repr(conn.all("SELECT * FROM journal")))
    assert talk[3] not in everything
    with pytest.raises(NotFound, match=f"message #{seqs[3]} is no longer kept"):
        await store.undo("a", None, actor="person")


@EACH
async def test_whoever_is_forgotten_leaves_no_trace_of_it(
    store: Store, talk: tuple[str, ...]
) -> None:
    seqs = await told(store, talk)
    await forget(store, seqs[1])
    await forget(store, seqs[0])
    await store.forget_person("ana", at=T0 + timedelta(days=1))
    rows = await store.database.write(
        lambda conn: [dict(row) for row in conn.all("SELECT * FROM journal")]
    )
    assert "ana" not in str(rows)
    assert talk[1] not in str(rows)
    assert [row["summary"] for row in rows if row["action"] == "forget"] == [
        f"- message #{seqs[0]}"
    ]


@EACH
async def test_a_file_has_it_as_it_was(
    store: Store, database: SqliteDatabase, talk: tuple[str, ...]
) -> None:
    seqs = await told(store, talk)
    await forget(store, seqs[1])
    text = await export(database, "a")
    agent = await restore(database, text, name="Ada", progress=lambda *_: None)
    there = await database.read(lambda conn: recall.get(conn, agent.id, seqs))
    assert [row.forgotten for row in there.values()] == [False, True, False, False, False]
    await store.undo(agent.id, None, actor="person")
    history = (await store.view(agent.id, ROOM, origin())).history
    assert [row.text for row in history] == list(talk)


@pytest.mark.parametrize("who", ["ana", "bo"])
async def test_an_export_has_it_for_whoever_may_bring_it_back(store: Store, who: str) -> None:
    seqs = await told(store, TALK["zh"])
    await forget(store, seqs[1])
    viewer = Viewer(agent="a", kind="room", person=who, channel=ROOM)
    taken = await store.database.read(lambda conn: snapshot.take(conn, changes.require(conn, "a")))
    seen = snapshot.seen_by(viewer, taken)
    assert (seqs[1] in [row.seq for row in seen.messages]) is (who == "ana")


async def test_an_old_draft_is_refused(store: Store) -> None:
    seqs = await told(store, TALK["en"])
    view = await store.view("a", ROOM, origin())
    draft = Draft.of(view.agent, view.blocks)
    draft.append("human", "likes tea")
    await forget(store, seqs[0])
    with pytest.raises(Conflict):
        await store.commit(draft.change())


async def test_no_row_is_looked_at_for_what_was_not_forgotten(store: Store) -> None:
    """Rows of a search are judged one by one: each by an index of the few that are forgotten."""
    rows = await store.database.read(
        lambda conn: conn.all(
            f"EXPLAIN QUERY PLAN SELECT 1 FROM messages AS t WHERE t.agent_id = 'a'"
            f" AND {FINDABLE['messages']}"
        )
    )
    steps = [row["detail"] for row in rows if row["detail"].startswith("SEARCH ")]
    inner = [step for step in steps if not step.startswith("SEARCH t ")]
    assert len(inner) == 3
    assert all("facts_removed" in step or "messages_forgotten" in step for step in inner)
