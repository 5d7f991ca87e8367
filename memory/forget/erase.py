"""Erasing: an agent with all that it remembers, and a person wherever they left a trace.

Rows go here, in one transaction. The bytes that they leave in files, and the vectors in index
files, go right after: what is still to be swept is written down, so that a crash in between
forgets nothing of it. Inside a transaction.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from memory import agents, archive, changes, core, journal, links, queue, recall, shelf
from memory.codec import micros
from memory.forget import leftovers, quoted
from memory.ports import Connection
from memory.types import Agent, Diff, Entry, Fact, Origin, Passage, Thing

COUNTED = ("facts", "passages", "messages", "journal", "summaries", "timers")
THEIRS = "(SELECT value FROM json_each(:who))"
TRACES = f"""
SELECT agent_id FROM blocks WHERE person IN {THEIRS}
UNION SELECT agent_id FROM facts WHERE person IN {THEIRS}
UNION SELECT agent_id FROM passages WHERE person IN {THEIRS}
UNION SELECT agent_id FROM messages WHERE person IN {THEIRS}
UNION SELECT agent_id FROM summaries WHERE person IN {THEIRS}
UNION SELECT agent_id FROM timers WHERE json_extract(payload, '$.person') IN {THEIRS}
UNION SELECT agent_id FROM inbox
  WHERE {queue.OPEN} AND json_extract(payload, '$.person') IN {THEIRS}
UNION SELECT agent_id FROM journal
  WHERE EXISTS (SELECT 1 FROM json_each(:who) AS w WHERE instr(diffs, '"' || w.value || '"'))
"""  # noqa: S608 -- ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What was removed when a person was forgotten: how much of each, in all agents together."""

    agents: int  # that were the person's alone
    facts: int  # in any state
    passages: int
    messages: int  # theirs, and the answers to them
    changes: int  # journal entries
    summaries: int
    timers: int
    waiting: int  # rows of inboxes and outboxes
    files: int = 0
    gone: tuple[str, ...] = ()  # ids of those agents
    rooms: tuple[str, ...] = ()  # ids of the other agents that had something from the person
    clean: bool = False  # nothing is left in unused bytes of the files either


def agent(conn: Connection, agent_id: str) -> None:
    """Every row of an agent, its search words included. Raises NotFound."""
    found = changes.require(conn, agent_id)
    spoken = [message.seq for message in recall.page(conn, agent_id, limit=-1)]
    recall.remove(conn, found.id, found.number, spoken)
    for passage in archive.page(conn, agent_id, limit=-1):
        archive.remove(conn, found.id, found.number, passage)
    agents.delete(conn, agent_id)


def person(conn: Connection, person_id: str, at: datetime) -> Receipt:
    """Every trace of a person and of all their accounts, in every agent.

    What is left of them is a tombstone for each account: a hash and a time.
    """
    ids = links.person_ids(conn, agents.person_id(conn, person_id))
    who = json.dumps(ids)
    own = _own(conn, who)
    traces = conn.all(TRACES, who=who)
    rooms = [row["agent_id"] for row in traces if row["agent_id"] not in own]
    counts: Counter[str] = Counter()
    words = quoted.words_of(conn, who)
    _bury(conn, ids, at)
    for agent_id in own:
        counts += _tally(conn, agent_id)
        agent(conn, agent_id)
    for agent_id in rooms:
        counts += _Traces.of(conn, changes.require(conn, agent_id), who).remove()
    for table, where in (
        ("identities", f"agent_id IN {THEIRS} OR person IN {THEIRS}"),
        ("links", f"agent_id IN {THEIRS} OR person IN {THEIRS}"),
        ("link_codes", f"agent_id IN {THEIRS}"),
        ("asks", f"person IN {THEIRS}"),
        ("members", f"person IN {THEIRS}"),
        ("persons", f"agent_id IN {THEIRS}"),
    ):
        conn.execute(f"DELETE FROM {table} WHERE {where}", who=who)  # noqa: S608 -- ours
    others = quoted.remove(conn, words)
    shelf.merge_words(conn)
    leftovers.note(conn, {*ids, *own, *rooms, *others}, at)
    return Receipt(
        agents=len(own),
        facts=counts["facts"],
        passages=counts["passages"],
        messages=counts["messages"],
        changes=counts["journal"],
        summaries=counts["summaries"],
        timers=counts["timers"],
        waiting=counts["waiting"],
        gone=tuple(own),
        rooms=tuple(rooms),
    )


def _own(conn: Connection, who: str) -> list[str]:
    """The agents that are a person's alone: theirs, and those that their accounts had before."""
    rows = conn.all(
        f"SELECT agent_id FROM agents WHERE agent_id IN {THEIRS}"  # noqa: S608 -- ours
        f" OR (kind = 'person' AND person IN {THEIRS}) ORDER BY agent_id",
        who=who,
    )
    return [row["agent_id"] for row in rows]


