"""What recall and archival memory share: rows found by words at once, and by meaning soon after.

The words live in FTS5 tables without content. A row's rowid there is the agent's number and the
row's seq side by side, so a search of one agent is a search of one range of rowids.
"""

from typing import Final

from memory.ports import Connection, Row
from memory.sessions import REMEMBERED, SPOKEN
from memory.types import Shelf
from memory.words import index_text

SEQS = 1 << 32  # rowids of one agent
TABLES: Final[dict[Shelf, str]] = {"messages": "messages_words", "passages": "passages_words"}
# Rows `t` that a search may find.
FINDABLE: Final[dict[Shelf, str]] = {"messages": f"{SPOKEN} AND {REMEMBERED}", "passages": "1"}


def put_words(
    conn: Connection, kind: Shelf, number: int, seq: int, own: str, near: str = ""
) -> None:
    """Make a row findable by its own words, and less so by those that stand near it."""
    conn.execute(
        f"INSERT INTO {TABLES[kind]}(rowid, own, near) VALUES(:rowid, :own, :near)",
        rowid=number * SEQS + seq,
        own=index_text(own),
        near=index_text(near),
    )


def take_words(
    conn: Connection, kind: Shelf, number: int, seq: int, own: str, near: str = ""
) -> None:
    """Forget a row's words. The texts must be what it was indexed with."""
    table = TABLES[kind]
    conn.execute(
        f"INSERT INTO {table}({table}, rowid, own, near) VALUES('delete', :rowid, :own, :near)",
        rowid=number * SEQS + seq,
        own=index_text(own),
        near=index_text(near),
    )


def enqueue(conn: Connection, kind: Shelf, agent_id: str, seq: int) -> None:
    """Have a row found by its meaning too, once the queue reached it."""
    conn.execute(
        "INSERT OR IGNORE INTO embed_queue(agent_id, shelf, seq) VALUES(:agent, :shelf, :seq)",
        agent=agent_id,
        shelf=kind,
        seq=seq,
    )


def forget_vector(conn: Connection, kind: Shelf, agent_id: str, seq: int) -> None:
    """Forget a row's vectors, made or waiting to be."""
    key = {"agent": agent_id, "shelf": kind, "seq": seq}
    where = "agent_id = :agent AND shelf = :shelf"
    conn.execute(f"DELETE FROM embed_queue WHERE {where} AND seq = :seq", **key)  # noqa: S608
    conn.execute(
        f"UPDATE index_state SET version = version + 1, count = count - 1 WHERE {where}"  # noqa: S608
        " AND EXISTS (SELECT 1 FROM vectors AS v WHERE v.agent_id = :agent AND v.shelf = :shelf"
        " AND v.embedder = index_state.embedder AND v.seq = :seq)",
        **key,
    )
    conn.execute(f"DELETE FROM vectors WHERE {where} AND seq = :seq", **key)  # noqa: S608


def merge_words(conn: Connection) -> None:
    """Write the word indexes anew, without the terms that only removed rows had.

    Until then removing a row only adds a mark that it is gone.
    """
    for table in TABLES.values():
        conn.execute(f"INSERT INTO {table}({table}) VALUES('optimize')")


def vectors(conn: Connection, agent_id: str) -> list[Row]:
    """Every vector of an agent, in the order in which they came."""
    return conn.all(
        "SELECT shelf, embedder, seq, vec FROM vectors WHERE agent_id = :agent"
        " ORDER BY shelf, embedder, ver",
        agent=agent_id,
    )


def put_vectors(
    conn: Connection, kind: Shelf, agent_id: str, embedder: str, vectors: dict[int, bytes]
) -> None:
    """Store the vectors of rows that are still queued; each moves the shelf's version by one.

    A row that was forgotten while its vector was made is no longer queued, and stays forgotten.
    """
    key = {"agent": agent_id, "shelf": kind, "embedder": embedder}
    for seq, vec in vectors.items():
        queued = conn.execute(
            "DELETE FROM embed_queue WHERE agent_id = :agent AND shelf = :shelf AND seq = :seq",
            agent=agent_id,
            shelf=kind,
            seq=seq,
        )
        if not queued:
            continue
        conn.execute(
            "INSERT OR IGNORE INTO index_state(agent_id, shelf, embedder, version, count)"
            " VALUES(:agent, :shelf, :embedder, 0, 0)",
            **key,
        )
        replaced = conn.execute(
            "DELETE FROM vectors WHERE agent_id = :agent AND shelf = :shelf"
            " AND embedder = :embedder AND seq = :seq",
            **key,
            seq=seq,
        )
        conn.execute(
            "UPDATE index_state SET version = version + 1, count = count + :more"
            " WHERE agent_id = :agent AND shelf = :shelf AND embedder = :embedder",
            **key,
            more=1 - replaced,
        )
        conn.execute(
            "INSERT INTO vectors(agent_id, shelf, embedder, seq, ver, vec)"
            " SELECT :agent, :shelf, :embedder, :seq, version, :vec FROM index_state"
            " WHERE agent_id = :agent AND shelf = :shelf AND embedder = :embedder",
            **key,
            seq=seq,
            vec=vec,
        )
