"""Writes a change of an agent whole, and takes one back. Inside a transaction."""

from collections.abc import Sequence
from dataclasses import replace

from memory import agents, archive, asks, audience, core, heartbeats, journal, queue, recall
from memory.draft import Draft
from memory.errors import BadInput, Conflict, LimitReached, NotFound, NotYours
from memory.ports import Connection
from memory.types import Agent, Change, Diff, Entry, Fact, Passage, Remark, Thing, Viewer


def require(conn: Connection, agent_id: str) -> Agent:
    """Raises NotFound."""
    agent = agents.find(conn, agent_id)
    if agent is None:
        raise NotFound("There is no such agent.")
    return agent


def write(conn: Connection, change: Change) -> None:
    agent = require(conn, change.agent)
    if not agents.advance(conn, change.agent, version=change.version, last_seq=change.last_seq):
        raise Conflict
    fleeting = any(message.fleeting for message in change.messages) or (
        change.claim is not None and recall.in_passing(conn, agent.id, change.claim.turn)
    )
    for message in change.messages:  # a turn is kept whole, or not
        recall.insert(conn, agent.id, agent.number, replace(message, fleeting=fleeting))
    for entry in change.entries:
        for diff in entry.diffs:
            _write_diff(conn, agent, diff)
        journal.insert(conn, agent.id, entry)
    asks.put(conn, agent.id, change.asks)
    for message in change.revised:
        recall.revise(conn, agent.id, agent.number, message)
    if change.summary is not None:
        recall.put_summary(conn, agent.id, change.summary, change.at)
    if change.used:
        core.mark_used(conn, agent.id, change.used, change.at)
    queue.put_replies(conn, agent.id, change.replies, change.at)
    heartbeats.note(conn, change)
    if change.claim is not None:
        queue.step(conn, change.claim, done=change.done)


def keep_to_own(draft: Draft, viewer: Viewer | None) -> None:
    """Raises NotYours where a change by hand is about somebody else, and the viewer no admin.

    What was learned from a message, whomever it is about, goes with it and comes back with it.
    """
    if viewer is None:
        return
    for entry in draft.entries:
        things = [thing for diff in entry.diffs if (thing := diff.after or diff.before)]
        said = [thing for thing in things if isinstance(thing, Remark)]
        if not all(audience.may_forget(viewer, remark) for remark in said):
            raise NotYours(
                f"Message #{said[0].seq} is not yours. Only whoever said it, or an admin of the"
                " workspace, can have it forgotten or brought back."
            )
        if not said:
            _keep_to_own(draft, viewer, things)


def _keep_to_own(draft: Draft, viewer: Viewer, things: Sequence[Thing]) -> None:
    for thing in things:
        block = draft.blocks.get(thing.label) if isinstance(thing, Fact) else None
        if block is not None and not audience.may_change(viewer, block):
            raise NotYours(
                f"'{block.label}' is about somebody else. Only they, or an admin of the workspace,"
                " can change it by hand."
            )


def _write_diff(conn: Connection, agent: Agent, diff: Diff) -> None:
    match diff.before, diff.after:
        case (_, Fact() as fact):
            core.put_fact(conn, agent.id, fact)
        case (Fact() as fact, None):
            core.remove_fact(conn, agent.id, fact.seq)
        case (None, Passage() as passage):
            archive.insert(conn, agent.id, agent.number, passage)
        case (Remark(), Remark() as remark):
            for message in recall.get(conn, agent.id, [remark.seq]).values():
                after = replace(message, forgotten=remark.forgotten)
                recall.revise(conn, agent.id, agent.number, after)
        case (Passage() as passage, None):
            archive.remove(conn, agent.id, agent.number, passage)
        case _:
            raise BadInput("A passage is inserted or removed, never changed in place.")


def undo(
    conn: Connection, agent_id: str, seq: int | None, actor: str, viewer: Viewer | None = None
) -> Entry:
    """viewer: what they may not see, or change, they may not take back."""
    agent = require(conn, agent_id)
    entry = (
        journal.last_undoable(conn, agent_id) if seq is None else journal.get(conn, agent_id, seq)
    )
    if entry is None or (viewer and not audience.sees_change(viewer, agent_id, entry)):
        raise NotFound("There is nothing to undo." if seq is None else f"No change #{seq}.")
    if entry.undone_by is not None or entry.undoes is not None or not entry.diffs:
        raise NotFound(f"Change #{entry.seq} cannot be undone: it was undone, or is an undo.")
    for seq, left in _left_by(entry).items():
        if isinstance(left, Remark) and row(conn, agent_id, seq) is None:
            raise NotFound(
                f"Change #{entry.seq} cannot be undone: message #{seq} is no longer kept."
            )
        if not journal.same(row(conn, agent_id, seq), left):
            raise Conflict(
                f"Change #{entry.seq} cannot be undone: a later change rests on it. Undo that first"
                " (`/memory history` shows them)."
            )
    draft = Draft.of(agent, core.blocks(conn, agent_id), actor=actor)
    draft.entries.append(
        Entry(
            seq=draft.seq(),
            at=draft.at,
            actor=actor,
            action="undo",
            summary=f"took back #{entry.seq}: {entry.summary}",
            diffs=journal.reversed_diffs(entry),
            undoes=entry.seq,
        )
    )
    keep_to_own(draft, viewer)
    write(conn, draft.change())
    _check_limits(conn, agent_id, entry)
    return entry


def _left_by(entry: Entry) -> dict[int, Thing | None]:
    """What each row was when the whole entry was done: it may have changed a row twice."""
    return {row.seq: diff.after for diff in entry.diffs if (row := diff.after or diff.before)}


def row(conn: Connection, agent_id: str, seq: int) -> Thing | None:
    """What has this number, as it is now."""
    if (found := thing(conn, agent_id, seq)) is not None:
        return found
    message = recall.get(conn, agent_id, [seq]).get(seq)
    return recall.remark(message) if message else None


def thing(conn: Connection, agent_id: str, seq: int) -> Fact | Passage | None:
    """The fact, in any state, or the passage that has this number."""
    return core.get_fact(conn, agent_id, seq) or archive.get(conn, agent_id, [seq]).get(seq)


def _check_limits(conn: Connection, agent_id: str, entry: Entry) -> None:
    """What comes back must fit in beside what was learned since."""
    for block in core.blocks(conn, agent_id):
        if len(block.text) > block.limit:
            raise LimitReached(
                f"Change #{entry.seq} cannot be undone: '{block.label}' may hold {block.limit}"
                f" characters and would have {len(block.text)}. Forget something in it first."
            )
