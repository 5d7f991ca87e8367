"""The store: the shelves over one database, and the one place where a change is written whole."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from memory import agents, archive, births, changes, core, journal, queue, recall
from memory.draft import Draft
from memory.errors import Conflict, NotFound
from memory.ports import Connection, Database
from memory.types import (
    Agent,
    Birth,
    Block,
    Change,
    Claim,
    Entry,
    Fact,
    Identity,
    Origin,
    Outgoing,
    Reply,
    View,
    now,
)

T = TypeVar("T")


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
        await self.database.write(lambda conn: erase(conn, agent_id))

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
    ) -> bool:
        """Put a message into its agent's inbox; returns once that is on disk.

        kind: "message" is to be answered, "heard" only kept. False: an event with this `dedup` was
        received before, and nothing was added.
        """

        def work(conn: Connection) -> bool:
            births.ensure_agent(conn, birth, identity)
            person = births.person_of(conn, identity)
            if birth.kind == "room":
                births.ensure_speaker(conn, birth.id, person)
            row = queue.put(
                conn, birth.id, kind=kind, dedup=dedup, room=room, at=at,
                payload={**payload, "person": person.id},
            )  # fmt: skip
            return row is not None

        return await self.database.write(work)

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

    async def direct_rooms(self, platform: str) -> list[tuple[str, str]]:
        """(channel, user) of every direct conversation that there was on a platform."""
        return await self.database.read(lambda conn: queue.direct_rooms(conn, platform))

    async def last_received(self, agent_id: str) -> str | None:
        """The `dedup` of the newest row of an agent's inbox."""
        return await self.database.read(lambda conn: queue.newest(conn, agent_id))

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
            queue.postpone(conn, claim, ready_at, note, failed=failed)
            if notice is not None:
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

    async def view(self, agent_id: str, room: str) -> View:
        """What a turn in `room` sees of an agent. Raises NotFound."""
        return await self.database.read(lambda conn: view(conn, agent_id, room))

    # --- changes ---

    async def commit(self, change: Change) -> None:
        """Write a change whole, durably, or not at all.

        Raises Conflict where memory changed since it was read, or the claim on the turn was lost.
        """
        await self.database.write(lambda conn: changes.write(conn, change))

    async def edit(
        self, agent_id: str, work: Callable[[Draft], T], *, actor: str, origin: Origin | None = None
    ) -> T:
        """Change memory by hand: read, change and commit in one transaction."""

        def whole(conn: Connection) -> T:
            agent = changes.require(conn, agent_id)
            draft = Draft.of(
                agent, core.blocks(conn, agent_id), actor=actor, origin=origin or Origin()
            )
            result = work(draft)
            changes.write(conn, draft.change())
            return result

        return await self.database.write(whole)

    async def undo(self, agent_id: str, seq: int | None, *, actor: str) -> Entry:
        """Take back the last change of memory, or the one numbered `seq`; returns what was undone.

        Raises NotFound where there is nothing to undo, Conflict where something newer rests on it,
        LimitReached where what comes back no longer fits.
        """
        return await self.database.write(lambda conn: changes.undo(conn, agent_id, seq, actor))

    # --- reading ---

    async def blocks(self, agent_id: str) -> tuple[Block, ...]:
        return await self.database.read(lambda conn: core.blocks(conn, agent_id))

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


def view(conn: Connection, agent_id: str, room: str) -> View:
    summary = recall.summary(conn, agent_id, room)
    after = summary.upto if summary else 0
    counts = conn.one(
        "SELECT (SELECT count(*) FROM passages WHERE agent_id = :agent) AS passages,"
        " (SELECT count(*) FROM messages WHERE agent_id = :agent AND room = :room"
        " AND seq <= :after) AS older",
        agent=agent_id,
        room=room,
        after=after,
    )
    return View(
        agent=changes.require(conn, agent_id),
        blocks=core.blocks(conn, agent_id),
        summary=summary,
        history=tuple(recall.window(conn, agent_id, room, after)),
        passages=counts["passages"] if counts else 0,
        older=counts["older"] if counts else 0,
    )


def erase(conn: Connection, agent_id: str) -> None:
    """Every row of an agent, its search words included. Raises NotFound."""
    agent = changes.require(conn, agent_id)
    for message in recall.page(conn, agent_id, limit=-1):
        recall.remove_words(conn, agent.id, agent.number, message)
    for passage in archive.page(conn, agent_id, limit=-1):
        archive.remove(conn, agent.id, agent.number, passage)
    agents.delete(conn, agent_id)
