"""What is not kept for ever: messages past their days, and those said while memory was paused.

A message goes with its search words, its vector, every summary that tells of it, and the reply as
it was sent. Facts and passages stay: they were chosen to be kept. Turns go whole, and never while
they are worked on.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from memory import agents, changes, queue, recall
from memory.codec import micros
from memory.ports import Connection, Database, Row
from memory.types import Audience

BATCH = 200  # messages that lead to a removal, in one transaction
PAUSE = timedelta(days=1)  # after which what was said during a pause goes anyway
IDLE = (
    "NOT EXISTS (SELECT 1 FROM inbox AS i WHERE i.agent_id = m.agent_id"  # noqa: S608 -- ours
    f" AND i.turn = m.turn AND {queue.OPEN})"
)
Find = Callable[[Connection], list[Row]]  # (agent, seq, turn) of messages that are to go


class Retention:
    """Sweeps a database. person, room: how long messages of an audience are kept, in days of UTC;
    zero: for ever."""

    def __init__(self, database: Database, *, person: timedelta, room: timedelta) -> None:
        self._database = database
        self._kept: dict[Audience, timedelta] = {"person": person, "room": room}
        self._swept: date | None = None  # the last day that was

    async def sweep(self, at: datetime) -> Counter[str]:
        """Remove what is too old, once a day, and what is left of pauses, each time; how much of
        each kind that was."""
        counts = await self._drained(lambda conn: _paused(conn, at - PAUSE))
        if self._swept == at.date():
            return counts
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
        befores = {name: midnight - kept for name, kept in self._kept.items() if kept}
        for audience, before in befores.items():
            counts += await self._drained(_older(audience, before))
        if befores:
            last = max(befores.values())
            counts += await self._database.write(lambda conn: _said(conn, last))
        self._swept = at.date()
        return counts

    async def _drained(self, find: Find) -> Counter[str]:
        """In small batches, between which others may write."""
        counts: Counter[str] = Counter()
        while await self._database.read(find):
            counts += await self._database.write(lambda conn: _remove(conn, find(conn)))
        return counts


def pause(conn: Connection, agent_id: str, *, paused: bool) -> None:
    """Stop or go on learning; what was said during a pause ends with it. Raises NotFound."""
    agent = changes.require(conn, agent_id)
    agents.set_settings(conn, agent_id, {**agent.settings, "paused": paused})
    if not paused:
        _remove(
            conn,
            conn.all(
                "SELECT agent_id AS agent, seq, turn FROM messages AS m"  # noqa: S608 -- ours
                f" WHERE agent_id = :agent AND fleeting = 1 AND {IDLE}",
                agent=agent_id,
            ),
        )


def _paused(conn: Connection, before: datetime) -> list[Row]:
    return conn.all(
        "SELECT agent_id AS agent, seq, turn FROM messages AS m"  # noqa: S608 -- ours
        f" WHERE fleeting = 1 AND at < :before AND {IDLE} LIMIT :most",
        before=micros(before),
        most=BATCH,
    )


def _older(audience: Audience, before: datetime) -> Find:
    """An agent of a person's own has nothing that was said in rooms, nor a room's the reverse."""
    other = "room" if audience == "person" else "person"

    def find(conn: Connection) -> list[Row]:
        return conn.all(
            "SELECT m.agent_id AS agent, m.seq AS seq, m.turn AS turn FROM agents AS a"  # noqa: S608
            " CROSS JOIN messages AS m ON m.agent_id = a.agent_id AND m.at < :before"
            f" WHERE a.kind <> :other AND m.audience = :audience AND {IDLE} LIMIT :most",
            before=micros(before),
            other=other,
            audience=audience,
            most=BATCH,
        )

    return find


def _remove(conn: Connection, rows: Sequence[Row]) -> Counter[str]:
    """Remove these messages with the rest of their turns."""
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["agent"]].append(row)
    counts: Counter[str] = Counter()
    for agent_id, theirs in found.items():
        seqs = [row["seq"] for row in theirs]
        turns = sorted({row["turn"] for row in theirs} - {0})  # 0: it was in no turn
        counts += _remove_turns(conn, agent_id, seqs, turns)
    return counts


def _remove_turns(
    conn: Connection, agent_id: str, seqs: Sequence[int], turns: Sequence[int]
) -> Counter[str]:
    agent = changes.require(conn, agent_id)
    key = {"agent": agent_id, "turns": json.dumps(turns)}
    rest = conn.all(
        "SELECT seq FROM messages WHERE agent_id = :agent"
        " AND turn IN (SELECT value FROM json_each(:turns))",
        **key,
    )
    gone = recall.get(conn, agent_id, [*seqs, *(row["seq"] for row in rest)])
    since: dict[str, int] = {}
    for message in gone.values():
        recall.remove_words(conn, agent_id, agent.number, message)
        room = message.origin.room
        since[room] = min(message.seq, since.get(room, message.seq))
    removed = conn.execute(
        "DELETE FROM messages WHERE agent_id = :agent"
        " AND seq IN (SELECT value FROM json_each(:seqs))",
        agent=agent_id,
        seqs=json.dumps(list(gone)),
    )
    summaries = conn.execute(
        "DELETE FROM summaries WHERE agent_id = :agent"
        " AND upto >= (SELECT value FROM json_each(:since) WHERE key = room)",
        agent=agent_id,
        since=json.dumps(since, ensure_ascii=False),
    )
    replies = conn.execute(
        "UPDATE outbox SET text = '' WHERE agent_id = :agent AND state <> 'ready' AND text <> ''"
        " AND EXISTS (SELECT 1 FROM json_each(:turns) AS t"
        " WHERE outbox.key GLOB t.value || ':*' OR outbox.key = 'delayed:' || t.value)",
        **key,
    )
    # a step that was drafted on what is gone would bring it back in its summary
    agents.advance(conn, agent_id, version=agent.version, last_seq=agent.last_seq)
    return Counter(messages=removed, summaries=summaries, replies=replies)


def _said(conn: Connection, before: datetime) -> Counter[str]:
    """Empty what was sent, and close what was asked: recall has what is still to be kept of it."""
    replies = conn.execute(
        "UPDATE outbox SET text = '' WHERE state <> 'ready' AND text <> '' AND at < :before",
        before=micros(before),
    )
    asked = conn.execute(
        "UPDATE asks SET state = 'done', payload = '{}'"
        " WHERE kind <> 'notice' AND state <> 'done' AND at < :before",
        before=micros(before),
    )
    return Counter(replies=replies, questions=asked)
