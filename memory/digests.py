"""Digests: what an agent learned about its person by itself, told at the times that they chose.

The next one is a timer. What it has is asked of the journal, so that nothing is kept twice, and
what was forgotten or taken back meanwhile is not in it. Inside a transaction.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from memory import agents, audience, core, journal, queue
from memory.codec import micros, moment
from memory.ports import Connection, Row
from memory.types import Fact, Outgoing, Reply, Viewer

NAME: Final = "digest"
PERSONA: Final = "persona"
DUE: Final = (  # while the account is its person's: one that was parted is not told of them
    "SELECT t.*, a.settings AS settings FROM timers AS t"
    " JOIN agents AS a ON a.agent_id = t.agent_id"
    " JOIN identities AS i ON i.agent_id = json_extract(t.payload, '$.person')"
    " AND i.person = t.agent_id"
    " WHERE t.due_at <= :now AND t.name = :name ORDER BY t.due_at, t.agent_id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """When an agent's person is told next. person: by which account, at which address."""

    agent: str
    person: str
    address: Mapping[str, Any]
    every: timedelta
    due_at: datetime
    after: int  # the number up to which they were told


def _timer(row: Row) -> Timer:
    return Timer(
        agent=row["agent_id"],
        every=timedelta(microseconds=row["every"]),
        due_at=moment(row["due_at"]),
        **json.loads(row["payload"]),
    )


def timer(conn: Connection, agent_id: str) -> Timer | None:
    row = conn.one(
        "SELECT * FROM timers WHERE agent_id = :agent AND name = :name", agent=agent_id, name=NAME
    )
    return _timer(row) if row else None


def set_timer(conn: Connection, timer: Timer) -> None:
    """In place of the one that there was."""
    payload = {"person": timer.person, "address": dict(timer.address), "after": timer.after}
    conn.execute(
        "INSERT OR REPLACE INTO timers(agent_id, name, due_at, every, payload)"
        " VALUES(:agent, :name, :due, :every, :payload)",
        agent=timer.agent,
        name=NAME,
        due=micros(timer.due_at),
        every=timer.every // timedelta(microseconds=1),
        payload=json.dumps(payload, ensure_ascii=False),
    )


def stop(conn: Connection, agent_id: str) -> None:
    conn.execute(
        "DELETE FROM timers WHERE agent_id = :agent AND name = :name", agent=agent_id, name=NAME
    )


def heard_in(conn: Connection, agent_id: str, channel: str) -> bool:
    """Whether somebody wrote to the agent in this very conversation."""
    row = conn.one(
        f"SELECT 1 AS yes FROM inbox WHERE channel = :channel AND {queue.SAID}"  # noqa: S608
        " AND agent_id = :agent LIMIT 1",
        channel=channel,
        agent=agent_id,
    )
    return row is not None


def due(conn: Connection, at: datetime) -> list[tuple[Timer, Mapping[str, Any]]]:
    """Timers whose time has come, each with the settings of its agent."""
    rows = conn.all(DUE, now=micros(at), name=NAME)
    return [(_timer(row), json.loads(row["settings"])) for row in rows]


def put(conn: Connection, due: Timer, at: datetime, again_at: datetime) -> bool:
    """What is new goes into the outbox, as the numbers between which it lies, and the timer moves
    on. False: nothing is new, or the timer was changed meanwhile."""
    agent = agents.find(conn, due.agent)
    if agent is None or timer(conn, due.agent) != due:
        return False
    set_timer(conn, replace(due, due_at=again_at, after=agent.last_seq))
    reader = audience.viewer(conn, agent, audience.own(agent))
    if not learned(conn, reader, due.after, agent.last_seq):
        return False
    target = {
        "address": due.address,
        "person": due.person,
        "digest": [due.after, agent.last_seq],
    }
    reply = Reply(key=f"{NAME}:{agent.last_seq}", target=target, text="")
    queue.put_replies(conn, agent.id, [reply], at)
    return True


def told(conn: Connection, reply: Outgoing) -> list[Fact]:
    """What a digest that is sent now has; nothing, where its account was parted meanwhile."""
    agent = agents.find(conn, reply.agent)
    if agent is None or agents.person_id(conn, reply.target["person"]) != agent.id:
        return []
    reader = audience.viewer(conn, agent, audience.own(agent))
    return learned(conn, reader, *reply.target["digest"])


def learned(conn: Connection, viewer: Viewer, after: int, upto: int) -> list[Fact]:
    """The facts that stand now, and that the agent or a heartbeat wrote down between two numbers,
    newest last. A line that was made of older ones is new if one of those was."""
    fresh: set[int] = set()
    made: set[int] = set()  # of older ones, as a heartbeat does
    for entry in journal.learned(conn, viewer.agent, after, upto):
        for diff in entry.diffs:
            fact = diff.after
            if not isinstance(fact, Fact):
                continue
            if diff.before is None:
                (made if fact.learned_at < fact.valid_from else fresh).add(fact.seq)
            elif fact.seq in fresh and fact.superseded_by in made:
                fresh.add(fact.superseded_by)
    blocks = core.blocks(conn, viewer.agent, viewer)
    facts = (fact for block in blocks if block.label != PERSONA for fact in block.facts)
    return sorted((fact for fact in facts if fact.seq in fresh), key=lambda fact: fact.seq)
