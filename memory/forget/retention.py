"""What is not kept for ever: messages past their days, and those of pauses and incognito talk.

A message goes with its search words, its vector, every summary that tells of it, the reply as it
was sent, and what was asked about it. Facts and passages stay: they were chosen to be kept. Turns
go whole, and never while they are worked on. What is left of them in files is noted, to be swept.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

from memory import agents, changes, policy, queue, recall
from memory.codec import micros
from memory.forget import leftovers
from memory.policy import Rules
from memory.ports import Connection, Database, Row
from memory.types import Agent, Audience, now

BATCH = 200  # messages that lead to a removal, in one transaction
PAUSE = timedelta(days=1)  # after which what was said during a pause goes anyway
IDLE = (
    "NOT EXISTS (SELECT 1 FROM inbox AS i WHERE i.agent_id = m.agent_id"  # noqa: S608 -- ours
    f" AND i.turn = m.turn AND {queue.OPEN})"
)
REPLIES = "(outbox.key GLOB {turn} || ':*' OR outbox.key = 'delayed:' || {turn})"  # of a turn
KEPT: Final[tuple[Audience, ...]] = ("person", "room")  # audiences that have days
UNTIL = (  # the time before which what was said in a room is too old
    "coalesce((SELECT value FROM json_each(:own)"
    " WHERE substr({room}, 1, length(key) + 1) = key || '/'), :default)"
)
Find = Callable[[Connection, str], list[Row]]  # (agent, seq, turn) to go, from an agent on


@dataclass(frozen=True, slots=True, kw_only=True)
class _Until:
    """Before when messages are too old, in microseconds: in most workspaces, and in others; 0:
    never."""

    default: int
    own: Mapping[str, int]

    @property
    def latest(self) -> int:
        return max(self.default, *self.own.values(), 0)

    def params(self) -> dict[str, object]:
        own = json.dumps(dict(self.own), ensure_ascii=False)
        return {"default": self.default, "own": own, "latest": self.latest}


class Retention:
    """Sweeps a database. rules: where a workspace has none of its own."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self._database = database
        self._rules = rules
        self._swept: tuple[date, Mapping[str, Rules]] | None = None  # the last day, and by what

    async def sweep(self, at: datetime) -> Counter[str]:
        """Remove what is too old, once a day or when the rules change, and what is left of pauses,
        each time; how much of each kind that was."""
        counts = await self._drained(partial(_fleeting, before=at - PAUSE))
        own = await self._database.read(lambda conn: policy.everywhere(conn, self._rules))
        if self._swept == (at.date(), own):
            return counts
        untils = [_until(self._rules, own, (audience,), at) for audience in KEPT]
        for audience, until in zip(KEPT, untils, strict=True):
            if until.latest:
                counts += await self._drained(partial(_older, audience=audience, until=until))
        either = _until(self._rules, own, KEPT, at)
        if either.latest:
            counts += await self._database.write(lambda conn: _said(conn, either))
        self._swept = at.date(), own
        return counts

    async def _drained(self, find: Find) -> Counter[str]:
        """In small batches, between which others may write."""
        counts: Counter[str] = Counter()
        start = ""
        while rows := await self._database.read(lambda conn: find(conn, start)):  # noqa: B023
            start = rows[0]["agent"]  # those before have nothing left
            counts += await self._database.write(lambda conn: _remove(conn, find(conn, start)))  # noqa: B023
        return counts


def _until(
    rules: Rules, own: Mapping[str, Rules], audiences: Sequence[Audience], at: datetime
) -> _Until:
    """For the audience, of these, that is kept the shorter."""

    def before(rules: Rules) -> int:
        days = [rules.person if audience == "person" else rules.room for audience in audiences]
        return max((day_before(kept, at) for kept in days if kept), default=0)

    return _Until(default=before(rules), own={name: before(one) for name, one in own.items()})


