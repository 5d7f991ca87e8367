"""Inbox and outbox: what makes an agent act, and what it wants sent.

Rows of an agent are taken one turn at a time, in order; all waiting rows of one room make one
turn. One process owns a home, so a row that is `running` at start-up is nobody's, and taken again.
Rooms are named by adapters/base.py: platform/space/channel[/thread].
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any

from memory.codec import micros, moment
from memory.errors import Conflict
from memory.ports import Connection, Row
from memory.types import Claim, Item, Outgoing, Reply

BATCH = 50  # rows of one turn, at most
OPEN = "state IN ('ready', 'running')"
SAID = "kind IN ('message', 'heard')"


def _item(row: Row) -> Item:
    return Item(
        id=row["id"],
        kind=row["kind"],
        dedup=row["dedup"],
        room=row["room"],
        payload=json.loads(row["payload"]),
        at=moment(row["at"]),
    )


def _fleeting(row: Row) -> bool:
    return bool(json.loads(row["payload"]).get("fleeting"))


def _counter(conn: Connection, agent_id: str, column: str) -> int:
    """The next number of the agent's `inbox_seq` or `outbox_seq`."""
    sql = {
        "inbox_seq": "UPDATE agents SET inbox_seq = inbox_seq + 1 WHERE agent_id = :agent_id"
        " RETURNING inbox_seq AS next",
        "outbox_seq": "UPDATE agents SET outbox_seq = outbox_seq + 1 WHERE agent_id = :agent_id"
        " RETURNING outbox_seq AS next",
    }[column]
    row = conn.one(sql, agent_id=agent_id)
    return int(row["next"]) if row else 0


def put(
    conn: Connection,
    agent_id: str,
    *,
    kind: str,
    dedup: str,
    room: str,
    payload: Mapping[str, Any],
    at: datetime,
) -> int | None:
    """Add a row; its id, or None where one with this `dedup` is already known."""
    if conn.one(
        "SELECT 1 AS known FROM inbox WHERE agent_id = :agent AND dedup = :dedup",
        agent=agent_id,
        dedup=dedup,
    ):
        return None
    number = _counter(conn, agent_id, "inbox_seq")
    conn.execute(
        "INSERT INTO inbox(agent_id, id, kind, dedup, room, channel, payload, state, ready_at, at)"
        " VALUES(:agent, :id, :kind, :dedup, :room, :channel, :payload, 'ready', 0, :at)",
        agent=agent_id,
        id=number,
        kind=kind,
        dedup=dedup,
        room=room,
        channel="/".join(room.split("/")[:3]),
        payload=json.dumps(dict(payload), ensure_ascii=False),
        at=micros(at),
    )
    return number


def state_of(conn: Connection, agent_id: str, dedup: str) -> tuple[int, str] | None:
    """(turn, state) of a row by its `dedup`; turn 0 while it waits."""
    row = conn.one(
        "SELECT turn, state FROM inbox WHERE agent_id = :agent AND dedup = :dedup",
        agent=agent_id,
        dedup=dedup,
    )
    return (row["turn"] or 0, row["state"]) if row else None


def change(
    conn: Connection, channel: str, dedup: str, text: str | None, at: datetime
) -> str | None:
    """A message that was received has another text now, None if it was deleted.

    One that nobody looked at yet is simply changed; for another, a row of kind "changed" follows.
    Returns the agent that has it, or None where there is no such message.
    """
    row = conn.one(
        "SELECT * FROM inbox WHERE channel = :channel AND dedup = :dedup",
        channel=channel,
        dedup=dedup,
    )
    if row is None:
        return None
    agent, payload = str(row["agent_id"]), json.loads(row["payload"])
    if row["state"] != "ready" or row["turn"] is not None:
        put(
            conn, agent, kind="changed", dedup=f"{dedup}:{micros(at)}", room=row["room"], at=at,
            payload={"event": dedup, "text": text},
        )  # fmt: skip
        return agent
    conn.execute(
        "UPDATE inbox SET payload = :payload, state = :state WHERE agent_id = :agent AND id = :id",
        payload=json.dumps({} if text is None else {**payload, "text": text}, ensure_ascii=False),
        state="done" if text is None else "ready",
        agent=agent,
        id=row["id"],
    )
    return agent


