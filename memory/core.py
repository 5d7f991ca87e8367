"""Core memory: blocks, and the facts that are their lines."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from difflib import SequenceMatcher
from itertools import pairwise

from memory.codec import micros, moment, origin_columns, origin_of
from memory.ports import Connection, Row
from memory.types import Block, Diff, Fact, FactState, Origin

LIMIT = 4000  # characters of a block


def lines_of(text: str) -> list[str]:
    """The facts that a text has: its lines that are not blank, trimmed."""
    return [line.strip() for line in text.split("\n") if line.strip()]


# --- pure: how a block changes ---------------------------------------------------------------


def rewritten(
    block: Block, text: str, *, at: datetime, origin: Origin, seq: Callable[[], int]
) -> tuple[Block, list[Diff]]:
    """The block with another text, and what that does to its facts.

    A line that stays keeps its fact. A line that takes another's place supersedes it; a line that
    goes is removed; each keeps its history.
    """
    old, new = block.facts, lines_of(text)
    matcher = SequenceMatcher(a=[fact.text for fact in old], b=new, autojunk=False)
    facts: list[Fact] = []
    diffs: list[Diff] = []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            facts.extend(old[i1:i2])
            continue
        before = facts[-1].position if facts else None
        after = old[i2].position if i2 < len(old) else None
        places = _places(before, after, j2 - j1)
        born = [
            Fact(
                seq=seq(), label=block.label, position=place, text=line, origin=origin,
                learned_at=at, confirmed_at=at, used_at=at,
                pinned=i1 + n < i2 and old[i1 + n].pinned,
            )
            for n, (line, place) in enumerate(zip(new[j1:j2], places, strict=True))
        ]  # fmt: skip
        for n, gone in enumerate(old[i1:i2]):
            heir = born[min(n, len(born) - 1)].seq if born else None
            state: FactState = "superseded" if born else "removed"
            diffs.append(Diff(before=gone, after=replace(gone, state=state, superseded_by=heir)))
        diffs.extend(Diff(before=None, after=fact) for fact in born)
        facts.extend(born)
    if any(b.position <= a.position for a, b in pairwise(facts)):
        facts, diffs = _spaced(facts, diffs)
    return replace(block, facts=tuple(facts)), diffs


def _spaced(facts: Sequence[Fact], diffs: Sequence[Diff]) -> tuple[list[Fact], list[Diff]]:
    """Facts at 1, 2, 3 …: a gap was halved until there was no number left in it."""
    apart = [replace(fact, position=float(n)) for n, fact in enumerate(facts, start=1)]
    moved = {fact.seq: fact for fact in apart}
    born = {diff.after.seq for diff in diffs if diff.before is None and diff.after}
    told = [
        replace(diff, after=moved[diff.after.seq]) if diff.after and diff.before is None else diff
        for diff in diffs
    ]
    told.extend(
        Diff(before=old, after=new)
        for old, new in zip(facts, apart, strict=True)
        if old.seq not in born and old != new
    )
    return apart, told


def _places(before: float | None, after: float | None, count: int) -> Iterator[float]:
    """`count` positions in a gap, in order."""
    if after is None:
        start = 0.0 if before is None else before
        return (start + n for n in range(1, count + 1))
    low = after - count - 1 if before is None else before
    return (low + (after - low) * n / (count + 1) for n in range(1, count + 1))


def without(block: Block, gone: Sequence[Fact]) -> Block:
    seqs = {fact.seq for fact in gone}
    return replace(block, facts=tuple(fact for fact in block.facts if fact.seq not in seqs))


# --- rows ------------------------------------------------------------------------------------


def _fact(row: Row) -> Fact:
    return Fact(
        seq=row["seq"],
        label=row["label"],
        position=row["position"],
        text=row["text"],
        origin=origin_of(row),
        learned_at=moment(row["learned_at"]),
        confirmed_at=moment(row["confirmed_at"]),
        used_at=moment(row["used_at"]),
        pinned=bool(row["pinned"]),
        superseded_by=row["superseded_by"],
        state=row["state"],
    )


def blocks(conn: Connection, agent_id: str) -> tuple[Block, ...]:
    """The agent's blocks in their order, each with its active facts."""
    facts: dict[str, list[Fact]] = {}
    for row in conn.all(
        "SELECT * FROM facts WHERE agent_id = :agent AND state = 'active'"
        " ORDER BY label, position, seq",
        agent=agent_id,
    ):
        facts.setdefault(row["label"], []).append(_fact(row))
    return tuple(
        Block(
            label=row["label"],
            limit=row["limit"],
            read_only=bool(row["read_only"]),
            description=row["description"],
            person=row["person"],
            facts=tuple(facts.get(row["label"], ())),
        )
        for row in conn.all(
            "SELECT * FROM blocks WHERE agent_id = :agent ORDER BY position, label", agent=agent_id
        )
    )


def insert_block(conn: Connection, agent_id: str, block: Block, position: int) -> None:
    conn.execute(
        'INSERT INTO blocks(agent_id, label, position, "limit", read_only, description, person)'
        " VALUES(:agent, :label, :position, :limit, :read_only, :description, :person)",
        agent=agent_id,
        label=block.label,
        position=position,
        limit=block.limit,
        read_only=int(block.read_only),
        description=block.description,
        person=block.person,
    )


def get_fact(conn: Connection, agent_id: str, seq: int) -> Fact | None:
    row = conn.one(
        "SELECT * FROM facts WHERE agent_id = :agent AND seq = :seq", agent=agent_id, seq=seq
    )
    return _fact(row) if row else None


def all_facts(conn: Connection, agent_id: str) -> list[Fact]:
    """Facts in every state, oldest first."""
    rows = conn.all("SELECT * FROM facts WHERE agent_id = :agent ORDER BY seq", agent=agent_id)
    return [_fact(row) for row in rows]


def put_fact(conn: Connection, agent_id: str, fact: Fact) -> None:
    """Write a fact, new or changed."""
    conn.execute(
        "INSERT OR REPLACE INTO facts(agent_id, seq, label, position, text, audience, person, room,"
        " source, learned_at, confirmed_at, used_at, pinned, superseded_by, state)"
        " VALUES(:agent, :seq, :label, :position, :text, :audience, :person, :room, :source,"
        " :learned_at, :confirmed_at, :used_at, :pinned, :superseded_by, :state)",
        agent=agent_id,
        seq=fact.seq,
        label=fact.label,
        position=fact.position,
        text=fact.text,
        **origin_columns(fact.origin),
        learned_at=micros(fact.learned_at),
        confirmed_at=micros(fact.confirmed_at),
        used_at=micros(fact.used_at),
        pinned=int(fact.pinned),
        superseded_by=fact.superseded_by,
        state=fact.state,
    )


def remove_fact(conn: Connection, agent_id: str, seq: int) -> None:
    conn.execute(
        "DELETE FROM facts WHERE agent_id = :agent AND seq = :seq", agent=agent_id, seq=seq
    )


def mark_used(conn: Connection, agent_id: str, seqs: Sequence[int], at: datetime) -> None:
    conn.many(
        "UPDATE facts SET used_at = :at WHERE agent_id = :agent AND seq = :seq AND used_at < :at",
        [{"agent": agent_id, "seq": seq, "at": micros(at)} for seq in seqs],
    )
