"""Recall: every message of an agent, its words indexed, its vector queued."""

import json
from datetime import datetime

from memory import shelf
from memory.codec import dumps, loads, micros, moment, origin_columns, origin_of
from memory.ports import Connection, Row
from memory.types import Message, Summary, ToolCall

SPOKEN = "role IN ('user', 'assistant') AND text <> ''"  # what a search may find
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
    )


def insert(conn: Connection, agent_id: str, number: int, message: Message) -> None:
    """Write a message; what was spoken is found by its words from now on."""
    conn.execute(
        "INSERT INTO messages(agent_id, seq, role, text, at, audience, person, room, source,"
        " speaker, thoughts, calls, answers, turn, step, event)"
        " VALUES(:agent, :seq, :role, :text, :at, :audience, :person, :room, :source,"
        " :speaker, :thoughts, :calls, :answers, :turn, :step, :event)",
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
    )
    if spoken(message):
        shelf.index(conn, "messages", agent_id, number, message.seq, searchable(message))


def spoken(message: Message) -> bool:
    """Whether searches find it: said by or to somebody. Tools' answers and bare calls are not."""
    return message.role in ("user", "assistant") and bool(message.text)


def remove_words(conn: Connection, agent_id: str, number: int, message: Message) -> None:
    """Take a message out of searches, before its row goes."""
    if spoken(message):
        shelf.unindex(conn, "messages", agent_id, number, message.seq, searchable(message))


def searchable(message: Message) -> str:
    """What the words of a message are: who spoke, and what."""
    return f"{message.speaker} {message.text}"


def window(conn: Connection, agent_id: str, room: str, after: int) -> list[Message]:
    """The messages of a room after seq `after`, oldest first."""
    rows = conn.all(
        "SELECT * FROM messages WHERE agent_id = :agent AND room = :room AND seq > :after"
        " ORDER BY seq",
        agent=agent_id,
        room=room,
        after=after,
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


def get(conn: Connection, agent_id: str, seqs: list[int]) -> dict[int, Message]:
    rows = conn.all(
        "SELECT * FROM messages WHERE agent_id = :agent"
        " AND seq IN (SELECT value FROM json_each(:seqs))",
        agent=agent_id,
        seqs=json.dumps(seqs),
    )
    return {row["seq"]: _message(row) for row in rows}


def between(
    conn: Connection, agent_id: str, start: datetime, end: datetime, offset: int, limit: int
) -> tuple[list[Message], int]:
    """Spoken messages from `start` up to, not including, `end`, oldest first; and how many."""
    span = {"agent": agent_id, "start": micros(start), "end": micros(end)}
    where = f"agent_id = :agent AND at >= :start AND at < :end AND {SPOKEN}"
    count = conn.one(f"SELECT count(*) AS n FROM messages WHERE {where}", **span)  # noqa: S608
    rows = conn.all(
        f"SELECT * FROM messages WHERE {where} ORDER BY at, seq LIMIT :limit OFFSET :offset",  # noqa: S608
        **span,
        limit=limit,
        offset=offset,
    )
    return [_message(row) for row in rows], int(count["n"]) if count else 0


def newest(conn: Connection, agent_id: str, offset: int, limit: int) -> list[Message]:
    rows = conn.all(
        f"SELECT * FROM messages WHERE agent_id = :agent AND {SPOKEN}"  # noqa: S608
        " ORDER BY seq DESC LIMIT :limit OFFSET :offset",
        agent=agent_id,
        limit=limit,
        offset=offset,
    )
    return [_message(row) for row in rows]


def summary(conn: Connection, agent_id: str, room: str) -> Summary | None:
    row = conn.one(
        "SELECT * FROM summaries WHERE agent_id = :agent AND room = :room",
        agent=agent_id,
        room=room,
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
