"""An agent as a file: it comes back the same, and a file that is not whole changes nothing."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import agents, core, queue, snapshot
from memory.births import ensure_agent
from memory.changes import undo
from memory.changes import write as write_change
from memory.database.sqlite import SqliteConnection, SqliteDatabase
from memory.draft import Draft
from memory.errors import BadInput, Conflict, MemoryFault, NotFound
from memory.forget import erase
from memory.ports import Connection
from memory.schema import MIGRATIONS
from memory.search import reads
from memory.store import Store, view
from memory.types import Birth, Block, Message, Origin, Shelf, Summary, ToolCall

T0 = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
BIRTH = Birth(
    id=agents.named_id("小明"), name="小明", kind="named", persona="I am 小明 👋.",
    settings={"tone": "warm", "nested": {"a": [1, 2.5, None, True]}},
)  # fmt: skip
TEXTS = st.text(st.sampled_from("ab 茶咖啡😀\n\"'<&é\u2028"), min_size=1, max_size=40)


def opened() -> SqliteConnection:
    raw = sqlite3.connect(":memory:")
    raw.executescript(MIGRATIONS[0])
    return SqliteConnection(raw)


def born() -> SqliteConnection:
    conn = opened()
    ensure_agent(conn, BIRTH)
    core.insert_block(conn, BIRTH.id, Block(label="紧", limit=60, description="a < b"), 2)
    return conn


def act(conn: Connection, verb: Callable[[Draft], object]) -> None:
    agent, _ = ensure_agent(conn, BIRTH)
    draft = Draft.of(agent, core.blocks(conn, BIRTH.id), at=T0)
    verb(draft)
    write_change(conn, draft.change())


def talk(text: str, turn: int = 1) -> Callable[[Draft], None]:
    """A step: a message, an answer with a tool call, what the tool said, and a summary."""

    def work(draft: Draft) -> None:
        origin = Origin(room="terminal/local/dm", person="p", source=None)
        call = ToolCall(id="c1", name="core_memory_append", arguments=f'{{"content": "{text}')
        rows = (
            {"role": "user", "speaker": "Ana", "event": "terminal:1"},
            {"role": "assistant", "thoughts": text[::-1], "calls": (call,)},
            {"role": "tool", "answers": "c1"},
        )
        draft.messages += [
            Message(
                seq=draft.seq(), text=text, at=T0 + timedelta(microseconds=1), origin=origin,
                turn=turn, step=n, **row,
            )  # type: ignore[arg-type]
            for n, row in enumerate(rows)
        ]  # fmt: skip
        draft.summary = Summary(room="terminal/local/dm", upto=1, text=text)

    return work


def take(conn: Connection, agent_id: str = BIRTH.id) -> snapshot.Snapshot:
    agent = agents.find(conn, agent_id)
    assert agent is not None
    return snapshot.take(conn, agent)


def grown() -> SqliteConnection:
    """An agent with some of everything."""
    conn = born()
    act(conn, talk("我叫张三,是一名Python开发者 👩‍💻"))
    act(conn, lambda draft: draft.append("human", "likes tea\n住在上海"))
    act(conn, lambda draft: draft.replace("human", "tea", "咖啡"))
    act(conn, lambda draft: draft.append("紧", "x" * 40))
    act(conn, lambda draft: draft.append("紧", "茶" * 40))
    act(conn, lambda draft: draft.insert("met Bo in 北京", ["event", "朋友"]))
    act(conn, lambda draft: draft.insert("a slip"))
    undo(conn, BIRTH.id, None, "person")
    act(conn, talk("how are you?", turn=7))
    return conn


WHOLE = take(grown())
DOCUMENT = snapshot.dump(WHOLE)


def restored() -> SqliteConnection:
    conn = opened()
    snapshot.write(conn, snapshot.load(DOCUMENT), lambda done, total: None)
    return conn


def signed(change: Callable[[dict[str, Any]], object]) -> str:
    """The document, changed by somebody who knows how checksums are made."""
    document = json.loads(DOCUMENT)
    change(document)
    document["checksum"] = snapshot._checksum(document)
    return json.dumps(document)


def rows(conn: Connection) -> dict[str, int]:
    counts = {}
    for table in conn.all("SELECT name FROM sqlite_schema WHERE type = 'table'"):
        row = conn.one(f"SELECT count(*) AS n FROM {table['name']}")
        counts[table["name"]] = row["n"] if row else 0
    return counts


# --- the same again ------------------------------------------------------------------------------


def test_the_document_is_for_people_too() -> None:
    assert "我叫张三,是一名Python开发者 👩‍💻" in DOCUMENT
    assert DOCUMENT.endswith("\n")
    assert len(DOCUMENT.splitlines()) > 100


def test_an_agent_comes_back_the_same() -> None:
    conn = restored()
    assert take(conn) == WHOLE
    assert snapshot.dump(take(conn)) == DOCUMENT
    states = {fact.state for fact in core.all_facts(conn, BIRTH.id)}
    assert states == {"active", "superseded", "archived"}


VERBS = st.one_of(
    st.builds(talk, TEXTS, st.integers(0, 9)),
    st.builds(lambda text: lambda draft: draft.append("human", text), TEXTS),
    st.builds(lambda text: lambda draft: draft.append("紧", text), TEXTS),
    st.builds(lambda text, tag: lambda draft: draft.insert(text, [tag]), TEXTS, TEXTS),
    st.builds(
        lambda text: lambda draft: draft.edit(draft.blocks["human"].facts[0], text, action="edit"),
        TEXTS,
    ),
    st.just(None),  # undo
)


@settings(max_examples=50, deadline=None)
@given(st.lists(VERBS, max_size=10))
def test_any_agent_comes_back_the_same(verbs: list[Callable[[Draft], object] | None]) -> None:
    conn = born()
    for verb in verbs:
        with suppress(MemoryFault, IndexError):
            if verb is None:
                undo(conn, BIRTH.id, None, "person")
            else:
                act(conn, verb)
    document = snapshot.dump(take(conn))
    other = opened()
    snapshot.write(other, snapshot.load(document), lambda done, total: None)
    assert take(other) == take(conn)
    assert core.blocks(other, BIRTH.id) == core.blocks(conn, BIRTH.id)


async def test_export_delete_import(database: SqliteDatabase, store: Store) -> None:
    seen: list[tuple[int, int]] = []
    agent = await snapshot.restore(
        database, DOCUMENT, name=None, progress=lambda *at: seen.append(at)
    )
    assert seen[-1][0] == seen[-1][1] > 10
    document = await snapshot.export(database, agent.id)
    assert document == DOCUMENT
    with pytest.raises(Conflict, match=r"'小明' already.*--name"):
        await snapshot.restore(database, DOCUMENT, name=None, progress=lambda *at: None)
    await store.delete(agent.id)
    with pytest.raises(NotFound):
        await snapshot.export(database, agent.id)
    await snapshot.restore(database, document, name=None, progress=lambda *at: None)
    assert await snapshot.export(database, agent.id) == DOCUMENT
    await store.undo(agent.id, None, actor="person")  # the journal still works


def found(conn: Connection, number: int, kind: Shelf, word: str) -> Sequence[int]:
    return [seq for seq, _ in reads.by_words(conn, kind, number, word, 10)]


def test_search_finds_what_was_imported() -> None:
    conn = grown()
    agent = agents.find(conn, BIRTH.id)
    assert agent is not None
    shelves: tuple[Shelf, ...] = ("messages", "passages")
    wanted = {
        (kind, word): found(conn, agent.number, kind, word)
        for kind in shelves
        for word in ("张三", "Python", "北京", "Bo", "朋友", "slip")
    }
    assert wanted["messages", "张三"]
    assert wanted["passages", "朋友"]
    assert not wanted["passages", "slip"]
    document = snapshot.dump(take(conn))
    erase.agent(conn, BIRTH.id)
    again = snapshot.write(conn, snapshot.load(document), lambda done, total: None)
    for (kind, word), seqs in wanted.items():
        assert found(conn, again.number, kind, word) == seqs


def test_under_a_new_name_it_is_another_agent() -> None:
    conn = restored()
    copy = snapshot.renamed(snapshot.load(DOCUMENT), "Zweite")
    agent = snapshot.write(conn, copy, lambda done, total: None)
    assert (agent.name, agent.id) == ("Zweite", agents.named_id("Zweite"))
    assert replace(take(conn, agent.id), agent=WHOLE.agent) == WHOLE
    erase.agent(conn, agent.id)
    assert take(conn) == WHOLE


def test_a_new_turn_is_not_taken_for_an_old_one() -> None:
    conn = restored()
    room = "terminal/local/dm"
    number = queue.put(
        conn, BIRTH.id, kind="message", dedup="9", room=room, payload={"text": "hi"}, at=T0
    )
    turns = {row.turn for row in view(conn, BIRTH.id, room, None).history}
    assert number == 8
    assert number not in turns


# --- damage --------------------------------------------------------------------------------------


@pytest.fixture
def refused(database: SqliteDatabase) -> "Callable[[str], Any]":
    async def check(document: str) -> str:
        before = await database.read(rows)
        with pytest.raises(BadInput) as caught:
            await snapshot.restore(database, document, name=None, progress=lambda *at: None)
        assert await database.read(rows) == before
        told = str(caught.value)
        assert told[0].isupper()
        assert told.endswith(".")
        assert len(told) < 300
        return told

    return check


async def test_a_torn_file_is_refused(refused: Callable[[str], Any]) -> None:
    ends = [0, 1, 2, len(DOCUMENT) - 2, *range(3, len(DOCUMENT) - 2, len(DOCUMENT) // 40)]
    for end in ends:
        assert "not a JSON file" in await refused(DOCUMENT[:end])


@pytest.mark.parametrize("old", ["张三", "Python", '"seq": 3', "superseded", "小明", "2026-01-31"])
async def test_a_changed_letter_is_noticed(refused: Callable[[str], Any], old: str) -> None:
    at = DOCUMENT.index(old) + len(old) - 1
    other = chr(ord(DOCUMENT[at]) + 1)
    assert "export" in await refused(DOCUMENT[:at] + other + DOCUMENT[at + 1 :])


@pytest.mark.parametrize(
    "document",
    ["null", "1", '"text"', "[]", "{}", '{"format": 1}', '{"format": "another"}', "[" * 100_000,
     "\ufeff{}", "NaN", '{"a": ' + "1" * 5000 + "}", "\x00", "🙂"],
    ids=lambda text: text[:12].encode("ascii", "replace").decode().replace("\0", "NUL"),
)  # fmt: skip
async def test_other_files_are_refused(refused: Callable[[str], Any], document: str) -> None:
    assert "This is not a" in await refused(document)


Changed = Callable[[dict[str, Any]], object]
CROOKED: dict[str, tuple[Changed, str]] = {
    "newer": (lambda d: d.update(version=2), "format version 2; this Reverie reads 1"),
    "no version": (lambda d: d.pop("version"), "format version None"),
    "a part is missing": (lambda d: d.pop("journal"), "journal: Field required"),
    "wrong type": (lambda d: d["facts"][0].update(seq="x"), "facts.0.seq"),
    "wrong state": (lambda d: d["facts"][0].update(state="gone"), "facts.0.state"),
    "two of one number": (
        lambda d: d["facts"][1].update(seq=d["facts"][0]["seq"]), "stands for two things",
    ),
    "number from nowhere": (lambda d: d["messages"][0].update(seq=10**6), "own count"),
    "number below one": (lambda d: d["messages"][0].update(seq=0), "own count"),
    "a count beyond all": (lambda d: d["agent"].update(last_seq=2**32), "count is too large"),
    "a huge number": (lambda d: d["messages"][0].update(turn=10**30), "too large"),
    "no such block": (lambda d: d["blocks"].pop(1), "a block 'human' that is missing"),
    "a block twice": (lambda d: d["blocks"].append(d["blocks"][0]), "two blocks have one label"),
    "no such heir": (
        lambda d: d["facts"][0].update(superseded_by=999), "refers to fact #999, which is missing",
    ),
    "too long": (lambda d: d["blocks"][1].update(limit=3), "'human' is longer than its limit"),
    "no such archive": (lambda d: d["archives"].clear(), "an archive 'main' that is missing"),
    "no such change": (lambda d: d["journal"][0].update(undone_by=999), "refers to change #999"),
    "NUL": (lambda d: d["messages"][0].update(text="a\0b"), "a text has a NUL character"),
    "NUL within": (lambda d: d["agent"]["settings"].update(x=["\0"]), "a NUL character"),
    "half a letter": (lambda d: d["messages"][0].update(text="\ud83d"), "not Unicode"),
    "no time zone": (lambda d: d["facts"][0].update(learned_at="2026-01-31T12:00:00"), "time zone"),
    "not a number": (lambda d: d["facts"][0].update(position=float("nan")), "nan is no number"),
}  # fmt: skip


@pytest.mark.parametrize("how", CROOKED)
async def test_a_crooked_file_is_refused(refused: Callable[[str], Any], how: str) -> None:
    change, told = CROOKED[how]
    if how == "half a letter":
        document = json.loads(DOCUMENT)
        change(document)
        assert told in await refused(json.dumps(document))
    else:
        assert told in await refused(signed(change))


async def test_a_wrong_checksum_is_refused(refused: Callable[[str], Any]) -> None:
    document = json.loads(DOCUMENT)
    for checksum in ("", None, 7, "0" * 64):
        document["checksum"] = checksum
        assert "export" in await refused(json.dumps(document))


async def test_a_whole_file_is_taken(database: SqliteDatabase) -> None:
    text = signed(lambda document: document)  # written differently, but the same
    agent = await snapshot.restore(database, text, name=None, progress=lambda *at: None)
    assert await snapshot.export(database, agent.id) == DOCUMENT
