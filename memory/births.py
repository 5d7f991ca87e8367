"""How an agent comes to be: at first sight, with its blocks. Inside a transaction."""

from memory import agents, archive, changes, core
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


def ensure_agent(
    conn: Connection, birth: Birth, identity: Identity | None = None
) -> tuple[Agent, bool]:
    known = agents.find(conn, birth.id)
    if known is not None:
        return known, False
    at = now()
    person = person_of(conn, identity).id if identity and birth.kind == "person" else None
    agent = agents.insert(
        conn,
        Agent(
            id=birth.id,
            name=birth.name,
            kind=birth.kind,
            person=person,
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
