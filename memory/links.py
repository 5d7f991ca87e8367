"""Accounts of one person: joined by a code, with what they remember, and parted again.

An account is a platform's user. It has a person of its own, and that person's agent, for good; a
link only says that its direct messages go to another person's. So what it remembered by itself
stays untouched, and is there again when the link ends. Inside a transaction.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from memory import agents, archive, births, changes, core, journal, merge
from memory.codec import micros
from memory.draft import Draft
from memory.errors import BadInput, Conflict, NotFound
from memory.ports import Connection
from memory.types import Agent, Birth, Block, Diff, Entry, Fact, Identity, Passage

LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: eight of them are 40 bits
LENGTH: Final = 8
LASTS: Final = timedelta(minutes=10)
_READ_AS: Final = str.maketrans("OIL", "011", "-–— \u3000")

UNKNOWN = (
    "This code is not valid, or no longer. A code lasts ten minutes and works once: type `/link` in"
    " your other account for a new one."
)


class UnknownCode(NotFound):
    """There is no such code, or it was used, or it is too old: nobody is told which."""

    def __str__(self) -> str:
        return UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A platform's user, as people know it. `id` is also the id of its own person."""

    id: str
    person: str
    platform: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """What a link does, or did: whom it joins, and what their memory gets from the account."""

    to: Account
    facts: int
    known: int  # facts that are there already, and confirmed
    passages: int
    rooms: int  # that know the account; nothing changes there


@dataclass(frozen=True, slots=True, kw_only=True)
class Parting:
    """What the end of a link did: whose memory the account left, and what that gave back."""

    account: Account
    person: str  # the name of whom it was linked to
    removed: int  # facts and passages that had come with the link
    kept: int  # of those: changed since, and so theirs


# --- who is whose ---------------------------------------------------------------------------------


def account(conn: Connection, account_id: str) -> Account | None:
    row = conn.one("SELECT * FROM identities WHERE agent_id = :id", id=account_id)
    if row is None:
        return None
    return Account(id=account_id, person=row["person"], platform=row["platform"], name=row["name"])


def others(conn: Connection, person: str) -> list[Account]:
    """The accounts that were linked to a person's own."""
    rows = conn.all(
        "SELECT agent_id FROM identities WHERE person = :person AND agent_id <> :person"
        " ORDER BY platform, name, agent_id",
        person=person,
    )
    found = (account(conn, row["agent_id"]) for row in rows)
    return [one for one in found if one is not None]


def person_ids(conn: Connection, person: str) -> list[str]:
    """Every id that a person goes by: their own, and those of the accounts linked to it."""
    return [person, *(other.id for other in others(conn, person))]


def homes(conn: Connection, account_id: str) -> list[str]:
    """The agents that have heard an account's direct messages, today's first. Of any other agent's
    id: just that."""
    rows = conn.all("SELECT person FROM links WHERE agent_id = :id", id=account_id)
    if not rows:
        return [account_id]
    known = (agents.person_id(conn, account_id), account_id, *(row["person"] for row in rows))
    return list(dict.fromkeys(known))


# --- codes ----------------------------------------------------------------------------------------


def _hashed(code: str) -> str:
    """Of the code as it may be typed: in small letters, without its dash, O for 0."""
    plain = code.upper().translate(_READ_AS)
    return hashlib.sha256(plain.encode()).hexdigest()


def new_code(conn: Connection, identity: Identity, at: datetime) -> str:
    """A code for an account, in place of the one it had. Only its hash is kept."""
    asking = births.account_of(conn, identity)
    code = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    conn.execute("DELETE FROM link_codes WHERE until <= :now", now=micros(at))
    conn.execute(
        "INSERT OR REPLACE INTO link_codes(agent_id, hash, until) VALUES(:id, :hash, :until)",
        id=asking.id,
        hash=_hashed(code),
        until=micros(at + LASTS),
    )
    return f"{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}"


def _asked_by(conn: Connection, code: str, at: datetime) -> Account:
    """The account that a code was given to. Raises UnknownCode."""
    row = conn.one(
        "SELECT agent_id FROM link_codes WHERE hash = :hash AND until > :now",
        hash=_hashed(code),
        now=micros(at),
    )
    found = account(conn, row["agent_id"]) if row else None
    if found is None:
        raise UnknownCode
    return found


