"""Sends replies: an agent's in their order, again until the platform took them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from adapters.base import Adapter, Address, Post, SendFailed
from memory.errors import MemoryFault
from memory.store import Store
from memory.types import Outgoing

log = logging.getLogger(__name__)

ATTEMPTS = 8
LONGEST_WAIT = 60.0  # seconds between attempts


class Outbox:
    """One task for each agent that has something to send, while it has."""

    def __init__(
        self, store: Store, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._store = store
        self._sleep = sleep
        self.adapters: dict[str, Adapter] = {}
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._before: dict[str, int] = {}  # up to which id a former process may have sent
        self._tasks: asyncio.TaskGroup | None = None

    def add(self, adapter: Adapter) -> None:
        self.adapters[adapter.name] = adapter

    async def start(self, tasks: asyncio.TaskGroup) -> None:
        """Begin, with what a former process left unsent."""
        self._tasks = tasks
        for agent in await self._store.with_unsent():
            self._before[agent] = max(reply.id for reply in await self._store.unsent(agent))
            self.wake(agent)

    def wake(self, agent: str) -> None:
        """Something was committed for sending."""
        if agent in self._busy:
            self._again.add(agent)
        elif self._tasks is not None:
            self._busy[agent] = self._tasks.create_task(self._drain(agent), name=f"send {agent}")

    def stop(self) -> None:
        """Send nothing more; what is left goes out at the next start."""
        self._tasks = None
        for task in self._busy.values():
            task.cancel()

    async def drained(self, agent: str) -> None:
        """Returns when everything that was committed for this agent went out, or cannot."""
        while agent in self._busy:
            await asyncio.wait([self._busy[agent]])

    async def _drain(self, agent: str) -> None:
        try:
            while True:
                self._again.discard(agent)
                for reply in await self._store.unsent(agent):
                    adapter = self.adapters.get(reply.target["address"]["platform"])
                    if adapter is not None:  # else it waits until its platform is connected
                        await self._deliver(adapter, reply)
                if agent not in self._again:
                    return
        except MemoryFault as error:  # such as a full disk
            note = {"action": "outbox_waits", "agent": agent}
            log.error("the outbox waits: %s", error, extra=note)
            asyncio.get_running_loop().call_later(LONGEST_WAIT, self.wake, agent)
        except Exception:
            log.exception("the outbox failed", extra={"action": "outbox_failed", "agent": agent})
            asyncio.get_running_loop().call_later(LONGEST_WAIT, self.wake, agent)
        finally:
            del self._busy[agent]

    async def _deliver(self, adapter: Adapter, reply: Outgoing) -> None:
        attempts = reply.attempts
        while True:
            try:
                receipt = await adapter.send(self._post(reply, attempts))
            except SendFailed as error:
                attempts += 1
                final = error.final or attempts >= ATTEMPTS
                await self._store.unsendable(reply, final=final)
                note = {"action": "send_failed", "agent": reply.agent, "key": reply.key}
                log.warning("a reply was not taken: %s", error, extra=note)
                if final:
                    return
                await self._sleep(error.retry_after or min(2.0**attempts, LONGEST_WAIT))
            else:
                await self._store.sent(reply, receipt)
                return

    def _post(self, reply: Outgoing, attempts: int) -> Post:
        return Post(
            key=reply.key,
            address=Address(**reply.target["address"]),
            text=reply.text,
            answers=tuple(event.partition(":")[2] for event in reply.target.get("answers", ())),
            again=attempts > 0 or reply.id <= self._before.get(reply.agent, 0),
        )
