"""Vectors by more than one embedder: the old ones serve until the new ones are made, and go."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from memory.ports import Connection
from memory.sessions import SPOKEN
from memory.types import Shelf

AGAIN = (
    60_000_000  # microseconds until a text that was refused is tried again; then four times that
)
TRIES = 5  # that a refused text keeps the old vectors from going
_OF = "agent_id = :agent AND shelf = :shelf AND embedder = :embedder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """One embedder's vectors of a shelf."""

    embedder: str
    version: int
    count: int


def of(conn: Connection, kind: Shelf, agent_id: str, embedder: str) -> list[Space]:
    """A shelf's spaces: that with the most vectors first, of two with as many `embedder`'s."""
    rows = conn.all(
        "SELECT embedder, version, count FROM index_state"
        " WHERE agent_id = :agent AND shelf = :shelf AND count > 0"
        " ORDER BY count DESC, embedder <> :embedder, embedder",
        agent=agent_id,
        shelf=kind,
        embedder=embedder,
    )
    return [Space(**row) for row in rows]


def width(conn: Connection, kind: Shelf, agent_id: str, embedder: str) -> int:
    """Bytes of each vector of a shelf; 0 where there is none."""
    row = conn.one(
        f"SELECT length(vec) AS width FROM vectors WHERE {_OF} LIMIT 1",  # noqa: S608
        agent=agent_id,
        shelf=kind,
        embedder=embedder,
    )
    return int(row["width"]) if row else 0


def with_others(conn: Connection, embedder: str) -> list[str]:
    """The agents that have vectors by others than `embedder`."""
    rows = conn.all(
        "SELECT DISTINCT agent_id FROM index_state WHERE embedder <> :embedder", embedder=embedder
    )
    return [row["agent_id"] for row in rows]


def queue_missing(conn: Connection, embedder: str, agents: Sequence[str], at: int) -> int:
    """Queue these agents' rows that have no vector by `embedder`, behind what is written
    meanwhile; how many they are."""
    return sum(
        conn.execute(
            "INSERT OR IGNORE INTO embed_queue(agent_id, shelf, seq, ready_at)"  # noqa: S608
            f" SELECT agent_id, '{kind}', seq, :at FROM {kind} AS t"
            f" WHERE agent_id IN (SELECT value FROM json_each(:agents)) AND {where}"
            " AND NOT EXISTS (SELECT 1 FROM vectors AS v WHERE v.agent_id = t.agent_id"
            f" AND v.shelf = '{kind}' AND v.embedder = :embedder AND v.seq = t.seq)",
            embedder=embedder,
            agents=json.dumps(list(agents)),
            at=at,
        )
        for kind, where in (("messages", SPOKEN), ("passages", "1"))
    )


def postpone(conn: Connection, kind: Shelf, agent_id: str, seqs: Iterable[int], at: int) -> None:
    """Let texts that were refused wait, each time longer, up to 17 hours. They stay queued."""
    conn.execute(
        "UPDATE embed_queue SET tries = tries + 1,"
        " ready_at = :at + :again * (1 << min(2 * tries, 10))"
        " WHERE agent_id = :agent AND shelf = :shelf"
        " AND seq IN (SELECT value FROM json_each(:seqs))",
        at=at,
        again=AGAIN,
        agent=agent_id,
        shelf=kind,
        seqs=json.dumps(list(seqs)),
    )


def start_over(conn: Connection, embedder: str, width: int) -> None:
    """Drop the vectors that are not `width` bytes long, and let no text wait that was refused."""
    for row in conn.all(
        "SELECT agent_id AS agent, shelf, embedder FROM index_state WHERE embedder = :embedder",
        embedder=embedder,
    ):
        gone = conn.execute(
            f"DELETE FROM vectors WHERE {_OF} AND length(vec) <> :width",  # noqa: S608
            **row,
            width=width,
        )
        _shrink(conn, gone, **row)
    conn.execute("UPDATE embed_queue SET tries = 0, ready_at = 0")


def served(conn: Connection, embedder: str) -> list[tuple[str, Shelf, str]]:
    """The spaces of others that are needed no more, for all rows have been tried with `embedder`;
    each as agent, shelf, embedder."""
    rows = conn.all(
        "SELECT agent_id, shelf, embedder FROM index_state AS s WHERE embedder <> :embedder"
        " AND NOT EXISTS (SELECT 1 FROM embed_queue AS q WHERE q.agent_id = s.agent_id"
        " AND q.shelf = s.shelf AND q.tries < :tries)",
        embedder=embedder,
        tries=TRIES,
    )
    return [(row["agent_id"], row["shelf"], row["embedder"]) for row in rows]


def drop(conn: Connection, agent_id: str, kind: Shelf, embedder: str, most: int) -> int:
    """Delete a space's first vectors, at most so many, and the space when it is empty; how many
    they were."""
    key = {"agent": agent_id, "shelf": kind, "embedder": embedder}
    gone = conn.execute(
        f"DELETE FROM vectors WHERE {_OF} AND ver <= (SELECT max(ver) FROM"  # noqa: S608
        f" (SELECT ver FROM vectors WHERE {_OF} ORDER BY ver LIMIT :most))",
        **key,
        most=most,
    )
    _shrink(conn, gone, **key)
    if not gone:
        conn.execute(f"DELETE FROM index_state WHERE {_OF}", **key)  # noqa: S608
    return gone


def _shrink(conn: Connection, gone: int, **key: object) -> None:
    conn.execute(
        "UPDATE index_state SET version = version + 1, count = count - :gone"  # noqa: S608
        f" WHERE {_OF} AND :gone > 0",
        gone=gone,
        **key,
    )
