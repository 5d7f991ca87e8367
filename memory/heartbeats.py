"""Which agents are due to look through their memory, and what model calls of each agent cost.

An agent that nobody talked with since its last heartbeat is not in the index of those that changed:
it costs nothing, however many there are. Inside a transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from memory import agents, core, journal, queue, recall
from memory.codec import micros, moment
from memory.errors import NotFound
from memory.ports import Connection
from memory.types import Agent, Block, Change, Message, Mused, Spending, Usage

KIND = "heartbeat"
CHANGED = "SELECT agent_id FROM agents WHERE last_seq > mused_seq AND mused_at <= :before"
STALE = "SELECT agent_id FROM agents WHERE stale_at <= :now AND mused_at <= :before"
HEARD = (  # when somebody wrote last
    "SELECT i.at FROM inbox AS i WHERE i.agent_id = a.agent_id AND i.kind IN ('message', 'heard')"
    " ORDER BY i.id DESC LIMIT 1"
)
DUE = (
    "SELECT a.* FROM agents AS a"  # noqa: S608 -- ours
    f" WHERE a.agent_id IN ({CHANGED} UNION {STALE}) AND coalesce(({HEARD}), 0) <= :silent"
    f" AND a.agent_id NOT IN (SELECT agent_id FROM inbox WHERE {queue.OPEN})"
    " ORDER BY a.mused_at, a.agent_id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An agent whose heartbeat is due, as far as rows can tell."""

    agent: str
    last_seq: int
    mused_at: datetime
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a heartbeat starts from, in one snapshot."""

    agent: Agent
    blocks: tuple[Block, ...]
    said: tuple[Message, ...]  # people's own words since the last heartbeat, oldest first
    heard_at: datetime | None  # when somebody wrote last
    waiting: int  # open rows of its inbox
    kept: frozenset[int]  # numbers of facts that a person brought back from a heartbeat
    learned: frozenset[int]  # numbers of messages that memory was changed for
    spent: int  # tokens of today's heartbeats


def due(conn: Connection, at: datetime, interval: timedelta, silence: timedelta) -> list[Due]:
    """Agents with something to look through, that had no heartbeat for `interval`, to whom nobody
    wrote for `silence`, and that have nothing else to do; longest waiting first."""
    rows = conn.all(DUE, now=micros(at), before=micros(at - interval), silent=micros(at - silence))
    found = (agents.from_row(row) for row in rows)
    return [
        Due(
            agent=agent.id, last_seq=agent.last_seq, mused_at=moment(row["mused_at"]),
            settings=agent.settings,
        )
        for agent, row in zip(found, rows, strict=True)
    ]  # fmt: skip


def beating(conn: Connection) -> int:
    """How many heartbeats wait, or run."""
    row = conn.one(f"SELECT count(*) AS n FROM inbox WHERE kind = '{KIND}' AND {queue.OPEN}")  # noqa: S608
    return int(row["n"]) if row else 0


def put(conn: Connection, found: Sequence[Due], at: datetime) -> list[str]:
    """A row in the inbox of each; those that got one. Once for a day and a state of memory."""
    day = f"{at:%Y-%m-%d}"
    return [
        one.agent
        for one in found
        if agents.find(conn, one.agent)
        and queue.put(
            conn, one.agent, kind=KIND, dedup=f"{KIND}:{day}:{one.last_seq}", room="", at=at,
            payload={},
        )
    ]  # fmt: skip


def known(conn: Connection, agent_id: str, at: datetime, limit: int = 500) -> Known:
    """Raises NotFound. limit: of the newest messages."""
    row = conn.one(f"SELECT a.*, ({HEARD}) AS heard FROM agents AS a WHERE a.agent_id = :agent",  # noqa: S608
                   agent=agent_id)  # fmt: skip
    if row is None:
        raise NotFound("There is no such agent.")
    return Known(
        agent=agents.from_row(row),
        blocks=core.blocks(conn, agent_id),
        said=tuple(recall.own_words(conn, agent_id, row["mused_seq"], limit)),
        heard_at=moment(row["heard"]) if row["heard"] is not None else None,
        waiting=queue.open_count(conn, agent_id),
        kept=journal.brought_back(conn, agent_id, KIND),
        learned=journal.sources(conn, agent_id),
        spent=_tokens(conn, agent_id, f"{at:%Y-%m-%d}"),
    )


def note(conn: Connection, change: Change) -> None:
    """What a change cost, and that it was a heartbeat's."""
    if change.usage is not None and change.usage.calls:
        _spend(conn, change.agent, change.at, change.usage)
    if change.mused is not None:
        _mused(conn, change.agent, change.last_seq, change.at, change.mused)


def _mused(conn: Connection, agent_id: str, seq: int, at: datetime, how: Mused) -> None:
    """The agent was looked through, up to number `seq`."""
    conn.execute(
        "UPDATE agents SET mused_seq = iif(:read, :seq, mused_seq), mused_at = :at,"
        " stale_at = :again WHERE agent_id = :agent",
        agent=agent_id,
        read=how.read,
        seq=seq,
        at=micros(at),
        again=micros(how.again_at) if how.again_at is not None else None,
    )


# --- what it cost ---------------------------------------------------------------------------------


def _spend(conn: Connection, agent_id: str, at: datetime, spending: Spending) -> None:
    """Add to what an agent spent that day (in UTC)."""
    conn.execute(
        "INSERT INTO usage(agent_id, day, kind, calls, prompt, completion, money)"
        " VALUES(:agent, :day, :kind, :calls, :prompt, :completion, :money)"
        " ON CONFLICT(agent_id, day, kind) DO UPDATE SET calls = calls + :calls,"
        " prompt = prompt + :prompt, completion = completion + :completion, money = money + :money",
        agent=agent_id,
        day=f"{at:%Y-%m-%d}",
        kind=spending.kind,
        calls=spending.calls,
        prompt=spending.prompt,
        completion=spending.completion,
        money=spending.money,
    )


def usage(conn: Connection, agent_id: str | None, since: datetime) -> list[Usage]:
    """What was spent on each day since then, oldest first; None: of all agents together."""
    rows = conn.all(
        "SELECT day, kind, sum(calls) AS calls, sum(prompt) AS prompt, sum(completion) AS"
        " completion, sum(money) AS money FROM usage WHERE day >= :day"
        " AND (:agent IS NULL OR agent_id = :agent) GROUP BY day, kind ORDER BY day, kind",
        agent=agent_id,
        day=f"{since:%Y-%m-%d}",
    )
    return [
        Usage(
            day=row["day"],
            spending=Spending(
                kind=row["kind"], calls=row["calls"], prompt=row["prompt"],
                completion=row["completion"], money=row["money"],
            ),
        )
        for row in rows
    ]  # fmt: skip


def _tokens(conn: Connection, agent_id: str, day: str) -> int:
    row = conn.one(
        "SELECT prompt + completion AS tokens FROM usage"
        " WHERE agent_id = :agent AND day = :day AND kind = :kind",
        agent=agent_id,
        day=day,
        kind=KIND,
    )
    return int(row["tokens"]) if row else 0
