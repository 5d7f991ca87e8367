"""Rows of a shelf that a viewer may see: those with a question's words, the newest, all of them."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from memory import audience
from memory.codec import micros
from memory.ports import Connection, Row
from memory.search.ranking import WEIGHTS, Weights
from memory.shelf import FINDABLE, SEQS, TABLES
from memory.types import Filters, Shelf, Viewer
from memory.words import any_of, query_terms

_ABOUT: dict[Shelf, str] = {
    "messages": "t.seq, t.at, t.session,"
    " CASE t.role WHEN 'user' THEN t.speaker ELSE '' END AS speaker",
    "passages": "t.seq, t.at, 0 AS session, '' AS speaker",
}
_TOLD: dict[Shelf, str] = {
    "messages": "t.seq, t.at, t.text, t.role, t.speaker",
    "passages": "t.seq, t.at, t.text, t.tags",
}
_NARROW = {
    "f_since": "t.at >= :f_since",
    "f_until": "t.at < :f_until",
    "f_room": "(t.room = :f_room OR substr(t.room, 1, length(:f_room) + 1) = :f_room || '/')",
    "f_speaker": "t.speaker = :f_speaker COLLATE NOCASE",
    "f_archive": "t.archive = :f_archive",
    "f_tags": "NOT EXISTS (SELECT 1 FROM json_each(:f_tags) AS wanted"
    " WHERE wanted.value NOT IN (SELECT value FROM json_each(t.tags)))",
}
_AMONG = "AND t.seq IN (SELECT value FROM json_each(:seqs))"
_PAGE = "LIMIT :limit OFFSET :offset"
Narrow = tuple[str, Mapping[str, object]]  # a condition on the rows `t`, and its parameters
EVERY: Final[Narrow] = ("1", {})
_TERMS: dict[Shelf, str] = {"messages": "messages_terms", "passages": "passages_terms"}


def by_words(
    conn: Connection,
    kind: Shelf,
    number: int,
    words: Sequence[str],
    limit: int,
    weights: Weights = WEIGHTS,
) -> list[tuple[int, float]]:
    """(seq, BM25 score) of the best rows that have any of these terms, higher is better."""
    match = any_of(words)
    if match is None:
        return []
    table = TABLES[kind]
    rows = conn.all(
        f"SELECT rowid, bm25({table}, :own, :near) AS cost FROM {table}"  # noqa: S608
        f" WHERE {table} MATCH :match AND rowid BETWEEN :low AND :high"
        " ORDER BY cost, rowid DESC LIMIT :limit",
        match=match,
        low=number * SEQS,
        high=number * SEQS + SEQS - 1,
        limit=limit,
        own=weights.own,
        near=weights.near,
    )
    return [(row["rowid"] - number * SEQS, -row["cost"]) for row in rows]


def seen(
    conn: Connection, kind: Shelf, viewer: Viewer, seqs: Collection[int], narrow: Narrow = EVERY
) -> list[Row]:
    """Those of an agent's rows that a viewer may see: seq, at, session, speaker."""
    return _visible(conn, kind, viewer, _ABOUT[kind], narrow, _AMONG, seqs=json.dumps(list(seqs)))


def told(conn: Connection, kind: Shelf, viewer: Viewer, seqs: Collection[int]) -> list[Row]:
    """Those of an agent's rows that a viewer may see, with what they say."""
    return _visible(conn, kind, viewer, _TOLD[kind], EVERY, _AMONG, seqs=json.dumps(list(seqs)))


def newest(
    conn: Connection, kind: Shelf, viewer: Viewer, narrow: Narrow, offset: int, limit: int
) -> list[Row]:
    """The rows that a viewer may see, newest first: seq, at, session, speaker."""
    order = f"ORDER BY t.seq DESC {_PAGE}"
    return _visible(conn, kind, viewer, _ABOUT[kind], narrow, order, limit=limit, offset=offset)


def oldest(
    conn: Connection, kind: Shelf, viewer: Viewer, narrow: Narrow, offset: int, limit: int
) -> list[Row]:
    """The rows that a viewer may see, with what they say, in the order of their times."""
    order = f"ORDER BY t.at, t.seq {_PAGE}"
    return _visible(conn, kind, viewer, _TOLD[kind], narrow, order, limit=limit, offset=offset)


def count(conn: Connection, kind: Shelf, viewer: Viewer, narrow: Narrow) -> int:
    """How many rows a viewer may see."""
    (row,) = _visible(conn, kind, viewer, "count(*) AS n", narrow)
    return int(row["n"])


def _visible(
    conn: Connection,
    kind: Shelf,
    viewer: Viewer,
    columns: str,
    narrow: Narrow,
    rest: str = "",
    **values: object,
) -> list[Row]:
    return conn.all(
        f"SELECT {columns} FROM {kind} AS t WHERE t.agent_id = :v_agent AND {FINDABLE[kind]}"  # noqa: S608 -- ours
        f" AND {audience.visible('t')} AND {narrow[0]} {rest}",
        **audience.params(viewer),
        **narrow[1],
        **values,
    )


def narrowed(kind: Shelf, filters: Filters) -> Narrow:
    """A condition on the rows `t` of a shelf, and its parameters."""
    values: dict[str, object] = {}
    if filters.since is not None:
        values["f_since"] = micros(filters.since)
    if filters.until is not None:
        values["f_until"] = micros(filters.until)
    if filters.room:
        values["f_room"] = filters.room
    if kind == "messages" and filters.speaker:
        values["f_speaker"] = filters.speaker
    if kind == "passages" and filters.archive:
        values["f_archive"] = filters.archive
    if kind == "passages" and filters.tags:
        values["f_tags"] = json.dumps(filters.tags, ensure_ascii=False)
    there = [_NARROW[name] for name in values]
    return (" AND ".join(there), values) if there else EVERY


def elsewhere(conn: Connection, kind: Shelf, viewer: Viewer, query: str, limit: int) -> list[Row]:
    """The rows of other agents, rooms that all readers can read, that have a question's words; best
    first, each with the `name` of its agent and a `score`."""
    match = any_of(query_terms(query))
    if match is None or viewer.rooms <= {viewer.agent}:
        return []
    table = TABLES[kind]
    return conn.all(
        f"SELECT t.*, a.name AS name, -bm25({table}, :own, :near) AS score FROM {table}"  # noqa: S608
        f" CROSS JOIN agents AS a ON a.number = {table}.rowid / :seqs CROSS JOIN {kind} AS t"
        f" ON t.agent_id = a.agent_id AND t.seq = {table}.rowid % :seqs"
        f" WHERE {table} MATCH :match AND a.agent_id <> :v_agent"
        " AND a.agent_id IN (SELECT value FROM json_each(:v_rooms))"
        f" AND {audience.visible('t')} AND {FINDABLE[kind]}"
        f" ORDER BY score DESC, {table}.rowid DESC LIMIT :limit",
        match=match,
        seqs=SEQS,
        limit=limit,
        own=WEIGHTS.own,
        near=WEIGHTS.near,
        **audience.params(viewer),
    )


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
    row = conn.one(f"SELECT count(*) AS n FROM {TABLES[kind]}_docsize")  # noqa: S608
    return found, int(row["n"]) if row else 0
