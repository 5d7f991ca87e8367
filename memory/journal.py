"""The journal: every change of memory, who made it and why, and enough to take it back."""

from dataclasses import replace

from memory import codec
from memory.codec import micros, moment
from memory.ports import Connection, Row
from memory.types import Diff, Entry, Fact, Thing


def _entry(row: Row) -> Entry:
    return Entry(
        seq=row["seq"],
        at=moment(row["at"]),
        actor=row["actor"],
        action=row["action"],
        summary=row["summary"],
        source=row["source"],
        diffs=codec.load_diffs(row["diffs"]),
        undoes=row["undoes"],
        undone_by=row["undone_by"],
    )


def insert(conn: Connection, agent_id: str, entry: Entry) -> None:
    conn.execute(
        "INSERT INTO journal(agent_id, seq, at, actor, action, summary, source, diffs, undoes,"
        " undone_by) VALUES(:agent, :seq, :at, :actor, :action, :summary, :source, :diffs,"
        " :undoes, :undone_by)",
        agent=agent_id,
        seq=entry.seq,
        at=micros(entry.at),
        actor=entry.actor,
        action=entry.action,
        summary=entry.summary,
        source=entry.source,
        diffs=codec.dump_diffs(entry.diffs),
        undoes=entry.undoes,
        undone_by=entry.undone_by,
    )
    if entry.undoes is not None:
        conn.execute(
            "UPDATE journal SET undone_by = :by WHERE agent_id = :agent AND seq = :seq",
            agent=agent_id,
            seq=entry.undoes,
            by=entry.seq,
        )


def get(conn: Connection, agent_id: str, seq: int) -> Entry | None:
    row = conn.one(
        "SELECT * FROM journal WHERE agent_id = :agent AND seq = :seq", agent=agent_id, seq=seq
    )
    return _entry(row) if row else None


def last_undoable(conn: Connection, agent_id: str) -> Entry | None:
    """The newest change that stands: neither undone nor an undo, nor the agent's creation."""
    row = conn.one(
        "SELECT * FROM journal WHERE agent_id = :agent AND undone_by IS NULL AND undoes IS NULL"
        " AND diffs <> '[]' AND action <> 'create' ORDER BY seq DESC LIMIT 1",
        agent=agent_id,
    )
    return _entry(row) if row else None


def page(
    conn: Connection, agent_id: str, *, newest_first: bool = True, offset: int = 0, limit: int = 20
) -> list[Entry]:
    order = "DESC" if newest_first else "ASC"
    rows = conn.all(
        f"SELECT * FROM journal WHERE agent_id = :agent ORDER BY seq {order}"  # noqa: S608
        " LIMIT :limit OFFSET :offset",
        agent=agent_id,
        limit=limit,
        offset=offset,
    )
    return [_entry(row) for row in rows]


def sources(conn: Connection, agent_id: str) -> frozenset[int]:
    """Numbers of the messages that led to a change, whatever became of it."""
    rows = conn.all(
        "SELECT DISTINCT source FROM journal WHERE agent_id = :agent AND source IS NOT NULL",
        agent=agent_id,
    )
    return frozenset(row["source"] for row in rows)


def learned(conn: Connection, agent_id: str, after: int, upto: int) -> list[Entry]:
    """The changes between two numbers that no person made and that stand, in their order."""
    rows = conn.all(
        "SELECT * FROM journal WHERE agent_id = :agent AND seq > :after AND seq <= :upto"
        " AND actor IN ('agent', 'heartbeat') AND undone_by IS NULL ORDER BY seq",
        agent=agent_id,
        after=after,
        upto=upto,
    )
    return [_entry(row) for row in rows]


def brought_back(conn: Connection, agent_id: str, actor: str) -> frozenset[int]:
    """Numbers of the facts that somebody's changes had moved, and an undo brought back."""
    rows = conn.all(
        "SELECT diffs FROM journal WHERE agent_id = :agent AND actor = :actor"
        " AND undone_by IS NOT NULL",
        agent=agent_id,
        actor=actor,
    )
    diffs = (diff for row in rows for diff in codec.load_diffs(row["diffs"]))
    return frozenset(diff.before.seq for diff in diffs if diff.before is not None)


def same(now: Thing | None, then: Thing | None) -> bool:
    """Whether a row still is what a change left. Having been read meanwhile changes nothing."""
    if isinstance(now, Fact) and isinstance(then, Fact):
        return replace(now, used_at=then.used_at, confirmed_at=then.confirmed_at) == then
    return now == then


def reversed_diffs(entry: Entry) -> tuple[Diff, ...]:
    """What takes the entry back, last change first."""
    return tuple(Diff(before=diff.after, after=diff.before) for diff in reversed(entry.diffs))
