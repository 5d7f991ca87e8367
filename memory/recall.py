"""Recall: every message of an agent, its words indexed, its vector queued."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from memory import audience, sessions, shelf
from memory.codec import dumps, loads, micros, moment, origin_columns, origin_of
from memory.ports import Connection, Row
from memory.sessions import REMEMBERED
from memory.types import Message, Remark, Summary, ToolCall, Viewer

Calls = tuple[ToolCall, ...]


def _message(row: Row) -> Message:
    return Message(
        seq=row["seq"],
        role=row["role"],
        text=row["text"],
        at=moment(row["at"]),
        origin=origin_of(row),
        speaker=row["speaker"],
        thoughts=row["thoughts"],
        calls=loads(Calls, row["calls"]) if row["calls"] else (),
        answers=row["answers"],
        turn=row["turn"],
        step=row["step"],
        event=row["event"],
        tainted=bool(row["tainted"]),
        fleeting=bool(row["fleeting"]),
        forgotten=bool(row["forgotten"]),
    )


def insert(conn: Connection, agent_id: str, number: int, message: Message) -> None:
    """Write a message; what was spoken is found by its words from now on."""
    before = sessions.before(conn, agent_id, message) if spoken(message) else []
    conn.execute(
        "INSERT INTO messages(agent_id, seq, role, text, at, audience, person, room, workspace,"
        " source, speaker, thoughts, calls, answers, turn, step, event, tainted, fleeting,"
        " forgotten, session) VALUES(:agent, :seq, :role, :text, :at, :audience, :person, :room,"
        " :workspace, :source, :speaker, :thoughts, :calls, :answers, :turn, :step, :event,"
        " :tainted, :fleeting, :forgotten, :session)",
        agent=agent_id,
        seq=message.seq,
        role=message.role,
        text=message.text,
        at=micros(message.at),
        **origin_columns(message.origin),
        speaker=message.speaker,
        thoughts=message.thoughts,
        calls=dumps(Calls, message.calls) if message.calls else "",
        answers=message.answers,
        turn=message.turn,
        step=message.step,
        event=message.event,
        tainted=int(message.tainted),
        fleeting=int(message.fleeting),
        forgotten=int(message.forgotten),
        session=before[0]["session"] if before else message.seq,
    )
    if spoken(message):
        shelf.put_words(conn, "messages", number, message.seq, searchable(message), _near(before))
        shelf.enqueue(conn, "messages", agent_id, message.seq)


def by_event(conn: Connection, agent_id: str, event: str) -> Message | None:
    """The message that a platform knows by this id."""
    row = conn.one(
        "SELECT * FROM messages WHERE agent_id = :agent AND event = :event ORDER BY seq LIMIT 1",
        agent=agent_id,
        event=event,
    )
    return _message(row) if row else None


def spoken(message: Message) -> bool:
    """Whether searches find it."""
    return told(message) and not message.forgotten


def told(message: Message) -> bool:
    """Whether it was said by or to somebody. Tools' answers and bare calls are not, nor is what was
    said while memory was paused."""
    said = message.role in ("user", "assistant") and bool(message.text)
    return said and not message.fleeting


def remark(message: Message) -> Remark:
    """The message as the journal has it."""
    return Remark(
        seq=message.seq, role=message.role, origin=message.origin, forgotten=message.forgotten
    )


def remove(conn: Connection, agent_id: str, number: int, seqs: Iterable[int]) -> int:
    """Remove messages with their words and vectors; how many there were."""
    gone = json.dumps(list(seqs))

    def work() -> int:
        return conn.execute(
            "DELETE FROM messages WHERE agent_id = :agent"
            " AND seq IN (SELECT value FROM json_each(:gone))",
            agent=agent_id,
            gone=gone,
        )

    return _reindexed(conn, agent_id, number, json.loads(gone), work)


def revise(conn: Connection, agent_id: str, number: int, message: Message) -> None:
    """Give a message another text, forget it, or have it back. A summary that was made from it is
    made again."""

    def work() -> int:
        return conn.execute(
            "UPDATE messages SET text = :text, forgotten = :forgotten"
            " WHERE agent_id = :agent AND seq = :seq",
            agent=agent_id,
            seq=message.seq,
            text=message.text,
            forgotten=int(message.forgotten),
        )

    if not _reindexed(conn, agent_id, number, [message.seq], work):
        return
    conn.execute(
        "DELETE FROM summaries WHERE agent_id = :agent AND room = :room AND upto >= :seq",
        agent=agent_id,
        room=message.origin.room,
        seq=message.seq,
    )


def _reindexed(
    conn: Connection, agent_id: str, number: int, seqs: list[int], work: Callable[[], int]
) -> int:
    """Do `work`, which changes or removes these messages, and index their words anew, and those of
    the messages that are found by them too. The index must be told what it held."""
    changed = get(conn, agent_id, seqs)
    touched = dict(changed)
    for message in changed.values():
        if told(message):
            follow = sessions.after(conn, agent_id, message.origin.room, message.seq)
            touched |= get(conn, agent_id, [seq for seq in follow if seq not in touched])
    for message in filter(spoken, touched.values()):
        near = _near(sessions.before(conn, agent_id, message))
        shelf.take_words(conn, "messages", number, message.seq, searchable(message), near)
    for seq in changed:
        shelf.forget_vector(conn, "messages", agent_id, seq)
    done = work()
    for message in filter(spoken, get(conn, agent_id, list(touched)).values()):
        near = _near(sessions.before(conn, agent_id, message))
        shelf.put_words(conn, "messages", number, message.seq, searchable(message), near)
        if message.seq in changed:
            shelf.enqueue(conn, "messages", agent_id, message.seq)
    return done


def _near(rows: list[Row]) -> str:
    return " ".join(f"{row['speaker']} {row['text']}" for row in rows)


def searchable(message: Message) -> str:
    """What a message is searched by: who spoke, and what. The colon is worth four points of recall
    at 1 by meaning."""
    return f"{message.speaker}: {message.text}" if message.speaker else message.text


def window(conn: Connection, viewer: Viewer, room: str, after: int) -> list[Message]:
    """The messages of a room after seq `after`, oldest first. What is forgotten is left out, unless
    it was said in the turn that is at work; of a message that was forgotten itself, the words."""
    rows = conn.all(
        "SELECT * FROM messages AS t WHERE agent_id = :v_agent AND room = :room AND seq > :after"  # noqa: S608
        f" AND {audience.visible('t')} AND (forgotten = 0 AND {REMEMBERED} OR EXISTS"
        " (SELECT 1 FROM inbox AS i WHERE i.agent_id = t.agent_id AND i.turn = t.turn"
        " AND i.state IN ('ready', 'running')))"
        " ORDER BY seq",
        room=room,
        after=after,
        **audience.params(viewer),
    )
    return [unsaid(_message(row)) for row in rows]


def unsaid(message: Message) -> Message:
    """The message; of a forgotten one no word, as if it had been deleted."""
    return replace(message, text="") if message.forgotten else message


def page(conn: Connection, agent_id: str, after: int = 0, limit: int = 1000) -> list[Message]:
    """Messages of all rooms after seq `after`, oldest first."""
    rows = conn.all(
        "SELECT * FROM messages WHERE agent_id = :agent AND seq > :after ORDER BY seq LIMIT :limit",
        agent=agent_id,
        after=after,
        limit=limit,
    )
    return [_message(row) for row in rows]


def own_words(conn: Connection, agent_id: str, after: int, limit: int) -> list[Message]:
    """The newest messages after seq `after` that are their writers' own words, oldest first."""
    rows = conn.all(
        "SELECT * FROM messages WHERE agent_id = :agent AND seq > :after AND role = 'user'"
        " AND tainted = 0 AND fleeting = 0 AND forgotten = 0 AND text <> '' ORDER BY seq DESC"
        " LIMIT :limit",
        agent=agent_id,
        after=after,
        limit=limit,
    )
    return [_message(row) for row in reversed(rows)]


