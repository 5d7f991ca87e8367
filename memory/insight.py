"""Why something is remembered, and how much is: reading for people, across the shelves."""

from collections.abc import Sequence
from dataclasses import dataclass

from memory import archive, audience, changes, codec, core, journal, recall
from memory.likeness import key, part_of, words
from memory.ports import Connection
from memory.types import Diff, Entry, Fact, Hit, Message, Passage, Viewer


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


def learned(conn: Connection, agent_id: str, source: int) -> list[Fact | Passage]:
    """What was learned from a message and is still there, and the facts whose place it took."""
    facts = core.facts_from(conn, agent_id, source)
    return [*facts, *archive.passages_from(conn, agent_id, source)]


def still_true(conn: Connection, agent_id: str, hits: Sequence[Hit]) -> list[Hit]:
    """Those of the hits that no change of core memory outdated: no fact was learned from them that
    was replaced or removed since, nor do they say one. What a line that stands still says, such as
    one that several were joined to, is not outdated."""
    rows = conn.all("SELECT text, source, state FROM facts WHERE agent_id = :id", id=agent_id)
    standing = [words(row["text"]) for row in rows if row["state"] in ("active", "archived")]
    former = [
        (row["source"], key(row["text"]))
        for row in rows
        if row["state"] in ("superseded", "removed")
    ]

    def outdated(hit: Hit) -> bool:
        said, source = words(hit.text), hit.seq if hit.shelf == "messages" else None
        gone = [
            fact
            for told, fact in former
            if (told is not None and told == source) or (len(fact) > 1 and part_of(fact, said))
        ]
        return any(not any(part_of(fact, line) for line in standing) for fact in gone)

    return [hit for hit in hits if not outdated(hit)]


def reason(conn: Connection, viewer: Viewer, seq: int) -> Reason | None:
    """Everything that explains a fact or passage and that a viewer may see; None where the number
    is of neither, or of one that they may not."""
    agent_id = viewer.agent
    found = changes.thing(conn, agent_id, seq)
    if found is None or not audience.sees(viewer, agent_id, found.origin):
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
        source=sources(conn, viewer, [found]).get(source) if source is not None else None,
        entries=tuple(
            entry
            for entry in _entries(conn, agent_id, seq)
            if audience.sees_change(viewer, agent_id, entry)
        ),
        superseded=tuple(
            fact for fact in older if fact and audience.sees(viewer, agent_id, fact.origin)
        ),
    )


def sources(
    conn: Connection, viewer: Viewer, things: Sequence[Fact | Passage]
) -> dict[int, Message]:
    """The messages that things were learned from, as far as a viewer may see them, by number; of
    those that were forgotten, no word."""
    seqs = {thing.origin.source for thing in things}
    found = recall.get(conn, viewer.agent, sorted(seq for seq in seqs if seq is not None))
    return {
        seq: recall.unsaid(message)
        for seq, message in found.items()
        if audience.sees(viewer, viewer.agent, message.origin)
    }


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
