"""Agents of which files may still hold bytes that no row owns: noted here, swept later."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from memory.codec import micros
from memory.ports import Connection, Row


def note(conn: Connection, ids: Iterable[str], at: datetime) -> None:
    conn.many(
        "INSERT OR IGNORE INTO leftovers(agent_id, at) VALUES(:id, :at)",
        [{"id": agent_id, "at": micros(at)} for agent_id in ids],
    )


def page(conn: Connection) -> list[Row]:
    """(agent_id, at) of each, oldest first."""
    return conn.all("SELECT agent_id, at FROM leftovers ORDER BY at, agent_id")


def swept(conn: Connection, rows: Sequence[Row]) -> None:
    conn.many(
        "DELETE FROM leftovers WHERE agent_id = :agent_id AND at = :at", [dict(row) for row in rows]
    )
