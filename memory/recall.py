"""Recall: every message of an agent, its words indexed, its vector queued."""

import json
from datetime import datetime

from memory import audience, shelf
from memory.codec import dumps, loads, micros, moment, origin_columns, origin_of
from memory.ports import Connection, Row
from memory.types import Message, Summary, ToolCall, Viewer

SPOKEN = "role IN ('user', 'assistant') AND text <> '' AND fleeting = 0"  # what a search may find
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
    )


def insert(conn: Connection, agent_id: str, number: int, message: Message) -> None:
    """Write a message; what was spoken is found by its words from now on."""
    conn.execute(
        "INSERT INTO messages(agent_id, seq, role, text, at, audience, person, room, workspace,"
        " source, speaker, thoughts, calls, answers, turn, step, event, tainted, fleeting)"
        " VALUES(:agent, :seq, :role, :text, :at, :audience, :person, :room, :workspace,"
        " :source, :speaker, :thoughts, :calls, :answers, :turn, :step, :event, :tainted,"
        " :fleeting)",
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
    )
    if spoken(message):
        shelf.index(conn, "messages", agent_id, number, message.seq, searchable(message))


def by_event(conn: Connection, agent_id: str, event: str) -> Message | None:
    """The message that a platform knows by this id."""
    row = conn.one(
        "SELECT * FROM messages WHERE agent_id = :agent AND event = :event ORDER BY seq LIMIT 1",
        agent=agent_id,
        event=event,
    )
    return _message(row) if row else None


def spoken(message: Message) -> bool:
    """Whether searches find it: said by or to somebody. Tools' answers and bare calls are not, nor
    is what was said while memory was paused."""
    said = message.role in ("user", "assistant") and bool(message.text)
    return said and not message.fleeting


def remove_words(conn: Connection, agent_id: str, number: int, message: Message) -> None:
    """Take a message out of searches, before its row goes."""
    if spoken(message):
        shelf.unindex(conn, "messages", agent_id, number, message.seq, searchable(message))


def revise(conn: Connection, agent_id: str, number: int, message: Message) -> None:
    """Give a message another text. A summary that was made from the old one is made again."""
    old = get(conn, agent_id, [message.seq]).get(message.seq)
    if old is None:
        return
    remove_words(conn, agent_id, number, old)
    conn.execute(
        "UPDATE messages SET text = :text WHERE agent_id = :agent AND seq = :seq",
        agent=agent_id,
        seq=message.seq,
        text=message.text,
    )
    if spoken(message):
        shelf.index(conn, "messages", agent_id, number, message.seq, searchable(message))
    conn.execute(
        "DELETE FROM summaries WHERE agent_id = :agent AND room = :room AND upto >= :seq",
        agent=agent_id,
        room=message.origin.room,
        seq=message.seq,
    )


def searchable(message: Message) -> str:
    """What the words of a message are: who spoke, and what."""
    return f"{message.speaker} {message.text}"


def window(conn: Connection, viewer: Viewer, room: str, after: int) -> list[Message]:
    """The messages of a room after seq `after`, oldest first."""
    rows = conn.all(
        "SELECT * FROM messages AS m WHERE agent_id = :v_agent AND room = :room AND seq > :after"  # noqa: S608
        f" AND {audience.visible('m')} ORDER BY seq",
        room=room,
        after=after,
        **audience.params(viewer),
    )
    return [_message(row) for row in rows]


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
        " AND tainted = 0 AND fleeting = 0 AND text <> '' ORDER BY seq DESC LIMIT :limit",
        agent=agent_id,
        after=after,
        limit=limit,
    )
    return [_message(row) for row in reversed(rows)]


def get(conn: Connection, agent_id: str, seqs: list[int]) -> dict[int, Message]:
    rows = conn.all(
        "SELECT * FROM messages WHERE agent_id = :agent"
        " AND seq IN (SELECT value FROM json_each(:seqs))",
        agent=agent_id,
        seqs=json.dumps(seqs),
    )
    return {row["seq"]: _message(row) for row in rows}


def between(
    conn: Connection, viewer: Viewer, start: datetime, end: datetime, offset: int, limit: int
) -> tuple[list[Message], int]:
    """Spoken messages from `start` up to, not including, `end`, oldest first; and how many."""
    span = {**audience.params(viewer), "start": micros(start), "end": micros(end)}
    where = (
        f"agent_id = :v_agent AND at >= :start AND at < :end AND {SPOKEN}"
        f" AND {audience.visible('m')}"
    )
    count = conn.one(f"SELECT count(*) AS n FROM messages AS m WHERE {where}", **span)  # noqa: S608
    rows = conn.all(
        f"SELECT * FROM messages AS m WHERE {where} ORDER BY at, seq LIMIT :limit OFFSET :offset",  # noqa: S608
        **span,
        limit=limit,
        offset=offset,
    )
    return [_message(row) for row in rows], int(count["n"]) if count else 0


def newest(conn: Connection, viewer: Viewer, offset: int, limit: int) -> list[Message]:
    rows = conn.all(
        f"SELECT * FROM messages AS m WHERE agent_id = :v_agent AND {SPOKEN}"  # noqa: S608
        f" AND {audience.visible('m')} ORDER BY seq DESC LIMIT :limit OFFSET :offset",
        **audience.params(viewer),
        limit=limit,
        offset=offset,
    )
    return [_message(row) for row in rows]


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
