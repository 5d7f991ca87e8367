"""Core memory: blocks, and the facts that are their lines."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from difflib import SequenceMatcher
from itertools import pairwise

from memory import audience
from memory.codec import micros, moment, origin_columns, origin_of
from memory.ports import Connection, Row
from memory.types import Block, Diff, Fact, FactState, Origin, Viewer

LIMIT = 4000  # characters of a block
AS_OF = "f.valid_from <= :at AND (f.valid_to IS NULL OR f.valid_to > :at)"


JOINED = (  # active lines that were made from older ones, one of which a message led to
    "FROM facts AS old JOIN facts AS new ON new.agent_id = old.agent_id"
    " AND new.seq = old.superseded_by WHERE old.agent_id = :agent AND old.source = :source"
    " AND old.state = 'superseded' AND new.state = 'active' AND new.learned_at < new.valid_from"
)


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
                learned_at=at, confirmed_at=at, used_at=at, valid_from=at,
                pinned=i1 + n < i2 and old[i1 + n].pinned,
            )
            for n, (line, place) in enumerate(zip(new[j1:j2], places, strict=True))
        ]  # fmt: skip
        for n, gone in enumerate(old[i1:i2]):
            heir = born[min(n, len(born) - 1)].seq if born else None
            state: FactState = "superseded" if born else "removed"
            diffs.append(Diff(before=gone, after=ended(gone, state, at, heir)))
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


def ended(fact: Fact, state: FactState, at: datetime, heir: int | None = None) -> Fact:
    """The fact as history: it stood in its block until then."""
    until = max(at, fact.valid_from)
    return replace(fact, state=state, superseded_by=heir, valid_to=until)


def restored(fact: Fact) -> Fact:
    """The fact in its place again, as if it had never gone."""
    return replace(fact, state="active", superseded_by=None, valid_to=None)


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
        valid_from=moment(row["valid_from"]),
        valid_to=moment(row["valid_to"]) if row["valid_to"] is not None else None,
        pinned=bool(row["pinned"]),
        superseded_by=row["superseded_by"],
        state=row["state"],
    )


def blocks(conn: Connection, agent_id: str, viewer: Viewer | None = None) -> tuple[Block, ...]:
    """The agent's blocks in their order, each with its active facts; those that a viewer may see.

    Without a viewer all of them, for whoever changes memory and tells nobody.
    """
    return _blocks(conn, agent_id, viewer, "f.state = 'active'")


def _blocks(
    conn: Connection, agent_id: str, viewer: Viewer | None, where: str, **params: int
) -> tuple[Block, ...]:
    seen = viewer or audience.operator(agent_id)
    facts: dict[str, list[Fact]] = {}
    for row in conn.all(
        f"SELECT * FROM facts AS f WHERE f.agent_id = :agent AND {where}"  # noqa: S608 -- ours
        f" AND {audience.visible('f')} ORDER BY label, position, seq",
        agent=agent_id,
        **audience.params(seen),
        **params,
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


def as_of(
    conn: Connection, agent_id: str, at: datetime, viewer: Viewer | None = None
) -> tuple[Block, ...]:
    """The blocks as they stood at a time, as far as history is kept: with the facts that were
    valid then, whatever became of them. What was undone never was; what was forgotten for good is
    not there."""
    return _blocks(conn, agent_id, viewer, AS_OF, at=micros(at))


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


def shared(conn: Connection, viewer: Viewer, limit: int) -> list[tuple[str, Fact]]:
    """The newest facts of other agents that this workspace may know, each with whose it is.

    Of an account that is linked to another, that other one's memory is what counts.
    """
    rows = conn.all(
        "SELECT f.*, a.name AS name FROM facts AS f JOIN agents AS a ON a.agent_id = f.agent_id"  # noqa: S608
        " WHERE f.audience = 'workspace' AND f.state = 'active' AND f.workspace = :v_workspace"
        f" AND f.agent_id <> :v_agent AND {audience.visible('f')} AND NOT EXISTS"
        " (SELECT 1 FROM identities AS i WHERE i.agent_id = f.agent_id AND i.person <> i.agent_id)"
        " ORDER BY f.learned_at DESC, f.agent_id, f.seq LIMIT :limit",
        limit=limit,
        **audience.params(viewer),
    )
    return [(row["name"], _fact(row)) for row in reversed(rows)]


def of_rooms(conn: Connection, viewer: Viewer, limit: int) -> list[tuple[str, Fact]]:
    """The newest facts of the other rooms that all readers can read, each with the room's name."""
    rows = conn.all(
        "SELECT f.*, a.name AS name FROM facts AS f JOIN agents AS a ON a.agent_id = f.agent_id"  # noqa: S608
        " WHERE f.agent_id IN (SELECT value FROM json_each(:v_rooms)) AND f.agent_id <> :v_agent"
        f" AND f.state = 'active' AND {audience.visible('f')}"
        " ORDER BY f.learned_at DESC, f.agent_id, f.seq LIMIT :limit",
        limit=limit,
        **audience.params(viewer),
    )
    return [(row["name"], _fact(row)) for row in rows]


def get_fact(conn: Connection, agent_id: str, seq: int) -> Fact | None:
    row = conn.one(
        "SELECT * FROM facts WHERE agent_id = :agent AND seq = :seq", agent=agent_id, seq=seq
    )
    return _fact(row) if row else None


def all_facts(conn: Connection, agent_id: str) -> list[Fact]:
    """Facts in every state, oldest first."""
    rows = conn.all("SELECT * FROM facts WHERE agent_id = :agent ORDER BY seq", agent=agent_id)
    return [_fact(row) for row in rows]


def facts_from(conn: Connection, agent_id: str, source: int) -> list[Fact]:
    """The active facts that were learned from a message, and the ones whose place they took.

    A line that was made from several facts is learned from the messages of them all.
    """
    rows = conn.all(
        "SELECT * FROM facts WHERE agent_id = :agent AND source = :source AND state = 'active'"  # noqa: S608
        " UNION SELECT old.* FROM facts AS old JOIN facts AS new ON new.agent_id = old.agent_id"
        " AND new.seq = old.superseded_by WHERE new.agent_id = :agent AND new.source = :source"
        " AND new.state = 'active' AND old.state = 'superseded'"
        f" UNION SELECT new.* {JOINED} UNION SELECT f.* FROM facts AS f WHERE f.agent_id = :agent"
        f" AND f.superseded_by IN (SELECT new.seq {JOINED}) ORDER BY seq",
        agent=agent_id,
        source=source,
    )
    return [_fact(row) for row in rows]


def put_fact(conn: Connection, agent_id: str, fact: Fact) -> None:
    """Write a fact, new or changed."""
    conn.execute(
        "INSERT OR REPLACE INTO facts(agent_id, seq, label, position, text, audience, person, room,"
        " workspace, source, learned_at, confirmed_at, used_at, valid_from, valid_to, pinned,"
        " superseded_by, state)"
        " VALUES(:agent, :seq, :label, :position, :text, :audience, :person, :room, :workspace,"
        " :source, :learned_at, :confirmed_at, :used_at, :valid_from, :valid_to, :pinned,"
        " :superseded_by, :state)",
        agent=agent_id,
        seq=fact.seq,
        label=fact.label,
        position=fact.position,
        text=fact.text,
        **origin_columns(fact.origin),
        learned_at=micros(fact.learned_at),
        confirmed_at=micros(fact.confirmed_at),
        used_at=micros(fact.used_at),
        valid_from=micros(fact.valid_from),
        valid_to=micros(fact.valid_to) if fact.valid_to is not None else None,
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
