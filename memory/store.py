"""The store: the shelves over one database, and the one place where a change is written whole."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from memory import (
    agents,
    asks,
    audience,
    births,
    changes,
    core,
    heartbeats,
    journal,
    links,
    queue,
    recall,
)
from memory.draft import Draft
from memory.errors import Conflict, NotFound
from memory.forget import erase
from memory.forget.erase import Receipt
from memory.heartbeats import Due, Known
from memory.ports import Connection, Database
from memory.types import (
    Agent,
    Ask,
    Birth,
    Block,
    Change,
    Claim,
    Entry,
    Fact,
    Identity,
    Origin,
    Outgoing,
    Person,
    Reply,
    Usage,
    View,
    Viewer,
    now,
)

T = TypeVar("T")

SHARED = 40  # facts of others that a turn sees


class Store:
    """Every verb of memory that reads or writes rows. Each is one transaction."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # --- agents ---

    async def ensure(self, birth: Birth, identity: Identity | None = None) -> tuple[Agent, bool]:
        """The agent, made if it is not there yet; and whether it is new."""

        def work(conn: Connection) -> tuple[Agent, bool]:
            return births.ensure_agent(conn, birth, identity)

        return await self.database.write(work)

    async def meet(self, birth: Birth, identity: Identity) -> tuple[Agent, Person]:
        """The agent, and the person; both are made if they are not there yet."""

        return await self.database.write(lambda conn: births.meet(conn, birth, identity))

    async def homes(self, account: str) -> list[str]:
        """The agents that have heard the direct messages of an account, today's first."""
        return await self.database.read(lambda conn: links.homes(conn, account))

    async def agent(self, agent_id: str) -> Agent:
        """Raises NotFound."""
        found = await self.database.read(lambda conn: agents.find(conn, agent_id))
        if found is None:
            raise NotFound("There is no such agent.")
        return found

    async def named(self, name: str) -> Agent | None:
        return await self.database.read(lambda conn: agents.named(conn, name))

    async def agents(self) -> list[Agent]:
        return await self.database.read(agents.page)

    async def delete(self, agent_id: str) -> None:
        """Remove an agent with all that it remembers. Index files are the index cache's."""
        await self.database.write(lambda conn: erase.agent(conn, agent_id))

    async def forget_person(self, person_id: str, *, at: datetime) -> Receipt:
        """Remove every trace of a person and of their accounts, in all agents, or nothing.

        What they said up to `at` is not received again. `Search.sweep` is to follow: until then
        the files may hold bytes of it that no row owns.
        """
        return await self.database.write(lambda conn: erase.person(conn, person_id, at))

    async def add_block(self, agent_id: str, block: Block) -> None:
        """Give an agent another block. Raises NotFound, or Conflict where the label is taken."""

        def work(conn: Connection) -> None:
            changes.require(conn, agent_id)
            there = core.blocks(conn, agent_id)
            if any(known.label == block.label for known in there):
                raise Conflict(f"There is a block '{block.label}' already.")
            core.insert_block(conn, agent_id, block, len(there))

        await self.database.write(work)

    # --- inbox and turns ---

    async def receive(
        self,
        birth: Birth,
        identity: Identity,
        *,
        kind: str = "message",
        dedup: str,
        room: str,
        payload: Mapping[str, Any],
        at: datetime,
    ) -> str | None:
        """Put a message into its agent's inbox; returns once that is on disk.

        kind: "message" is to be answered, "heard" only kept. Returns the id of the agent that got
        it. None: an event with this `dedup` was received before, or was said by somebody who
        wanted to be forgotten later, and nothing was added.
        """
        account = agents.identity_id(identity.platform, identity.space, identity.user)

        def work(conn: Connection) -> str | None:
            if erase.forgotten(conn, account, at):
                return None
            agent, person = births.meet(conn, birth, identity)
            others = links.homes(conn, birth.id)  # it may have come before the account was linked
            if any(queue.state_of(conn, other, dedup) for other in others):
                return None
            row = queue.put(
                conn, agent.id, kind=kind, dedup=dedup, room=room, at=at,
                payload={**payload, "person": person.id} | agents.mark(agent, room),
            )  # fmt: skip
            return agent.id if row is not None else None

        return await self.database.write(work)

    async def change(self, channel: str, dedup: str, text: str | None, at: datetime) -> str | None:
        """A message has another text now, None if it was deleted; returns once that is on disk.

        The agent that it was said to; None where it was to nobody.
        """
        return await self.database.write(lambda conn: queue.change(conn, channel, dedup, text, at))

    async def standing(self, agent_id: str, room: str) -> tuple[Mapping[str, Any], bool] | None:
        """An agent's settings, and whether it has spoken, or is about to, in this room.

        None: there is no such agent yet.
        """

        def work(conn: Connection) -> tuple[Mapping[str, Any], bool] | None:
            agent = agents.find(conn, agent_id)
            return (agent.settings, queue.takes_part(conn, agent_id, room)) if agent else None

        return await self.database.read(work)

    async def configure(self, agent_id: str, values: Mapping[str, Any]) -> None:
        """Change some of an agent's settings. Raises NotFound."""

        def work(conn: Connection) -> None:
            agent = changes.require(conn, agent_id)
            agents.set_settings(conn, agent_id, {**agent.settings, **values})

        await self.database.write(work)

    async def channels(self, platform: str) -> list[str]:
        """The rooms, without threads, of a platform in which anything was said to an agent."""
        return await self.database.read(lambda conn: queue.channels(conn, platform))

    async def last_received(self, channel: str) -> str | None:
        """The `dedup` of the latest message that was said in a room or in a thread of it.

        Of all agents: who answers there may change, as when a person links two accounts.
        """
        return await self.database.read(lambda conn: queue.newest(conn, channel))

    async def claim(self, agent_id: str, at: datetime) -> Claim | None:
        """The agent's next turn. Not awaited to disk: a restart takes it again anyway."""
        return await self.database.write(lambda conn: queue.claim(conn, agent_id, at), early=True)

    async def postpone(
        self,
        claim: Claim,
        ready_at: datetime,
        note: str,
        *,
        notice: Reply | None = None,
        failed: bool = False,
    ) -> None:
        """Put a turn back until `ready_at`; `notice` is sent once, if its key is new."""

        def work(conn: Connection) -> None:
            held = queue.postpone(conn, claim, ready_at, note, failed=failed)
            if held and notice is not None:
                queue.put_replies(conn, claim.agent, [notice], now())

        await self.database.write(work)

    async def waiting(self) -> list[tuple[str, datetime]]:
        return await self.database.read(queue.waiting)

    async def open_count(self, agent_id: str) -> int:
        return await self.database.read(lambda conn: queue.open_count(conn, agent_id))

    async def state_of(self, agent_id: str, dedup: str) -> tuple[int, str] | None:
        return await self.database.read(lambda conn: queue.state_of(conn, agent_id, dedup))

    async def replies_of(self, agent_id: str, turn: int) -> list[Outgoing]:
        return await self.database.read(lambda conn: queue.replies_of(conn, agent_id, turn))

    async def recover(self) -> int:
        """At start-up: rows that a former process was working on; they are ready again."""
        return await self.database.write(queue.release_all)

    async def view(self, agent_id: str, room: str, said: Origin | None = None) -> View:
        """What a turn in `room` sees of an agent, if it answers what was said; without that, what
        the agent's own conversations see. Raises NotFound."""
        return await self.database.read(lambda conn: view(conn, agent_id, room, said))

    async def viewer(self, agent_id: str, said: Origin) -> Viewer:
        """Whoever reads the answer to what was said. Raises NotFound."""

        def work(conn: Connection) -> Viewer:
            return audience.viewer(conn, changes.require(conn, agent_id), said)

        return await self.database.read(work)

    async def left(self, agent_id: str, account: str) -> None:
        """An account can no longer read a room."""
        await self.database.write(lambda conn: audience.left(conn, agent_id, account))

    # --- changes ---

    async def commit(self, change: Change) -> None:
        """Write a change whole, durably, or not at all.

        Raises Conflict where memory changed since it was read, or the claim on the turn was lost.
        """
        await self.database.write(lambda conn: changes.write(conn, change))

    async def edit(
        self, agent_id: str, work: Callable[[Draft], T], *, actor: str,
        origin: Origin | None = None, viewer: Viewer | None = None,
    ) -> T:  # fmt: skip
        """Change memory by hand: read, change and commit in one transaction.

        viewer: only what they may see is there to be changed, and of that only what they may.
        """

        def whole(conn: Connection) -> T:
            agent = changes.require(conn, agent_id)
            blocks = core.blocks(conn, agent_id, viewer)
            draft = Draft.of(agent, blocks, actor=actor, origin=origin or audience.own(agent))
            result = work(draft)
            changes.keep_to_own(draft, viewer)
            changes.write(conn, draft.change())
            return result

        return await self.database.write(whole)

    async def undo(
        self, agent_id: str, seq: int | None, *, actor: str, viewer: Viewer | None = None
    ) -> Entry:
        """Take back the last change of memory, or the one numbered `seq`; returns what was undone.

        Raises NotFound where there is nothing to undo, Conflict where something newer rests on it,
        LimitReached where what comes back no longer fits.
        """
        return await self.database.write(
            lambda conn: changes.undo(conn, agent_id, seq, actor, viewer)
        )

    # --- reading ---

    async def blocks(self, agent_id: str, viewer: Viewer | None = None) -> tuple[Block, ...]:
        return await self.database.read(lambda conn: core.blocks(conn, agent_id, viewer))

    async def fact(self, agent_id: str, seq: int) -> Fact:
        """Raises NotFound."""
        found = await self.database.read(lambda conn: core.get_fact(conn, agent_id, seq))
        if found is None:
            raise NotFound(f"There is no fact #{seq}.")
        return found

    async def history(self, agent_id: str, offset: int, limit: int) -> list[Entry]:
        return await self.database.read(
            lambda conn: journal.page(conn, agent_id, offset=offset, limit=limit)
        )

    # --- heartbeats ---

    async def due(self, at: datetime, interval: timedelta, silence: timedelta) -> list[Due]:
        """Agents whose heartbeat is due."""
        return await self.database.read(lambda conn: heartbeats.due(conn, at, interval, silence))

    async def put_heartbeats(self, found: Sequence[Due], at: datetime, most: int) -> list[str]:
        """A heartbeat in the inbox of each, until `most` are open in all; who got one."""

        def work(conn: Connection) -> list[str]:
            return heartbeats.put(conn, found[: max(0, most - heartbeats.beating(conn))], at)

        return await self.database.write(work)

    async def known(self, agent_id: str, at: datetime) -> Known:
        """What a heartbeat starts from. Raises NotFound."""
        return await self.database.read(lambda conn: heartbeats.known(conn, agent_id, at))

    async def usage(self, agent_id: str | None, since: datetime) -> list[Usage]:
        """What model calls took on each day (UTC) since then; None: of all agents together."""
        return await self.database.read(lambda conn: heartbeats.usage(conn, agent_id, since))

    async def as_of(
        self, agent_id: str, at: datetime, viewer: Viewer | None = None
    ) -> tuple[Block, ...]:
        """The blocks as they stood at a time."""
        return await self.database.read(lambda conn: core.as_of(conn, agent_id, at, viewer))

    # --- questions to people ---

    async def accounts(self, person: str) -> list[str]:
        """Every id that a person has or had: by any of their accounts."""
        return await self.database.read(
            lambda conn: links.person_ids(conn, agents.person_id(conn, person))
        )

    async def say(self, agent_id: str, reply: Reply) -> None:
        """Put a reply into the outbox; one whose key is known is not put there again."""
        await self.database.write(lambda conn: queue.put_replies(conn, agent_id, [reply], now()))

    async def answer(self, agent_id: str, number: int, people: Sequence[str]) -> Ask | None:
        """The question, if it is one of these people's and still open; it is closed by this."""
        return await self.database.write(lambda conn: asks.answered(conn, agent_id, number, people))

    async def unasked(self) -> list[tuple[str, Ask]]:
        """Questions that were not shown yet, each with the agent that asks."""
        return await self.database.read(asks.untold)

    async def asked(self, agent_id: str, number: int) -> None:
        await self.database.write(lambda conn: asks.told(conn, agent_id, number))

    async def private(self, viewer: Viewer, text: str) -> list[tuple[str | None, str]]:
        """What these readers may not know and a text could quote: whose it is, and the words."""
        return await self.database.read(lambda conn: asks.private_to_others(conn, viewer, text))

    # --- outbox ---

    async def unsent(self, agent_id: str) -> list[Outgoing]:
        return await self.database.read(lambda conn: queue.unsent(conn, agent_id))

    async def with_unsent(self) -> list[str]:
        return await self.database.read(queue.with_unsent)

    async def sent(self, reply: Outgoing, receipt: str) -> None:
        await self.database.write(lambda conn: queue.sent(conn, reply.agent, reply.id, receipt))

    async def unsendable(self, reply: Outgoing, *, final: bool) -> None:
        await self.database.write(
            lambda conn: queue.unsendable(conn, reply.agent, reply.id, final=final)
        )

    async def close(self) -> None:
        await self.database.close()


def view(conn: Connection, agent_id: str, room: str, said: Origin | None) -> View:
    agent = changes.require(conn, agent_id)
    viewer = audience.viewer(conn, agent, said or replace(audience.own(agent), room=room))
    summary = recall.summary(conn, viewer, room)
    after = summary.upto if summary else 0
    counts = conn.one(
        "SELECT (SELECT count(*) FROM passages AS p WHERE p.agent_id = :v_agent"  # noqa: S608
        f" AND {audience.visible('p')}) AS passages, (SELECT count(*) FROM messages AS m"
        f" WHERE m.agent_id = :v_agent AND m.room = :room AND m.seq <= :after) AS older",
        room=room,
        after=after,
        **audience.params(viewer),
    )
    return View(
        agent=agent,
        blocks=core.blocks(conn, agent_id, viewer),
        summary=summary,
        history=tuple(recall.window(conn, viewer, room, after)),
        shared=tuple(core.shared(conn, viewer, SHARED)),
        viewer=viewer,
        passages=counts["passages"] if counts else 0,
        older=counts["older"] if counts else 0,
    )
