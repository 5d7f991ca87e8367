"""Questions to one person that wait for a choice, and what is private to others."""

import json
from collections.abc import Sequence
from datetime import datetime

from memory import audience
from memory.codec import micros, moment
from memory.ports import Connection, Row
from memory.types import Ask, Viewer
from memory.words import match_query

NOTICE = 0  # the id of an account's notice; questions of agents begin at 1
PASSAGES = 50  # candidates, found by the words of a text
FACTS = 5000
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
    if notice(conn, [account]) is not None:
        return False
    put(conn, account, [ask])
    return True


def notice(conn: Connection, accounts: Sequence[str]) -> str | None:
    """How far the notice of these accounts of one person is: "new", "told", or "done" where they
    agreed with any of them; None where there is none."""
    row = conn.one(
        "SELECT state FROM asks WHERE id = :id AND agent_id IN (SELECT value FROM json_each(:ids))"
        " ORDER BY state = 'done' DESC LIMIT 1",
        id=NOTICE,
        ids=json.dumps(list(accounts)),
    )
    return str(row["state"]) if row else None


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


def private_to_others(conn: Connection, viewer: Viewer, text: str) -> list[tuple[str | None, str]]:
    """What these readers may not know, and what a text could quote: (whose it is, the words).

    Facts of the people of these rooms, and of those they share rooms with; passages of everybody
    that have the text's words.
    """
    rows = conn.all(
        "SELECT f.person AS person, f.text AS text FROM facts AS f WHERE f.agent_id IN"  # noqa: S608
        " (SELECT i.person FROM members AS m JOIN identities AS i ON i.agent_id = m.person"
        "  WHERE m.agent_id IN (SELECT value FROM json_each(:v_rooms)) OR m.agent_id = :v_agent)"
        f" AND f.state IN ('active', 'archived') AND NOT {audience.visible('f')} LIMIT :most",
        most=FACTS,
        **audience.params(viewer),
    )
    found = [(row["person"], row["text"]) for row in rows]
    match = match_query(text)
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