# --- joining --------------------------------------------------------------------------------------


def preview(conn: Connection, code: str, identity: Identity, at: datetime) -> Joining:
    """What `join` would do. Writes nothing but who asks. Raises as `join` does."""
    to, joining = _pair(conn, code, identity, at)
    return _joining(conn, to, joining, core.blocks(conn, to.person))


def join(conn: Connection, code: str, identity: Identity, at: datetime, persona: str) -> Joining:
    """Link the account of `identity` to the one that the code was given to, and use the code up.

    What its own agent knows is added to the other's memory, as one change. persona: of that agent,
    where it was never met. Raises UnknownCode, BadInput for one's own code, Conflict for an account
    that is linked already.
    """
    to, joining = _pair(conn, code, identity, at)
    person = agents.find_person(conn, to.person)
    name = person.name if person else to.name
    agent, _ = births.ensure_agent(
        conn, Birth(id=to.person, name=name, kind="person", persona=persona)
    )
    blocks = core.blocks(conn, agent.id)
    done = _joining(conn, to, joining, blocks)
    entry = _gather(conn, agent, blocks, joining, at)
    agents.hush_as(conn, agent.id, joining.id)
    conn.execute("DELETE FROM link_codes WHERE agent_id = :id", id=to.id)
    conn.execute(
        "UPDATE identities SET person = :person WHERE agent_id = :id",
        person=to.person,
        id=joining.id,
    )
    conn.execute(
        "INSERT OR REPLACE INTO links(agent_id, person, entry, at)"
        " VALUES(:id, :person, :entry, :at)",
        id=joining.id,
        person=to.person,
        entry=entry.seq,
        at=micros(at),
    )
    return done


def _pair(conn: Connection, code: str, identity: Identity, at: datetime) -> tuple[Account, Account]:
    """The account that a code was given to, and the one that uses it."""
    to = _asked_by(conn, code, at)
    joining = account(conn, births.account_of(conn, identity).id)
    assert joining is not None
    if joining.id == to.id:
        raise BadInput(
            "This code was given to this very account. Type it in the other one, and the two"
            " are joined."
        )
    if joining.person == to.person:
        raise Conflict(f"This account is linked to {shown(to)} already.")
    if joining.person != joining.id or others(conn, joining.id):
        raise Conflict(
            "This account is linked to others already. Type `/unlink` first, or type `/link` here"
            " and use the code in the other account."
        )
    return to, joining


def shown(one: Account) -> str:
    return f"{one.name} on {one.platform.title()}"


def _joining(conn: Connection, to: Account, joining: Account, blocks: Sequence[Block]) -> Joining:
    facts = _facts(conn, joining.id)
    there = {(block.label, fact.text) for block in blocks for fact in block.facts}
    known = sum((fact.label, fact.text) in there for fact in facts)
    rooms = conn.one(
        "SELECT count(DISTINCT agent_id) AS n FROM blocks WHERE person = :person",
        person=joining.id,
    )
    return Joining(
        to=to,
        facts=len(facts) - known,
        known=known,
        passages=len(_passages(conn, joining.id, to.person)),
        rooms=rooms["n"] if rooms else 0,
    )


def _facts(conn: Connection, agent_id: str) -> list[Fact]:
    """What an agent knows, but for who it is itself."""
    blocks = core.blocks(conn, agent_id)
    return [fact for block in blocks if block.label != "persona" for fact in block.facts]


def _passages(conn: Connection, source: str, target: str) -> list[Passage]:
    """The passages of one agent that another has not."""
    there = {(passage.text, passage.tags) for passage in archive.page(conn, target, limit=-1)}
    passages = archive.page(conn, source, limit=-1)
    return [passage for passage in passages if (passage.text, passage.tags) not in there]


