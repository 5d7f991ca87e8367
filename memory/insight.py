"""Why something is remembered, and how much is: reading for people, across the shelves."""

from collections.abc import Sequence
from dataclasses import dataclass

from memory import archive, codec, core, journal, recall
from memory.ports import Connection
from memory.types import Diff, Entry, Fact, Message, Passage


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How much an agent remembers."""

    facts: int  # active ones
    messages: int  # of every role
    passages: int
    changes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Where a fact or passage comes from, and what became of it."""

    thing: Fact | Passage
    source: Message | None  # what was said; None where it was written by hand
    entries: tuple[Entry, ...]  # the changes that touched it, oldest first
    superseded: tuple[Fact, ...]  # the facts whose place it took


def tally(conn: Connection, agent_id: str) -> Tally:
    row = conn.one(
        "SELECT (SELECT count(*) FROM facts WHERE agent_id = :agent AND state = 'active') AS facts,"
        " (SELECT count(*) FROM messages WHERE agent_id = :agent) AS messages,"
        " (SELECT count(*) FROM passages WHERE agent_id = :agent) AS passages,"
        " (SELECT count(*) FROM journal WHERE agent_id = :agent) AS changes",
        agent=agent_id,
    )
    assert row is not None
    return Tally(**dict(row))


def thing(conn: Connection, agent_id: str, seq: int) -> Fact | Passage | None:
    """The fact, in any state, or the passage that has this number."""
    return core.get_fact(conn, agent_id, seq) or archive.get(conn, agent_id, [seq]).get(seq)


def reason(conn: Connection, agent_id: str, seq: int) -> Reason | None:
    """Everything that explains a fact or passage; None where the number is of neither."""
    found = thing(conn, agent_id, seq)
    if found is None:
        return None
    heirs = conn.all(
        "SELECT seq FROM facts WHERE agent_id = :agent AND superseded_by = :seq ORDER BY seq",
        agent=agent_id,
        seq=seq,
    )
    older = (core.get_fact(conn, agent_id, row["seq"]) for row in heirs)
    source = found.origin.source
    return Reason(
        thing=found,
        source=sources(conn, agent_id, [found]).get(source) if source is not None else None,
        entries=tuple(_entries(conn, agent_id, seq)),
        superseded=tuple(fact for fact in older if fact is not None),
    )


def sources(
    conn: Connection, agent_id: str, things: Sequence[Fact | Passage]
) -> dict[int, Message]:
    """The messages that things were learned from, by number."""
    seqs = {thing.origin.source for thing in things}
    return recall.get(conn, agent_id, sorted(seq for seq in seqs if seq is not None))


def _entries(conn: Connection, agent_id: str, seq: int) -> list[Entry]:
    """The journal entries with a change of it."""
    rows = conn.all(
        "SELECT seq, diffs FROM journal WHERE agent_id = :agent AND diffs LIKE :part ORDER BY seq",
        agent=agent_id,
        part=f'%"seq":{seq},%',
    )
    touching = [row["seq"] for row in rows if _touches(codec.load_diffs(row["diffs"]), seq)]
    found = (journal.get(conn, agent_id, number) for number in touching)
    return [entry for entry in found if entry is not None]


def _touches(diffs: Sequence[Diff], seq: int) -> bool:
    kept = (diff.after or diff.before for diff in diffs)
    return any(row is not None and row.seq == seq for row in kept)
