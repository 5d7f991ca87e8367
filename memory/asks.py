"""Questions to one person that wait for a choice, and what is private to others."""

import json
from collections.abc import Sequence
from datetime import datetime

from memory import audience
from memory.codec import micros, moment
from memory.ports import Connection, Row
from memory.types import Ask, Viewer
from memory.words import any_of, query_terms

NOTICE = 0  # the id of an account's notice; questions of agents begin at 1
REQUEST = -1  # of what asks it to agree
PASSAGES = 50  # candidates, found by the words of a text
FACTS = 5000
IN_ROOMS = (
    "SELECT i.person FROM members AS m JOIN identities AS i ON i.agent_id = m.person"
    " WHERE m.agent_id IN (SELECT value FROM json_each(:v_rooms)) OR m.agent_id = :v_agent"
)
SHARED = (  # what a workspace may know, and guests in it may not
    "f.audience = 'workspace' AND f.state = 'active' AND f.workspace = :place"
)
SEQS = 32  # bits of a row's number in the word index: see shelf.py


def put(conn: Connection, agent_id: str, asks: Sequence[Ask]) -> None:
    for ask in asks:
        conn.execute(
            "INSERT INTO asks(agent_id, id, kind, person, target, payload, at, state)"
            " VALUES(:agent, :id, :kind, :person, :target, :payload, :at, 'new')",
            agent=agent_id,
            id=ask.id,
            kind=ask.kind,
            person=ask.person,
            target=json.dumps(dict(ask.target), ensure_ascii=False),
            payload=json.dumps(dict(ask.payload), ensure_ascii=False),
            at=micros(ask.at),
        )


def put_notice(conn: Connection, account: str, ask: Ask) -> bool:
    """Something that an account is told once. False: it was told before."""
    if ask.id in notices(conn, account):
        return False
    put(conn, account, [ask])
    return True


def notices(conn: Connection, account: str) -> set[int]:
    """The ids of what an account was told, or is about to be."""
    rows = conn.all(
        "SELECT id FROM asks WHERE agent_id = :account AND id IN (:notice, :request)",
        account=account,
        notice=NOTICE,
        request=REQUEST,
    )
    return {row["id"] for row in rows}


def agreed(conn: Connection, accounts: Sequence[str]) -> bool:
    """Whether any of these accounts of one person agreed to be remembered."""
    row = conn.one(
        "SELECT 1 AS yes FROM asks WHERE id = :id AND state = 'done'"
        " AND agent_id IN (SELECT value FROM json_each(:ids)) LIMIT 1",
        id=NOTICE,
        ids=json.dumps(list(accounts)),
    )
    return row is not None


def agree(conn: Connection, account: str, at: datetime) -> None:
    """An account agreed to be remembered, whether it was asked or not."""
    put_notice(
        conn, account, Ask(id=NOTICE, kind="notice", person=account, target={}, payload={}, at=at)
    )
    conn.execute(
        "UPDATE asks SET state = 'done', payload = '{}' WHERE agent_id = :account AND id = :id",
        account=account,
        id=NOTICE,
    )


def _ask(row: Row) -> Ask:
    return Ask(
        id=row["id"],
        kind=row["kind"],
        person=row["person"],
        target=json.loads(row["target"]),
        payload=json.loads(row["payload"]),
        at=moment(row["at"]),
    )


def untold(conn: Connection) -> list[tuple[str, Ask]]:
    """Questions that nobody was shown yet, each with the agent that asks."""
    rows = conn.all("SELECT * FROM asks WHERE state = 'new' ORDER BY agent_id, id")
    return [(row["agent_id"], _ask(row)) for row in rows]


def told(conn: Connection, agent_id: str, number: int) -> None:
    conn.execute(
        "UPDATE asks SET state = 'told' WHERE agent_id = :agent AND id = :id AND state = 'new'",
        agent=agent_id,
        id=number,
    )


def answered(conn: Connection, agent_id: str, number: int, people: Sequence[str]) -> Ask | None:
    """The question, if it was one of these people's and is still open; it is closed, its words
    gone."""
    row = conn.one(
        "SELECT * FROM asks WHERE agent_id = :agent AND id = :id AND state <> 'done'"
        " AND kind <> 'notice'"
        " AND person IN (SELECT value FROM json_each(:people))",
        agent=agent_id,
        id=number,
        people=json.dumps(list(people)),
    )
    if row is None:
        return None
    conn.execute(
        "UPDATE asks SET state = 'done', payload = '{}' WHERE agent_id = :agent AND id = :id",
        agent=agent_id,
        id=number,
    )
    return _ask(row)


def private_to_others(
    conn: Connection, viewer: Viewer, text: str, of: Sequence[str] = ()
) -> list[tuple[str | None, str]]:
    """What these readers may not know, and what a text could quote: (whose it is, the words).

    Facts of the people of these rooms, and of those they share rooms with; facts of the agents
    `of`, from which the text may come; shared ones, where guests read along; passages of everybody
    that have the text's words.
    """
    found: list[tuple[str | None, str]] = []
    of_the_room = f"f.agent_id IN ({IN_ROOMS})"
    for whose in (of_the_room, "f.agent_id IN (SELECT value FROM json_each(:of))", SHARED):
        rows = conn.all(
            "SELECT f.person AS person, f.text AS text FROM facts AS f"  # noqa: S608 -- ours
            f" WHERE {whose} AND f.state IN ('active', 'archived')"
            f" AND NOT {audience.visible('f')} LIMIT :most",
            of=json.dumps(list(of)),
            place="/".join(viewer.channel.split("/")[:2]),
            most=FACTS,
            **audience.params(viewer),
        )
        found.extend((row["person"], row["text"]) for row in rows)
    match = any_of(query_terms(text))
    if match is not None:
        rows = conn.all(
            "SELECT p.person AS person, p.text AS text FROM"  # noqa: S608
            " (SELECT rowid AS id, bm25(passages_words) AS cost FROM passages_words"
            "  WHERE passages_words MATCH :match ORDER BY cost LIMIT :most) AS w"
            f" JOIN agents AS a ON a.number = (w.id >> {SEQS}) JOIN passages AS p"
            f" ON p.agent_id = a.agent_id AND p.seq = (w.id & ((1 << {SEQS}) - 1))"
            f" WHERE NOT {audience.visible('p')}",
            match=match,
            most=PASSAGES,
            **audience.params(viewer),
        )
        found.extend((row["person"], row["text"]) for row in rows)
    return found