def claim(conn: Connection, agent_id: str, at: datetime) -> Claim | None:
    """The agent's next turn, if one is ready.

    A head that waits for its time holds the agent back, which keeps the order; a heartbeat lets
    everything else go first. A turn that
    committed a step before is resumed with just the rows that it began with.
    """
    head = conn.one(
        f"SELECT * FROM inbox WHERE agent_id = :agent AND {OPEN}"  # noqa: S608
        " ORDER BY kind = 'heartbeat', id LIMIT 1",
        agent=agent_id,
    )
    if head is None or head["ready_at"] > micros(at):
        return None
    resumed = head["step"] > 0
    rows = conn.all(
        f"SELECT * FROM inbox WHERE agent_id = :agent AND {OPEN} AND room = :room AND kind = :kind"  # noqa: S608
        " AND (NOT :resumed OR turn = :turn) ORDER BY id LIMIT :limit",
        agent=agent_id,
        room=head["room"],
        kind=head["kind"],
        resumed=resumed,
        turn=head["turn"],
        limit=BATCH,
    )
    attempts = head["attempts"] + 1
    fleeting = _fleeting(head)  # what is not to be kept is not taken together with what is
    rows = list(takewhile(lambda row: _fleeting(row) == fleeting, rows))
    conn.many(
        "UPDATE inbox SET state = 'running', turn = :turn, step = :step, attempts = :attempts"
        " WHERE agent_id = :agent AND id = :id",
        [
            {
                "turn": head["id"],
                "step": head["step"],
                "attempts": attempts,
                "agent": agent_id,
                "id": row["id"],
            }
            for row in rows
        ],
    )
    return Claim(
        agent=agent_id,
        turn=head["id"],
        step=head["step"],
        attempts=attempts,
        failures=head["failures"],
        items=tuple(_item(row) for row in rows),
    )


def step(conn: Connection, claim: Claim, *, done: bool, note: str = "") -> None:
    """Move the claim's rows one step on, or finish them. Raises Conflict when the claim was lost.

    What was finished keeps its `dedup`, and loses its payload: the message is in recall.
    """
    changed = conn.execute(
        "UPDATE inbox SET step = :next, state = CASE WHEN :done THEN 'done' ELSE state END,"
        " payload = CASE WHEN :done THEN '{}' ELSE payload END, note = :note"
        " WHERE agent_id = :agent AND turn = :turn AND attempts = :attempts AND state = 'running'",
        next=claim.step + 1,
        done=done,
        note=note,
        agent=claim.agent,
        turn=claim.turn,
        attempts=claim.attempts,
    )
    if changed != len(claim.items):
        raise Conflict("This turn was taken over by another worker.")


def postpone(
    conn: Connection, claim: Claim, ready_at: datetime, note: str, *, failed: bool
) -> bool:
    """Put a claim's rows back, to be tried again at `ready_at`; `failed` counts against them.

    False: the claim was lost.
    """
    changed = conn.execute(
        "UPDATE inbox SET state = 'ready', ready_at = :ready_at, note = :note,"
        " failures = failures + :failed"
        " WHERE agent_id = :agent AND turn = :turn AND attempts = :attempts AND state = 'running'",
        ready_at=micros(ready_at),
        note=note,
        failed=int(failed),
        agent=claim.agent,
        turn=claim.turn,
        attempts=claim.attempts,
    )
    return changed > 0


def release_all(conn: Connection) -> int:
    """At start-up: what a former process was working on is ready again, and so is what waited.

    The first counts as a failure: a message that takes the process down each time must end some
    day. Returns how many rows those were.
    """
    conn.execute("UPDATE inbox SET ready_at = 0 WHERE state = 'ready'")
    return conn.execute(
        "UPDATE inbox SET state = 'ready', failures = failures + 1 WHERE state = 'running'"
    )


def waiting(conn: Connection) -> list[tuple[str, datetime]]:
    """Agents with open rows, and when the first of them is due."""
    rows = conn.all(
        "SELECT i.agent_id AS agent, i.ready_at AS due FROM inbox AS i JOIN (SELECT agent_id,"  # noqa: S608
        f" min(id) AS id FROM inbox WHERE {OPEN} GROUP BY agent_id) AS head"
        " ON head.agent_id = i.agent_id AND head.id = i.id"
    )
    return [(row["agent"], moment(row["due"])) for row in rows]


def takes_part(conn: Connection, agent_id: str, room: str) -> bool:
    """Whether a message of this room was for the agent: then it was answered, or will be."""
    row = conn.one(
        "SELECT 1 AS yes FROM inbox WHERE agent_id = :agent AND room = :room"
        " AND kind = 'message' LIMIT 1",
        agent=agent_id,
        room=room,
    )
    return row is not None


