"""The rooms that somebody can read, by what people call them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from memory import agents, audience
from memory.ports import Connection
from memory.types import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A room, and the agent that answers there. workspace: platform/space. channel: as its platform
    names it."""

    agent: str
    name: str
    workspace: str
    channel: str
    off: bool  # nothing is to be read or said there

    def is_called(self, name: str) -> bool:
        return name.casefold() in (self.name.casefold(), self.channel.casefold())


def readable(conn: Connection, person: str, workspace: str, platform: str) -> list[Room]:
    """The rooms of a platform that a person can read, as far as is known: those they were seen in,
    and the public ones of a workspace."""
    rows = conn.all(
        "SELECT a.agent_id AS id, a.name AS name, a.settings AS settings, r.workspace AS workspace"
        " FROM agents AS a JOIN rooms AS r ON r.agent_id = a.agent_id"
        " WHERE a.agent_id IN (SELECT value FROM json_each(:ids)) ORDER BY a.agent_id",
        ids=json.dumps(audience.readable_rooms(conn, person, workspace)),
    )
    rooms = []
    for row in rows:
        settings = json.loads(row["settings"])
        if row["workspace"].startswith(f"{platform}/") and "channel" in settings:
            rooms.append(
                Room(
                    agent=row["id"],
                    name=row["name"],
                    workspace=row["workspace"],
                    channel=settings["channel"],
                    off=settings.get("mode") == "off",
                )
            )
    return rooms


def called(rooms: Sequence[Room], name: str, workspace: str) -> list[Room]:
    """Those that are meant by a name or an id; of several, those of this workspace."""
    found = [room for room in rooms if room.is_called(name)]
    return [room for room in found if room.workspace == workspace] or found


def alone(conn: Connection, account: str, workspace: str) -> Viewer:
    """Somebody, reading alone."""
    person = agents.person_id(conn, account)
    return Viewer(
        agent=person,
        kind="person",
        person=person,
        workspace=workspace,
        alone=True,
        rooms=frozenset(audience.readable_rooms(conn, account, workspace)),
    )