def day_before(days: int, at: datetime) -> int:
    """When the day began that is so many days ago, in microseconds: whole days are kept."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return micros(midnight - timedelta(days=days))


def pause(conn: Connection, agent_id: str, *, paused: bool) -> None:
    """Stop or go on learning; what was said during a pause ends with it. Raises NotFound."""
    agent = changes.require(conn, agent_id)
    agents.set_settings(conn, agent_id, {**agent.settings, "paused": paused})
    _lift(conn, agent_id)


def incognito(conn: Connection, agent_id: str, room: str, *, on: bool) -> bool:
    """Stop or go on learning from one conversation; what was said meanwhile ends with it. Other
    threads of the room are not concerned. False: it was so already. Raises NotFound."""
    agent = changes.require(conn, agent_id)
    if agents.incognito(agent, room) == on:
        return False
    rooms = {*agent.settings.get("incognito", ())}
    rooms = rooms | {room} if on else rooms - set(agents.hushing(agent, room))
    agents.set_settings(conn, agent_id, {**agent.settings, "incognito": sorted(rooms)})
    _lift(conn, agent_id)
    return True


def _lift(conn: Connection, agent_id: str) -> None:
    """Remove what was said where it is learned again now. What is not answered, or not sent yet,
    follows within a day."""
    agent = changes.require(conn, agent_id)
    rows = conn.all(
        "SELECT agent_id AS agent, seq, turn, room FROM messages AS m"  # noqa: S608 -- ours
        f" WHERE agent_id = :agent AND fleeting = 1 AND {IDLE} AND NOT EXISTS"
        " (SELECT 1 FROM outbox WHERE agent_id = :agent AND state = 'ready'"
        f" AND {REPLIES.format(turn='m.turn')})",
        agent=agent_id,
    )
    _remove(conn, [row for row in rows if not agents.hushed(agent, row["room"])])


def _fleeting(conn: Connection, start: str, before: datetime) -> list[Row]:
    return conn.all(
        "SELECT agent_id AS agent, seq, turn FROM messages AS m WHERE agent_id >= :start"  # noqa: S608
        f" AND fleeting = 1 AND at < :before AND {IDLE} ORDER BY agent_id LIMIT :most",
        start=start,
        before=micros(before),
        most=BATCH,
    )


def _older(conn: Connection, start: str, audience: Audience, until: _Until) -> list[Row]:
    """An agent of a person's own has nothing that was said in rooms, nor a room's the reverse."""
    return conn.all(
        "SELECT m.agent_id AS agent, m.seq AS seq, m.turn AS turn FROM agents AS a"  # noqa: S608
        " CROSS JOIN messages AS m ON m.agent_id = a.agent_id AND m.at < :latest"
        " WHERE a.agent_id >= :start AND a.kind <> :other AND m.audience = :audience"
        f" AND m.at < {UNTIL.format(room='m.room')} AND {IDLE} ORDER BY a.agent_id LIMIT :most",
        start=start,
        other="room" if audience == "person" else "person",
        audience=audience,
        most=BATCH,
        **until.params(),
    )


def count_older(conn: Connection, workspace: str, audience: Audience, before: int) -> int:
    """How many messages of a workspace and audience were said before a time in microseconds."""
    row = conn.one(
        "SELECT count(*) AS n FROM agents AS a CROSS JOIN messages AS m"
        " ON m.agent_id = a.agent_id AND m.at < :before"
        " WHERE m.audience = :audience AND m.role <> 'tool'"
        " AND substr(m.room, 1, length(:workspace) + 1) = :workspace || '/'",
        workspace=workspace,
        audience=audience,
        before=before,
    )
    return int(row["n"]) if row else 0


def _remove(conn: Connection, rows: Sequence[Row]) -> Counter[str]:
    """Remove these messages with the rest of their turns."""
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["agent"]].append(row)
    counts: Counter[str] = Counter()
    for agent_id, theirs in found.items():
        seqs = [row["seq"] for row in theirs]
        turns = sorted({row["turn"] for row in theirs} - {0})  # 0: it was in no turn
        counts += _remove_turns(conn, changes.require(conn, agent_id), seqs, turns)
    leftovers.note(conn, found, now())
    return counts


def _remove_turns(
    conn: Connection, agent: Agent, seqs: Sequence[int], turns: Sequence[int]
) -> Counter[str]:
    rest = conn.all(
        "SELECT seq FROM messages WHERE agent_id = :agent"
        " AND turn IN (SELECT value FROM json_each(:turns))",
        agent=agent.id,
        turns=json.dumps(turns),
    )
    gone = recall.get(conn, agent.id, [*seqs, *(row["seq"] for row in rest)])
    since: dict[str, int] = {}
    spans: dict[int, list[int]] = {}
    for seq, message in sorted(gone.items()):
        since.setdefault(message.origin.room, seq)
        spans[message.turn] = [spans.get(message.turn, [seq])[0], seq]
    removed = recall.remove(conn, agent.id, agent.number, list(gone))
    summaries = conn.execute(
        "DELETE FROM summaries WHERE agent_id = :agent"
        " AND upto >= (SELECT value FROM json_each(:since) WHERE key = room)",
        agent=agent.id,
        since=json.dumps(since, ensure_ascii=False),
    )
    asked = _unask(conn, agent.id, [span for turn, span in spans.items() if turn])
    replies = _unsay(conn, agent.id, turns, asked)
    # a step that was drafted on what is gone would bring it back in its summary
    agents.advance(conn, agent.id, version=agent.version, last_seq=agent.last_seq)
    return Counter(messages=removed, summaries=summaries, replies=replies, questions=len(asked))


def _unask(conn: Connection, agent_id: str, spans: Sequence[Sequence[int]]) -> list[int]:
    """Close what was asked in turns, each given by its first and last number; which that was."""
    rows = conn.all(
        "UPDATE asks SET state = 'done', payload = '{}' WHERE agent_id = :agent"
        " AND kind <> 'notice' AND EXISTS (SELECT 1 FROM json_each(:spans) AS s"
        " WHERE asks.id BETWEEN json_extract(s.value, '$[0]') AND json_extract(s.value, '$[1]'))"
        " RETURNING id",
        agent=agent_id,
        spans=json.dumps(spans),
    )
    return [row["id"] for row in rows]


def _unsay(conn: Connection, agent_id: str, turns: Sequence[int], asked: Sequence[int]) -> int:
    """Empty what was sent in these turns, or since they asked, and give up what is not sent yet."""
    return conn.execute(
        "UPDATE outbox SET text = '', state = CASE state WHEN 'ready' THEN 'dead' ELSE state END"  # noqa: S608
        " WHERE agent_id = :agent AND text <> '' AND (key IN (SELECT 'ask:' || value FROM"
        " json_each(:asked)) OR EXISTS (SELECT 1 FROM json_each(:turns) AS t"
        f" WHERE {REPLIES.format(turn='t.value')}))",
        agent=agent_id,
        turns=json.dumps(turns),
        asked=json.dumps(asked),
    )


def _said(conn: Connection, until: _Until) -> Counter[str]:
    """Empty what was sent, and close what was asked: recall has what is still to be kept of it."""
    room = "json_extract(target, '$.address.platform') || '/'"
    room += " || json_extract(target, '$.address.space') || '/'"
    old = f"at < :latest AND at < {UNTIL.format(room=room)} RETURNING agent_id"
    replies = conn.all(
        f"UPDATE outbox SET text = '' WHERE state <> 'ready' AND text <> '' AND {old}",  # noqa: S608
        **until.params(),
    )
    asked = conn.all(
        "UPDATE asks SET state = 'done', payload = '{}'"  # noqa: S608 -- ours
        f" WHERE kind <> 'notice' AND state <> 'done' AND {old}",
        **until.params(),
    )
    leftovers.note(conn, {row["agent_id"] for row in (*replies, *asked)}, now())
    return Counter(replies=len(replies), questions=len(asked))