def channels(conn: Connection, platform: str) -> list[str]:
    """The rooms, such as discord/dm/12, of a platform in which anything was said."""
    rows = conn.all(
        f"SELECT DISTINCT channel FROM inbox WHERE {SAID}"  # noqa: S608
        " AND channel > :platform || '/' AND channel < :platform || '0'"  # 0 follows /
        " ORDER BY channel",
        platform=platform,
    )
    return [row["channel"] for row in rows]


def newest(conn: Connection, channel: str) -> str | None:
    """The `dedup` of the latest message of a channel with its threads, whichever agent has it."""
    row = conn.one(
        f"SELECT dedup FROM inbox WHERE channel = :channel AND {SAID}"  # noqa: S608
        " ORDER BY at DESC LIMIT 1",
        channel=channel,
    )
    return row["dedup"] if row else None


def open_events(conn: Connection, agent_id: str) -> list[str]:
    """The `dedup` of every row that waits, or is worked on."""
    rows = conn.all(
        f"SELECT dedup FROM inbox WHERE agent_id = :agent AND {OPEN}",  # noqa: S608
        agent=agent_id,
    )
    return [row["dedup"] for row in rows]


def open_count(conn: Connection, agent_id: str) -> int:
    row = conn.one(
        f"SELECT count(*) AS n FROM inbox WHERE agent_id = :agent AND {OPEN}",  # noqa: S608
        agent=agent_id,
    )
    return int(row["n"]) if row else 0


# --- outbox ------------------------------------------------------------------------------------


def _outgoing(row: Row) -> Outgoing:
    return Outgoing(
        agent=row["agent_id"],
        id=row["id"],
        key=row["key"],
        target=json.loads(row["target"]),
        text=row["text"],
        attempts=row["attempts"],
    )


def put_replies(conn: Connection, agent_id: str, replies: Sequence[Reply], at: datetime) -> None:
    """Add replies; one whose key is known is not added again."""
    for reply in replies:
        if conn.one(
            "SELECT 1 AS known FROM outbox WHERE agent_id = :agent AND key = :key",
            agent=agent_id,
            key=reply.key,
        ):
            continue
        conn.execute(
            "INSERT INTO outbox(agent_id, id, key, target, text, state, ready_at, at)"
            " VALUES(:agent, :id, :key, :target, :text, 'ready', 0, :at)",
            agent=agent_id,
            id=_counter(conn, agent_id, "outbox_seq"),
            key=reply.key,
            target=json.dumps(dict(reply.target), ensure_ascii=False),
            text=reply.text,
            at=micros(at),
        )


def unsent(conn: Connection, agent_id: str) -> list[Outgoing]:
    """The agent's replies that are still to be sent, in order."""
    rows = conn.all(
        "SELECT * FROM outbox WHERE agent_id = :agent AND state = 'ready' ORDER BY id",
        agent=agent_id,
    )
    return [_outgoing(row) for row in rows]


def with_unsent(conn: Connection) -> list[str]:
    rows = conn.all("SELECT DISTINCT agent_id FROM outbox WHERE state = 'ready'")
    return [row["agent_id"] for row in rows]


def sent(conn: Connection, agent_id: str, number: int, receipt: str) -> None:
    """A reply went out; the platform calls it `receipt`."""
    conn.execute(
        "UPDATE outbox SET state = 'sent', receipt = :receipt WHERE agent_id = :agent AND id = :id",
        agent=agent_id,
        id=number,
        receipt=receipt,
    )


def unsendable(conn: Connection, agent_id: str, number: int, *, final: bool) -> None:
    """Count a failed attempt; a final one takes the reply out of the way of the next."""
    conn.execute(
        "UPDATE outbox SET attempts = attempts + 1,"
        " state = CASE WHEN :final THEN 'dead' ELSE state END"
        " WHERE agent_id = :agent AND id = :id",
        agent=agent_id,
        id=number,
        final=final,
    )


def replies_of(conn: Connection, agent_id: str, turn: int) -> list[Outgoing]:
    """Every reply that a turn made, sent or not: a reader who missed one may ask again."""
    rows = conn.all(
        "SELECT * FROM outbox WHERE agent_id = :agent AND key LIKE :prefix ORDER BY id",
        agent=agent_id,
        prefix=f"{turn}:%",
    )
    return [_outgoing(row) for row in rows]