def _gather(
    conn: Connection, agent: Agent, blocks: Sequence[Block], joining: Account, at: datetime
) -> Entry:
    """Add what an account's agent knows to another agent's memory; the change as it is kept."""
    draft = Draft.of(agent, blocks, actor="person", at=at)
    facts = _facts(conn, joining.id)
    diffs: list[Diff] = []
    for label in dict.fromkeys(fact.label for fact in facts):
        theirs = [fact for fact in facts if fact.label == label]
        block = draft.blocks.get(label)
        if block is None or block.read_only:
            diffs.extend(_as_passages(draft, theirs))
        else:
            diffs.extend(merge.merged(draft, block, theirs))
    passages = _passages(conn, joining.id, agent.id)
    for passage in passages:
        origin = merge.elsewhere(passage.origin)
        copy = replace(passage, seq=draft.seq(), archive=archive.MAIN, origin=origin)
        diffs.append(Diff(before=None, after=copy))
    told = f"{shown(joining)}: {len(facts)} facts, {len(passages)} passages"
    return _written(conn, draft, Entry(
        seq=draft.seq(), at=at, actor="person", action="link", summary=told, diffs=tuple(diffs)
    ))  # fmt: skip


def _as_passages(draft: Draft, facts: Sequence[Fact]) -> list[Diff]:
    """Facts of a block that the other agent has not, or may not write to."""
    return [
        Diff(before=None, after=merge.put_away(draft, fact, merge.elsewhere(fact.origin)))
        for fact in facts
    ]


def _written(conn: Connection, draft: Draft, entry: Entry) -> Entry:
    draft.entries.append(entry)
    changes.write(conn, draft.change())
    return entry


# --- parting --------------------------------------------------------------------------------------


def part(conn: Connection, account_id: str, at: datetime) -> Parting:
    """End the link of an account: its direct messages go to its own agent again.

    What came with it is taken out of the other's memory again, unless it was changed there since.
    Raises NotFound for an account that is not linked to another.
    """
    leaving = account(conn, account_id)
    if leaving is None or leaving.person == leaving.id:
        raise NotFound("This account is not linked to another one.")
    conn.execute("UPDATE identities SET person = :id WHERE agent_id = :id", id=account_id)
    agents.hush_as(conn, account_id, leaving.person)
    removed, kept = _give_back(conn, leaving, at)
    person = agents.find_person(conn, leaving.person)
    name = person.name if person else leaving.name
    return Parting(account=leaving, person=name, removed=removed, kept=kept)


def _give_back(conn: Connection, leaving: Account, at: datetime) -> tuple[int, int]:
    """(removed, kept) of what came with a link, now that it ends."""
    entry = _entry(conn, leaving)
    if entry is None:
        return 0, 0
    agent = changes.require(conn, leaving.person)
    whole: list[merge.Piece] = []
    changed: list[merge.Piece] = []
    for piece in merge.pieces(entry):
        (whole if _stands(conn, agent.id, piece) else changed).append(piece)
    blocks = core.blocks(conn, agent.id)
    undone = tuple(diff for piece in merge.fitting(blocks, whole) for diff in piece)
    removed = sum(merge.came(piece) for piece in whole)
    kept = sum(merge.came(piece) and _there(conn, agent.id, piece) for piece in changed)
    draft = Draft.of(agent, blocks, actor="person", at=at)
    told = f"{shown(leaving)}: {removed} facts and passages taken out, {kept} kept"
    _written(conn, draft, Entry(
        seq=draft.seq(), at=at, actor="person", action="unlink", summary=told,
        diffs=journal.reversed_diffs(replace(entry, diffs=undone)), undoes=entry.seq,
    ))  # fmt: skip
    return removed, kept


def _entry(conn: Connection, leaving: Account) -> Entry | None:
    """The change that a link was, unless it was undone, or the other agent is not the same."""
    row = conn.one(
        "SELECT entry, at FROM links WHERE agent_id = :id AND person = :person",
        id=leaving.id,
        person=leaving.person,
    )
    entry = journal.get(conn, leaving.person, row["entry"]) if row else None
    stands = entry and row and entry.undone_by is None and micros(entry.at) == row["at"]
    return entry if stands else None


def _stands(conn: Connection, agent_id: str, piece: merge.Piece) -> bool:
    """Whether everything is as the link left it."""
    return all(
        diff.after and journal.same(changes.row(conn, agent_id, diff.after.seq), diff.after)
        for diff in piece
    )


def _there(conn: Connection, agent_id: str, piece: merge.Piece) -> bool:
    """Whether what came is still remembered, in whatever form."""
    thing = piece[0].after
    now = changes.row(conn, agent_id, thing.seq) if thing else None
    return now is not None and not (isinstance(now, Fact) and now.state == "removed")
