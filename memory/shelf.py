"""What recall and archival memory share: rows found by words at once, and by meaning soon after.

The words live in FTS5 tables without content. A row's rowid there is the agent's number and the
row's seq side by side, so a search of one agent is a search of one range of rowids.
"""

import json
from collections.abc import Sequence

from memory import audience
from memory.ports import Connection, Row
from memory.types import Shelf, Viewer
from memory.words import index_text, match_query

SEQS = 1 << 32  # rowids of one agent
_TABLES: dict[Shelf, str] = {"messages": "messages_words", "passages": "passages_words"}
_TERMS: dict[Shelf, str] = {"messages": "messages_terms", "passages": "passages_terms"}


def index(conn: Connection, kind: Shelf, agent_id: str, number: int, seq: int, text: str) -> None:
    """Make a new row findable: by its words now, by its meaning once the queue reached it."""
    conn.execute(
        f"INSERT INTO {_TABLES[kind]}(rowid, words) VALUES(:rowid, :words)",
        rowid=number * SEQS + seq,
        words=index_text(text),
    )
    conn.execute(
        "INSERT OR IGNORE INTO embed_queue(agent_id, shelf, seq) VALUES(:agent, :shelf, :seq)",
        agent=agent_id,
        shelf=kind,
        seq=seq,
    )


def unindex(conn: Connection, kind: Shelf, agent_id: str, number: int, seq: int, text: str) -> None:
    """Forget a row's words and vectors. `text` must be what it was indexed with."""
    table = _TABLES[kind]
    conn.execute(
        f"INSERT INTO {table}({table}, rowid, words) VALUES('delete', :rowid, :words)",
        rowid=number * SEQS + seq,
        words=index_text(text),
    )
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
    for table in _TABLES.values():
        conn.execute(f"INSERT INTO {table}({table}) VALUES('optimize')")


def by_words(
    conn: Connection, kind: Shelf, number: int, query: str, limit: int
) -> list[tuple[int, float]]:
    """(seq, BM25 score) of the best rows, higher is better."""
    match = match_query(query)
    if match is None:
        return []
    table = _TABLES[kind]
    rows = conn.all(
        f"SELECT rowid, bm25({table}) AS cost FROM {table}"  # noqa: S608
        f" WHERE {table} MATCH :match AND rowid BETWEEN :low AND :high"
        " ORDER BY cost, rowid DESC LIMIT :limit",
        match=match,
        low=number * SEQS,
        high=number * SEQS + SEQS - 1,
        limit=limit,
    )
    return [(row["rowid"] - number * SEQS, -row["cost"]) for row in rows]


def elsewhere(conn: Connection, kind: Shelf, viewer: Viewer, query: str, limit: int) -> list[Row]:
    """The rows of other agents, rooms that all readers can read, that have a question's words; best
    first, each with the `name` of its agent and a `score`."""
    match = match_query(query)
    if match is None or viewer.rooms <= {viewer.agent}:
        return []
    table = _TABLES[kind]
    return conn.all(
        f"SELECT t.*, a.name AS name, -bm25({table}) AS score FROM {table}"  # noqa: S608
        f" CROSS JOIN agents AS a ON a.number = {table}.rowid / :seqs CROSS JOIN {kind} AS t"
        f" ON t.agent_id = a.agent_id AND t.seq = {table}.rowid % :seqs"
        f" WHERE {table} MATCH :match AND a.agent_id <> :v_agent"
        " AND a.agent_id IN (SELECT value FROM json_each(:v_rooms))"
        f" AND {audience.visible('t')} ORDER BY score DESC, {table}.rowid DESC LIMIT :limit",
        match=match,
        seqs=SEQS,
        limit=limit,
        **audience.params(viewer),
    )


def visible(
    conn: Connection, kind: Shelf, owner: str, seqs: Sequence[int], viewer: Viewer
) -> set[int]:
    """Those of an agent's rows that a viewer may see."""
    rows = conn.all(
        f"SELECT seq FROM {kind} AS t WHERE t.agent_id = :owner"  # noqa: S608 -- ours
        f" AND t.seq IN (SELECT value FROM json_each(:seqs)) AND {audience.visible('t')}",
        owner=owner,
        seqs=json.dumps(list(seqs)),
        **audience.params(viewer),
    )
    return {row["seq"] for row in rows}


def frequencies(conn: Connection, kind: Shelf, words: Sequence[str]) -> tuple[dict[str, int], int]:
    """In how many rows of all agents a term stands, where it does; and how many rows there are.

    The same counts as BM25 goes by, so that coverage and scores weigh terms alike.
    """
    rows = conn.all(
        f"SELECT term, doc FROM {_TERMS[kind]}"  # noqa: S608
        " WHERE term IN (SELECT value FROM json_each(:words))",
        words=json.dumps(list(words), ensure_ascii=False),
    )
    found = {row["term"]: int(row["doc"]) for row in rows}
    row = conn.one(f"SELECT count(*) AS n FROM {_TABLES[kind]}_docsize")  # noqa: S608
    return found, int(row["n"]) if row else 0


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
