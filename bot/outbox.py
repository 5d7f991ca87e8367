"""Sends replies: an agent's in their order, again and again until the platform took them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from adapters.base import Adapter, Address, Post, SendFailed
from memory.errors import MemoryFault
from memory.store import Store
from memory.types import Outgoing

log = logging.getLogger(__name__)

LONGEST_WAIT = 60.0  # seconds between attempts, unless the platform asks for more
MOST_ASKED = 3600.0

# A reply whose words are made when it is sent; None: there is nothing left to say.
Filled = Callable[[Outgoing, Post], Awaitable[Post | None]]
Lane = tuple[str, str]  # an agent and a platform: trouble of one platform is not another's


class Outbox:
    """One task for each agent that has something to send, and each platform, while it has.

    A reply is given up only where the platform refuses it for good.
    """

    def __init__(
        self,
        store: Store,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        filled: Filled | None = None,
    ) -> None:
        self._store = store
        self._filled = filled
        self._sleep = sleep
        self.adapters: dict[str, Adapter] = {}
        self._busy: dict[Lane, asyncio.Task[None]] = {}
        self._again: set[Lane] = set()
        self._tried: dict[Lane, int] = {}  # up to which id a reply may have gone out already
        self._tasks: asyncio.TaskGroup | None = None

    def add(self, adapter: Adapter) -> None:
        self.adapters[adapter.name] = adapter

    async def start(self, tasks: asyncio.TaskGroup) -> None:
        """Begin, with what a former process left unsent."""
        self._tasks = tasks
        for agent in await self._store.with_unsent():
            last = max(reply.id for reply in await self._store.unsent(agent))
            self._tried |= {(agent, platform): last for platform in self.adapters}
            self.wake(agent)

    def wake(self, agent: str) -> None:
        """Something was committed for sending."""
        for platform in self.adapters:
            lane = (agent, platform)
            if lane in self._busy:
                self._again.add(lane)
            elif self._tasks is not None:
                work = self._drain(lane)
                self._busy[lane] = self._tasks.create_task(work, name=f"send {agent}")

    def stop(self) -> None:
        """Send nothing more; what is left goes out at the next start."""
        self._tasks = None
        for task in self._busy.values():
            task.cancel()

    async def drained(self, agent: str) -> None:
        """Returns when everything that was committed for this agent went out, or cannot."""
        while busy := [task for lane, task in self._busy.items() if lane[0] == agent]:
            await asyncio.wait(busy)

    async def _drain(self, lane: Lane) -> None:
        agent, platform = lane
        try:
            while True:
                self._again.discard(lane)
                for reply in await self._store.unsent(agent):
                    if reply.target["address"]["platform"] == platform:
                        await self._deliver(lane, reply)
                if lane not in self._again:
                    return
        except MemoryFault as error:  # such as a full disk
            note = {"action": "outbox_waits", "agent": agent}
            log.error("the outbox waits: %s", error, extra=note)
            asyncio.get_running_loop().call_later(LONGEST_WAIT, self.wake, agent)
        except Exception:
            log.exception("the outbox failed", extra={"action": "outbox_failed", "agent": agent})
            asyncio.get_running_loop().call_later(LONGEST_WAIT, self.wake, agent)
        finally:
            del self._busy[lane]

    async def _deliver(self, lane: Lane, reply: Outgoing) -> None:
        adapter, failures = self.adapters[lane[1]], 0
        while True:
            tried = self._tried.get(lane, 0)
            self._tried[lane] = max(tried, reply.id)
            post: Post | None = _post(reply, again=reply.id <= tried)
            if post is not None and self._filled is not None:
                post = await self._filled(reply, post)
            try:
                receipt = await adapter.send(post) if post is not None else ""
            except SendFailed as error:
                failures += 1
                await self._store.unsendable(reply, final=error.final)
                _tell(reply, error, failures)
                if error.final:
                    return
                await self._sleep(_wait(error, failures))
            else:
                await self._store.sent(reply, receipt)
                return


def _post(reply: Outgoing, *, again: bool) -> Post:
    return Post(
        key=reply.key,
        address=Address(**reply.target["address"]),
        text=reply.text,
        answers=tuple(event.partition(":")[2] for event in reply.target.get("answers", ())),
        again=again,
    )


def _wait(error: SendFailed, failures: int) -> float:
    """Seconds until the next attempt: longer each time, up to a limit."""
    if error.retry_after:
        return min(error.retry_after, MOST_ASKED)
    return min(2.0 ** min(failures, 10), LONGEST_WAIT)


def _tell(reply: Outgoing, error: SendFailed, failures: int) -> None:
    """Trouble is told of once for each reply, not at every attempt of a day."""
    note = {"action": "send_failed", "agent": reply.agent, "key": reply.key}
    if error.final:
        log.error("A reply cannot be sent, and is given up. %s", error, extra=note)
    elif failures == 1:
        log.warning("A reply waits, and will be sent once that is possible. %s", error, extra=note)
