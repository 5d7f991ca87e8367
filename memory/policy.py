"""What a workspace's admins chose in place of what whoever runs the program set: whether people are
asked before anything is learned from them, and how long messages are kept.

A workspace is platform/space, as rooms' names begin.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, get_args

from memory.codec import micros, moment
from memory.ports import Connection

Name = Literal["opt_in", "person", "room"]
NAMES: Final[tuple[Name, ...]] = get_args(Name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What holds in a workspace. person, room: days that messages of an audience are kept, of UTC;
    0: for ever."""

    opt_in: int = 0  # 1: nothing is learned from people before they agree
    person: int = 0
    room: int = 0


def choose(conn: Connection, workspace: str, name: Name, value: int | None, at: datetime) -> None:
    """value: None: the default again."""
    conn.execute(
        "DELETE FROM policies WHERE agent_id = :workspace AND name = :name",
        workspace=workspace,
        name=name,
    )
    if value is not None:
        conn.execute(
            "INSERT INTO policies(agent_id, name, value, at)"
            " VALUES(:workspace, :name, :value, :at)",
            workspace=workspace,
            name=name,
            value=value,
            at=micros(at),
        )


def chosen(conn: Connection, workspace: str) -> dict[str, datetime]:
    """The names of the rules that were chosen in a workspace, and when."""
    rows = conn.all("SELECT name, at FROM policies WHERE agent_id = :id", id=workspace)
    return {row["name"]: moment(row["at"]) for row in rows}


def in_force(conn: Connection, workspace: str, defaults: Rules) -> Rules:
    return everywhere(conn, defaults, workspace).get(workspace, defaults)


def everywhere(
    conn: Connection, defaults: Rules, workspace: str | None = None
) -> Mapping[str, Rules]:
    """The rules of every workspace, or of one, where any was chosen."""
    found: dict[str, Rules] = {}
    rows = conn.all(
        "SELECT agent_id, name, value FROM policies"
        " WHERE :workspace IS NULL OR agent_id = :workspace",
        workspace=workspace,
    )
    for row in rows:
        rules = found.get(row["agent_id"], defaults)
        found[row["agent_id"]] = replace(rules, **{row["name"]: row["value"]})
    return found


def off_limits(conn: Connection, workspace: str) -> list[tuple[str, str]]:
    """(id, name) of the rooms of a workspace in which nothing is read, by their names."""
    rows = conn.all(
        "SELECT a.agent_id AS id, a.name AS name FROM agents AS a"
        " WHERE a.kind = 'room' AND json_extract(a.settings, '$.workspace') = :workspace"
        " AND json_extract(a.settings, '$.mode') = 'off' ORDER BY a.name, a.agent_id",
        workspace=workspace,
    )
    return [(row["id"], row["name"]) for row in rows]
