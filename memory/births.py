"""How an agent comes to be: at first sight, with its blocks. Inside a transaction."""

from dataclasses import replace

from memory import agents, archive, audience, changes, core
from memory.draft import Draft
from memory.ports import Connection
from memory.types import Agent, Birth, Block, Identity, Person, now

BLOCKS = {
    "persona": "Who I am and how I speak.",
    "human": "What I know about the person I talk with.",
}
ROOM_BLOCKS = {
    "persona": "Who I am and how I speak.",
    "room": "What this room is about.",
}  # and one `human:<name>` for each person who speaks in it


def person_of(conn: Connection, identity: Identity) -> Person:
    return agents.ensure_person(
        conn,
        platform=identity.platform,
        space=identity.space,
        user=identity.user,
        name=identity.name,
    )


def account_of(conn: Connection, identity: Identity) -> Person:
    """The person that an account is by itself, whomever it is linked to."""
    person = person_of(conn, identity)
    own = agents.identity_id(identity.platform, identity.space, identity.user)
    return agents.find_person(conn, own) or person


def meet(conn: Connection, birth: Birth, identity: Identity) -> tuple[Agent, Person]:
    """The agent that hears somebody, and as whom; both are made at first sight.

    In a direct message a person is heard as one, whichever of their accounts it comes from. Where
    others are, each account speaks for itself: so nothing there moves with `/link` and `/unlink`.
    """
    agent, _ = ensure_agent(conn, birth, identity)
    if birth.kind == "person":
        return agent, person_of(conn, identity)
    account = account_of(conn, identity)
    if birth.kind == "room":
        ensure_speaker(conn, agent.id, account)
        audience.entered(conn, agent.id, account.id, guest=identity.guest)
        workspace, kind = (
            str(birth.settings.get("workspace", "")),
            str(birth.settings.get("room", "")),
        )
        audience.opened(conn, agent.id, workspace, kind)
    return agent, account


def ensure_agent(
    conn: Connection, birth: Birth, identity: Identity | None = None
) -> tuple[Agent, bool]:
    """The agent, and whether it is new. For an identity's direct messages: its person's."""
    if identity is not None and birth.kind == "person":
        person = person_of(conn, identity)
        if birth.id != person.id:
            birth = replace(birth, id=person.id, name=person.name)
    known = agents.find(conn, birth.id)
    if known is not None:
        return known, False
    at = now()
    agent = agents.insert(
        conn,
        Agent(
            id=birth.id,
            name=birth.name,
            kind=birth.kind,
            person=birth.id if birth.kind == "person" else None,
            created_at=at,
            settings=birth.settings,
        ),
    )
    labels = ROOM_BLOCKS if birth.kind == "room" else BLOCKS
    for position, (label, description) in enumerate(labels.items()):
        block = Block(label=label, limit=core.LIMIT, description=description)
        core.insert_block(conn, agent.id, block, position)
    archive.insert_archive(conn, agent.id, archive.MAIN, at)
    draft = Draft.of(agent, core.blocks(conn, agent.id), actor="operator", at=at)
    draft.append("persona", birth.persona, action="create")
    for fact in draft.blocks["persona"].facts:
        draft.pin(fact, pinned=True, action="create")
    if core.lines_of(birth.human):
        draft.append("human", birth.human, action="create")
    changes.write(conn, draft.change())
    return changes.require(conn, agent.id), True


def ensure_speaker(conn: Connection, agent_id: str, person: Person) -> None:
    """A room's agent has a block for each person who speaks there, under the person's name."""
    blocks = core.blocks(conn, agent_id)
    if any(block.person == person.id for block in blocks):
        return
    taken = {block.label for block in blocks}
    label = name = f"human:{person.name}"
    number = 2
    while label in taken:
        label, number = f"{name} {number}", number + 1
    block = Block(
        label=label, limit=core.LIMIT, description=f"What I know about {person.name}.",
        person=person.id,
    )  # fmt: skip
    core.insert_block(conn, agent_id, block, len(blocks))