def with_files(conn: Connection, agent_id: str) -> list[str]:
    """The platform's ids of the messages that came with files."""
    rows = conn.all(
        "SELECT DISTINCT event FROM messages WHERE agent_id = :agent AND event <> ''"
        " AND tainted = 1",
        agent=agent_id,
    )
    return [row["event"] for row in rows]


def in_passing(conn: Connection, agent_id: str, turn: int) -> bool:
    """Whether a turn has messages that are fleeting."""
    row = conn.one(
        "SELECT 1 AS yes FROM messages WHERE agent_id = :agent AND turn = :turn AND fleeting = 1"
        " LIMIT 1",
        agent=agent_id,
        turn=turn,
    )
    return row is not None


def get(conn: Connection, agent_id: str, seqs: list[int]) -> dict[int, Message]:
    rows = conn.all(
        "SELECT * FROM messages WHERE agent_id = :agent"
        " AND seq IN (SELECT value FROM json_each(:seqs))",
        agent=agent_id,
        seqs=json.dumps(seqs),
    )
    return {row["seq"]: _message(row) for row in rows}


def summary(conn: Connection, viewer: Viewer, room: str) -> Summary | None:
    row = conn.one(
        "SELECT * FROM summaries AS s WHERE agent_id = :v_agent AND room = :room"  # noqa: S608
        f" AND {audience.visible('s')}",
        room=room,
        **audience.params(viewer),
    )
    return _summary(row) if row else None


def summaries(conn: Connection, agent_id: str) -> list[Summary]:
    rows = conn.all("SELECT * FROM summaries WHERE agent_id = :agent ORDER BY room", agent=agent_id)
    return [_summary(row) for row in rows]


def _summary(row: Row) -> Summary:
    return Summary(
        room=row["room"],
        upto=row["upto"],
        text=row["text"],
        audience=row["audience"],
        person=row["person"],
    )


def put_summary(conn: Connection, agent_id: str, summary: Summary, at: datetime) -> None:
    conn.execute(
        "INSERT OR REPLACE INTO summaries(agent_id, room, upto, text, audience, person, at)"
        " VALUES(:agent, :room, :upto, :text, :audience, :person, :at)",
        agent=agent_id,
        room=summary.room,
        upto=summary.upto,
        text=summary.text,
        audience=summary.audience,
        person=summary.person,
        at=micros(at),
    )
