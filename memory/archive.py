"""Archival memory: passages without limit, in archives that several agents may share."""

import json
from collections.abc import Sequence
from datetime import datetime

from memory import shelf
from memory.codec import micros, moment, origin_columns, origin_of
from memory.ports import Connection, Row
from memory.types import Passage

MAIN = "main"  # the archive that every agent has


def _passage(row: Row) -> Passage:
    return Passage(
        seq=row["seq"],
        archive=row["archive"],
        text=row["text"],
        at=moment(row["at"]),
        origin=origin_of(row),
        tags=tuple(json.loads(row["tags"])),
    )


def searchable(passage: Passage) -> str:
    return " ".join((passage.text, *passage.tags))


def insert_archive(conn: Connection, agent_id: str, name: str, at: datetime) -> None:
    conn.execute(
        "INSERT OR IGNORE INTO archives(agent_id, name, created_at) VALUES(:agent, :name, :at)",
        agent=agent_id,
        name=name,
        at=micros(at),
    )


def archives(conn: Connection, agent_id: str) -> list[str]:
    rows = conn.all(
        "SELECT name FROM archives WHERE agent_id = :agent ORDER BY name", agent=agent_id
    )
    return [row["name"] for row in rows]


def insert(conn: Connection, agent_id: str, number: int, passage: Passage) -> None:
    """Write a passage; it is found by its words from now on."""
    conn.execute(
        "INSERT INTO passages(agent_id, seq, archive, text, at, audience, person, room, workspace,"
        " source, tags) VALUES(:agent, :seq, :archive, :text, :at, :audience, :person, :room,"
        " :workspace, :source, :tags)",
        agent=agent_id,
        seq=passage.seq,
        archive=passage.archive,
        text=passage.text,
        at=micros(passage.at),
        **origin_columns(passage.origin),
        tags=json.dumps(list(passage.tags), ensure_ascii=False),
    )
    shelf.put_words(conn, "passages", number, passage.seq, searchable(passage))
    shelf.enqueue(conn, "passages", agent_id, passage.seq)


def remove(conn: Connection, agent_id: str, number: int, passage: Passage) -> None:
    """Remove a passage with its words and vectors."""
    conn.execute(
        "DELETE FROM passages WHERE agent_id = :agent AND seq = :seq",
        agent=agent_id,
        seq=passage.seq,
    )
    shelf.take_words(conn, "passages", number, passage.seq, searchable(passage))
    shelf.forget_vector(conn, "passages", agent_id, passage.seq)


def get(conn: Connection, agent_id: str, seqs: Sequence[int]) -> dict[int, Passage]:
    rows = conn.all(
        "SELECT * FROM passages WHERE agent_id = :agent"
        " AND seq IN (SELECT value FROM json_each(:seqs))",
        agent=agent_id,
        seqs=json.dumps(list(seqs)),
    )
    return {row["seq"]: _passage(row) for row in rows}


def page(conn: Connection, agent_id: str, after: int = 0, limit: int = 1000) -> list[Passage]:
    """Passages after seq `after`, oldest first."""
    rows = conn.all(
        "SELECT * FROM passages WHERE agent_id = :agent AND seq > :after ORDER BY seq LIMIT :limit",
        agent=agent_id,
        after=after,
        limit=limit,
    )
    return [_passage(row) for row in rows]


def passages_from(conn: Connection, agent_id: str, source: int) -> list[Passage]:
    """The passages that were made from a message."""
    rows = conn.all(
        "SELECT * FROM passages WHERE agent_id = :agent AND source = :source ORDER BY seq",
        agent=agent_id,
        source=source,
    )
    return [_passage(row) for row in rows]