def _tally(conn: Connection, agent_id: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for table in COUNTED:
        row = conn.one(
            f"SELECT count(*) AS n FROM {table} WHERE agent_id = :agent",  # noqa: S608 -- ours
            agent=agent_id,
        )
        counts[table] = row["n"] if row else 0
    counts["waiting"] = queue.open_count(conn, agent_id) + len(queue.unsent(conn, agent_id))
    return counts


# --- tombstones -----------------------------------------------------------------------------------


def _bury(conn: Connection, ids: Sequence[str], at: datetime) -> None:
    """Keep when each account was forgotten, and how far the agent's turns were counted: platforms
    know its replies by their numbers, and would take a second reply 1 for the first."""
    for account in ids:
        conn.execute(
            "INSERT INTO forgotten(agent_id, at, turns) VALUES(:id, :at, coalesce((SELECT"
            " max(inbox_seq, outbox_seq) FROM agents WHERE agent_id = :id), 0))"
            " ON CONFLICT(agent_id) DO UPDATE SET at = max(at, excluded.at),"
            " turns = max(turns, excluded.turns)",
            id=account,
            at=micros(at),
        )


def forgotten(conn: Connection, account: str, at: datetime) -> bool:
    """Whether an account was forgotten after this time: then what it said before stays unsaid."""
    row = conn.one(
        "SELECT 1 AS yes FROM forgotten WHERE agent_id = :id AND at >= :at",
        id=account,
        at=micros(at),
    )
    return row is not None


# --- one agent that is not the person's own -------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Traces:
    """What an agent has from a person."""

    conn: Connection
    agent: Agent
    who: str  # the person's ids, as JSON
    ids: frozenset[str]
    labels: frozenset[str]  # of the blocks about them
    messages: frozenset[int]  # theirs, and what was answered or done in the same turns
    turns: frozenset[int]  # in which they spoke
    since: Mapping[str, int]  # the number of their first message, by room
    open: tuple[int, ...]  # ids of inbox rows that wait, or are worked on

    @classmethod
    def of(cls, conn: Connection, agent: Agent, who: str) -> "_Traces":
        key = {"agent": agent.id, "who": who}
        said = conn.all(
            "SELECT seq, turn, room, event FROM messages"  # noqa: S608 -- ours
            f" WHERE agent_id = :agent AND person IN {THEIRS} ORDER BY seq",
            **key,
        )
        blocks = conn.all(
            f"SELECT label FROM blocks WHERE agent_id = :agent AND person IN {THEIRS}",  # noqa: S608
            **key,
        )
        waiting = conn.all(
            f"SELECT id, turn, dedup FROM inbox WHERE agent_id = :agent AND {queue.OPEN}"  # noqa: S608
            f" AND json_extract(payload, '$.person') IN {THEIRS}",
            **key,
        )
        events = {row["event"] for row in said} | {row["dedup"] for row in waiting}
        edits = conn.all(  # those say only which message they are about
            f"SELECT id, turn FROM inbox WHERE agent_id = :agent AND {queue.OPEN}"  # noqa: S608
            " AND json_extract(payload, '$.event') IN (SELECT value FROM json_each(:events))",
            agent=agent.id,
            events=_json(events - {""}),
        )
        open_ = [*waiting, *edits]
        turns = {row["turn"] for row in (*said, *open_)} - {0, None}
        answers = conn.all(
            "SELECT seq FROM messages WHERE agent_id = :agent AND role <> 'user'"
            " AND turn IN (SELECT value FROM json_each(:turns))",
            agent=agent.id,
            turns=_json(turns),
        )
        return cls(
            conn=conn,
            agent=agent,
            who=who,
            ids=frozenset(json.loads(who)),
            labels=frozenset(row["label"] for row in blocks),
            messages=frozenset(row["seq"] for row in (*said, *answers)),
            turns=frozenset(turns),
            since={row["room"]: row["seq"] for row in reversed(said)},
            open=tuple(row["id"] for row in open_),
        )

    def remove(self) -> Counter[str]:
        """All of it. What was drafted on the agent's memory as it was is a Conflict now."""
        counts: Counter[str] = Counter()
        gone = self._things(counts)
        counts["journal"] = self._entries(gone)
        counts["messages"] = self._messages()
        counts["summaries"] = self._execute(
            f"DELETE FROM summaries WHERE agent_id = :agent AND (person IN {THEIRS}"  # noqa: S608
            " OR upto >= (SELECT value FROM json_each(:since) WHERE key = room))",
            who=self.who,
            since=json.dumps(self.since),
        )
        counts["timers"] = self._execute(
            "DELETE FROM timers WHERE agent_id = :agent"  # noqa: S608 -- ours
            f" AND json_extract(payload, '$.person') IN {THEIRS}",
            who=self.who,
        )
        counts["waiting"] = self._inbox() + self._outbox()
        self._execute(
            f"DELETE FROM blocks WHERE agent_id = :agent AND person IN {THEIRS}",  # noqa: S608
            who=self.who,
        )
        agent = self.agent
        agents.advance(self.conn, agent.id, version=agent.version, last_seq=agent.last_seq)
        return counts

    def _execute(self, sql: str, **params: object) -> int:
        return self.conn.execute(sql, agent=self.agent.id, **params)

    def _theirs(self, thing: Thing | None) -> bool:
        """Whether a thing is theirs: said by them, about them, or learned with them."""
        if thing is None:
            return False
        origin: Origin = thing.origin
        said = {thing.seq, origin.source} & self.messages  # one counter numbers them all
        return origin.person in self.ids or bool(said) or _label(thing) in self.labels

    def _things(self, counts: Counter[str]) -> set[int]:
        """Remove facts and passages; their numbers."""
        conn, agent = self.conn, self.agent
        facts = [fact.seq for fact in core.all_facts(conn, agent.id) if self._theirs(fact)]
        passages = [
            passage for passage in archive.page(conn, agent.id, limit=-1) if self._theirs(passage)
        ]
        gone = _json(facts)
        self._execute(
            "DELETE FROM facts WHERE agent_id = :agent"
            " AND seq IN (SELECT value FROM json_each(:gone))",
            gone=gone,
        )
        self._execute(
            "UPDATE facts SET superseded_by = NULL WHERE agent_id = :agent"
            " AND superseded_by IN (SELECT value FROM json_each(:gone))",
            gone=gone,
        )
        for passage in passages:
            archive.remove(conn, agent.id, agent.number, passage)
        counts["facts"], counts["passages"] = len(facts), len(passages)
        return {*facts, *(passage.seq for passage in passages)}

    def _entries(self, gone: set[int]) -> int:
        """Remove the changes that tell of what is gone, with those that they took back."""
        entries = journal.page(self.conn, self.agent.id, limit=-1)
        dropped = {entry.seq for entry in entries if self._tells(entry, gone)}
        pairs = [(entry.seq, entry.undoes) for entry in entries if entry.undoes is not None]
        for undo, undone in pairs:
            if undo in dropped or undone in dropped:
                dropped |= {undo, undone}
        return self._execute(
            "DELETE FROM journal WHERE agent_id = :agent"
            " AND seq IN (SELECT value FROM json_each(:seqs))",
            seqs=_json(dropped),
        )

    def _tells(self, entry: Entry, gone: set[int]) -> bool:
        return entry.source in self.messages or any(
            self._theirs(row) or (row is not None and row.seq in gone)
            for diff in entry.diffs
            for row in _rows(diff)
        )

    def _messages(self) -> int:
        agent = self.agent
        return recall.remove(self.conn, agent.id, agent.number, sorted(self.messages))

    def _inbox(self) -> int:
        """Remove what waits. A turn that others wait for too goes on without it, under the number
        of the first row that is left; whoever works on it has lost the claim."""
        removed = self._execute(
            "DELETE FROM inbox WHERE agent_id = :agent"
            " AND id IN (SELECT value FROM json_each(:open))",
            open=_json(self.open),
        )
        left = self.conn.all(
            f"SELECT turn, min(id) AS first FROM inbox WHERE agent_id = :agent AND {queue.OPEN}"  # noqa: S608
            " AND turn IN (SELECT value FROM json_each(:turns)) GROUP BY turn",
            agent=self.agent.id,
            turns=_json(self.turns),
        )
        for row in left:
            turns = {"turn": row["turn"], "first": row["first"]}
            self._execute(
                "UPDATE inbox SET turn = :first, state = 'ready'"  # noqa: S608 -- ours
                f" WHERE agent_id = :agent AND turn = :turn AND {queue.OPEN}",
                **turns,
            )
            self._execute(
                "UPDATE messages SET turn = :first WHERE agent_id = :agent AND turn = :turn",
                **turns,
            )
        return removed

    def _outbox(self) -> int:
        """Take back what is not sent yet of the answers to them; of the others, the words."""
        theirs = (
            "agent_id = :agent AND EXISTS (SELECT 1 FROM json_each(:turns) AS t WHERE"
            " outbox.key GLOB t.value || ':*' OR outbox.key = 'delayed:' || t.value)"
        )
        turns = _json(self.turns)
        unsent = f"DELETE FROM outbox WHERE {theirs} AND state <> 'sent'"  # noqa: S608 -- ours
        sent = f"UPDATE outbox SET text = '' WHERE {theirs} AND text <> ''"  # noqa: S608 -- ours
        return self._execute(unsent, turns=turns) + self._execute(sent, turns=turns)


def _label(thing: Thing) -> str | None:
    """The block of a fact; of a passage, the one it was put away from."""
    match thing:
        case Fact(label=label) | Passage(tags=("core", label)):
            return label
    return None


def _rows(diff: Diff) -> tuple[Thing | None, ...]:
    return diff.before, diff.after


def _json(values: Iterable[object]) -> str:
    return json.dumps(list(values), ensure_ascii=False)
