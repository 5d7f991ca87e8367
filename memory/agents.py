"""Agents, persons, and the way from an address to its agent."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from memory.audience import channel_of
from memory.codec import micros, moment
from memory.ports import Connection, Row
from memory.types import Agent, Person, now

SPACE = UUID("6f0d1c1e-6f63-5d3c-9a55-4c9f2f0e6a11")  # of our own; every id derives from it


def derived_id(*parts: str) -> str:
    """The id that an address leads to: no look-up is needed to find an agent.

    Parts are joined with their lengths, so that ("a:b",) and ("a", "b") differ.
    """
    return str(uuid5(SPACE, "".join(f"{len(part)}:{part}" for part in parts)))


def identity_id(platform: str, space: str, user: str) -> str:
    """A platform's user: an account. It is also the id of their person, and of that person's
    agent, until `/link` says otherwise."""
    return derived_id("user", platform, space, user)


def named_id(name: str) -> str:
    """The id of an agent that was created by name."""
    return derived_id("named", name)


def from_row(row: Row) -> Agent:
    return Agent(
        id=row["agent_id"],
        name=row["name"],
        kind=row["kind"],
        person=row["person"],
        created_at=moment(row["created_at"]),
        version=row["version"],
        last_seq=row["last_seq"],
        number=row["number"],
        settings=json.loads(row["settings"]),
    )


def find(conn: Connection, agent_id: str) -> Agent | None:
    row = conn.one("SELECT * FROM agents WHERE agent_id = :agent_id", agent_id=agent_id)
    return from_row(row) if row else None


def named(conn: Connection, name: str) -> Agent | None:
    """The agent that people call `name`; where several do, the one created by name comes first."""
    row = conn.one(
        "SELECT * FROM agents WHERE name = :name ORDER BY agent_id <> :exact, created_at LIMIT 1",
        name=name,
        exact=named_id(name),
    )
    return from_row(row) if row else None


def page(conn: Connection) -> list[Agent]:
    return [from_row(row) for row in conn.all("SELECT * FROM agents ORDER BY name, agent_id")]


def insert(conn: Connection, agent: Agent) -> Agent:
    """Write a new agent; its `number` is chosen here.

    One that was forgotten before counts its turns on, so that platforms tell its replies apart.
    """
    row = conn.one("SELECT coalesce(max(number), 0) + 1 AS next FROM agents")
    number = row["next"] if row else 1
    conn.execute(
        "INSERT INTO agents(agent_id, number, name, kind, person, created_at, version, last_seq,"
        " inbox_seq, outbox_seq, mused_at, settings) SELECT :id, :number, :name, :kind, :person,"
        " :created_at, :version, :last_seq, turns, turns, :created_at, :settings"
        " FROM (SELECT coalesce(max(turns), 0) AS turns FROM forgotten WHERE agent_id = :id)",
        id=agent.id,
        number=number,
        name=agent.name,
        kind=agent.kind,
        person=agent.person,
        created_at=micros(agent.created_at),
        version=agent.version,
        last_seq=agent.last_seq,
        settings=json.dumps(dict(agent.settings), ensure_ascii=False, sort_keys=True),
    )
    stored = find(conn, agent.id)
    assert stored is not None
    return stored


def advance(conn: Connection, agent_id: str, *, version: int, last_seq: int) -> bool:
    """Compare-and-set of the agent's version; False when somebody else changed it meanwhile."""
    changed = conn.execute(
        "UPDATE agents SET version = version + 1, last_seq = :last_seq"
        " WHERE agent_id = :agent_id AND version = :version",
        agent_id=agent_id,
        version=version,
        last_seq=last_seq,
    )
    return changed == 1


def ensure_person(conn: Connection, *, platform: str, space: str, user: str, name: str) -> Person:
    """The person behind a platform's user, made at first sight."""
    identity = identity_id(platform, space, user)
    row = conn.one("SELECT person FROM identities WHERE agent_id = :id", id=identity)
    if row is None:
        conn.execute(
            "INSERT INTO identities(agent_id, person, platform, space, user, name)"
            " VALUES(:id, :id, :platform, :space, :user, :name)",
            id=identity,
            platform=platform,
            space=space,
            user=user,
            name=name,
        )
    person = row["person"] if row else identity
    known = find_person(conn, person)
    if known is None:
        at = now()
        conn.execute(
            "INSERT INTO persons(agent_id, name, created_at) VALUES(:id, :name, :at)",
            id=person,
            name=name,
            at=micros(at),
        )
        return Person(id=person, name=name, created_at=at)
    return known


def find_person(conn: Connection, person_id: str) -> Person | None:
    row = conn.one("SELECT * FROM persons WHERE agent_id = :id", id=person_id)
    if row is None:
        return None
    return Person(id=person_id, name=row["name"], created_at=moment(row["created_at"]))


def person_id(conn: Connection, account: str) -> str:
    """The id of the person whose account this is."""
    row = conn.one("SELECT person FROM identities WHERE agent_id = :id", id=account)
    return row["person"] if row else account


def set_settings(conn: Connection, agent_id: str, settings: Mapping[str, Any]) -> None:
    conn.execute(
        "UPDATE agents SET settings = :settings WHERE agent_id = :id",
        id=agent_id,
        settings=json.dumps(dict(settings), ensure_ascii=False, sort_keys=True),
    )


def hushing(agent: Agent, room: str) -> tuple[str, ...]:
    """The conversations whose incognito covers this one: itself, and for a person's thread the
    direct message that it is in, since people cannot always tell which of the two they are in."""
    return (room, channel_of(room)) if agent.kind == "person" else (room,)


def incognito(agent: Agent, room: str) -> bool:
    """Whether a conversation is one from which nothing is learned."""
    return not {*agent.settings.get("incognito", ())}.isdisjoint(hushing(agent, room))


def hushed(agent: Agent, room: str) -> bool:
    """Whether nothing is learned there now: memory is paused, or the conversation is incognito."""
    return bool(agent.settings.get("paused")) or incognito(agent, room)


def hush_as(conn: Connection, agent_id: str, other_id: str) -> None:
    """What is paused or incognito with one agent is so with another, which hears those
    conversations from now on."""
    agent, other = find(conn, agent_id), find(conn, other_id)
    if agent is None or other is None:
        return
    paused = bool(agent.settings.get("paused") or other.settings.get("paused"))
    rooms = {*agent.settings.get("incognito", ()), *other.settings.get("incognito", ())}
    if paused or rooms:
        hush = {"paused": paused, "incognito": sorted(rooms)}
        set_settings(conn, agent_id, {**agent.settings, **hush})


def mark(agent: Agent, room: str) -> dict[str, bool]:
    """What is added to the payload of a message that is said there now: whether it is learned from
    goes by when it was said, not by when it is answered."""
    return {"fleeting": True} if hushed(agent, room) else {}


OWNED = (  # every table that holds rows of one agent; persons and identities are not the agent's
    "blocks", "facts", "messages", "summaries", "archives", "passages", "inbox", "outbox",
    "timers", "usage", "journal", "vectors", "index_state", "embed_queue", "rooms", "members",
    "asks", "agents",
)  # fmt: skip


def delete(conn: Connection, agent_id: str) -> None:
    """Every row of an agent, but for its search words: those the shelves remove first."""
    for table in OWNED:
        conn.execute(f"DELETE FROM {table} WHERE agent_id = :id", id=agent_id)  # noqa: S608 -- ours
