"""Who may see what: the one rule, as a function and as the condition of every query.

A turn may see X if, and only if, everyone who can read its answer may see X (product.md §2). What
an agent's owner is told by hand, or an operator wrote, carries an audience like all else.
"""

import json
from collections.abc import Iterable
from typing import Any, Final

from memory.ports import Connection
from memory.types import Agent, Block, Entry, Origin, Remark, Viewer


def operator(agent: str) -> Viewer:
    """Sees all that an agent remembers."""
    return Viewer(agent=agent, kind="operator", everything=True)


def channel_of(room: str) -> str:
    """platform/space/channel of a room's name, which may have a thread."""
    return "/".join(room.split("/")[:3])


def own(agent: Agent) -> Origin:
    """Where something is from that nobody said: as narrow as the agent's own conversations."""
    return Origin(audience="person" if agent.kind == "person" else "room", person=agent.person)


def sees(viewer: Viewer, owner: str, origin: Origin) -> bool:
    """The rule: whether a row of the agent `owner` may be seen."""
    mine = owner == viewer.agent
    if viewer.everything:
        return mine
    told = viewer.alone and (viewer.kind == "person" or origin.person in (None, viewer.person))
    if origin.audience == "workspace":
        known = bool(origin.workspace) and origin.workspace == viewer.workspace
        return known or (mine and (viewer.kind == "room" or told))
    if origin.audience == "room":
        here = not origin.room or channel_of(origin.room) == viewer.channel
        return owner in viewer.rooms or (mine and here)
    return mine and told


def sees_change(viewer: Viewer, owner: str, entry: Entry) -> bool:
    """Whether all that a change was about may be seen."""
    things = (thing for diff in entry.diffs for thing in (diff.before, diff.after) if thing)
    return all(sees(viewer, owner, thing.origin) for thing in things)


def may_change(viewer: Viewer, block: Block) -> bool:
    """Whether who asks may change a block by hand: what a room knows of somebody is theirs."""
    return viewer.everything or viewer.steward or block.person in (None, viewer.person)


def may_forget(viewer: Viewer, message: Remark) -> bool:
    """Whether who asks may have a message forgotten that they may see: what they said themselves;
    in a direct message also what the agent said to them, in a room only an admin."""
    mine = message.role == "user" and message.origin.person == viewer.person
    return viewer.everything or viewer.steward or mine or message.origin.audience == "person"


TOLD: Final = """(:v_alone
  AND (:v_kind = 'person' OR {t}.person IS NULL OR {t}.person = :v_person))"""
RULE: Final = """(CASE WHEN :v_everything THEN {t}.agent_id = :v_agent
 WHEN {t}.audience = 'workspace' THEN ({t}.workspace <> '' AND {t}.workspace = :v_workspace)
  OR ({t}.agent_id = :v_agent AND (:v_kind = 'room' OR {told}))
 WHEN {t}.audience = 'room' THEN {t}.agent_id IN (SELECT value FROM json_each(:v_rooms))
  OR ({t}.agent_id = :v_agent AND ({t}.room = '' OR {t}.room = :v_channel
   OR substr({t}.room, 1, length(:v_channel) + 1) = :v_channel || '/'))
 ELSE {t}.agent_id = :v_agent AND {told} END)"""


def visible(table: str) -> str:
    """The rule as a condition of SQL, for a table that has the columns of an Origin; its parameters
    are those of `params`."""
    return RULE.format(t=table, told=TOLD.format(t=table))


def params(viewer: Viewer) -> dict[str, Any]:
    return {
        "v_agent": viewer.agent,
        "v_kind": viewer.kind,
        "v_person": viewer.person or "",  # never NULL: NOT visible must be a yes or a no
        "v_channel": viewer.channel,
        "v_workspace": viewer.workspace,
        "v_alone": int(viewer.alone),
        "v_rooms": json.dumps(sorted(viewer.rooms)),
        "v_everything": int(viewer.everything),
    }


# --- who can read which room ----------------------------------------------------------------------


def viewer(conn: Connection, agent: Agent, said: Origin) -> Viewer:
    """Who reads the answer to what was said there."""
    alone, workspace = said.audience == "person", said.workspace
    rooms: Iterable[str] = ()
    if agent.kind == "room":
        rooms = (agent.id,)
        workspace = "" if has_guests(conn, agent.id) else workspace
    elif agent.kind == "person" and alone:
        rooms = readable_rooms(conn, agent.id, said.workspace)
    return Viewer(
        agent=agent.id,
        kind=agent.kind,
        person=said.person,
        channel=channel_of(said.room),
        workspace=workspace,
        alone=alone,
        rooms=frozenset(rooms),
    )


def readable_rooms(conn: Connection, person: str, workspace: str) -> list[str]:
    """The rooms that a person can read: those they are in as far as is known, and the public ones
    of the workspace where they write."""
    rows = conn.all(
        "SELECT m.agent_id AS id FROM members AS m WHERE m.person = :person OR m.person IN"
        " (SELECT agent_id FROM identities WHERE person = :person)"
        " UNION SELECT agent_id FROM rooms WHERE kind = 'public' AND workspace = :workspace",
        person=person,
        workspace=workspace,
    )
    return [row["id"] for row in rows]


def entered(conn: Connection, agent_id: str, person: str, *, guest: bool = False) -> None:
    """Somebody was seen in a room. guest: they may not know what all of its workspace may."""
    conn.execute(
        "INSERT INTO members(agent_id, person, guest) VALUES(:agent, :person, :guest)"
        " ON CONFLICT(agent_id, person) DO UPDATE SET guest = :guest WHERE guest <> :guest",
        agent=agent_id,
        person=person,
        guest=int(guest),
    )


def has_guests(conn: Connection, agent_id: str) -> bool:
    """Whether somebody was seen in a room who may not know what all of its workspace may."""
    row = conn.one("SELECT 1 FROM members WHERE agent_id = :id AND guest LIMIT 1", id=agent_id)
    return row is not None


def left(conn: Connection, agent_id: str, person: str) -> None:
    """Somebody can no longer read a room."""
    conn.execute(
        "DELETE FROM members WHERE agent_id = :agent AND person = :person",
        agent=agent_id,
        person=person,
    )


def opened(conn: Connection, agent_id: str, workspace: str, kind: str) -> None:
    """A room is public, private or a group now."""
    conn.execute(
        "INSERT INTO rooms(agent_id, workspace, kind) VALUES(:agent, :workspace, :kind)"
        " ON CONFLICT(agent_id) DO UPDATE SET workspace = :workspace, kind = :kind"
        " WHERE kind <> :kind OR workspace <> :workspace",
        agent=agent_id,
        workspace=workspace,
        kind=kind,
    )
