"""Drains the inboxes: claims a turn, runs it, finishes it; retries, backs off, gives up."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from bot import phrases
from bot.errors import ModelError, ModelMisconfigured, ModelUnavailable
from bot.files import Files
from bot.rows import target_of
from bot.turn import Turns
from memory.errors import MemoryFault
from memory.store import Store
from memory.types import Claim, Reply, now

log = logging.getLogger(__name__)

GIVE_UP = 10  # unexpected failures of one turn, crashes of the process among them
LONGEST_WAIT = 60.0  # seconds, unless the endpoint asks for more
MOST_ASKED = 3600.0


class Worker:
    """One task for each agent with mail, so that an agent's turns never overlap."""

    def __init__(
        self,
        store: Store,
        turns: Turns,
        files: Files,
        *,
        concurrency: int,
        first_wait: float,
        sending: Callable[[str], None],
        working: Callable[[Claim, bool], None] = lambda claim, begun: None,
        delayed: Callable[[Claim], None] = lambda claim: None,
    ) -> None:
        self._store = store
        self._turns = turns
        self._files = files
        self._slots = asyncio.Semaphore(concurrency)
        self._first_wait = first_wait
        self._sending = sending  # told when an agent has something in its outbox
        self._working = working  # told when a turn begins, and when it is over
        self._delayed = delayed  # told when a turn waits for the model to come back
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._waits: dict[str, int] = {}  # how often in a row the model was away
        self._timers = 0  # agents that are to be woken later
        self._changed = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None

    async def start(self, tasks: asyncio.TaskGroup) -> None:
        """Begin, with what a former process left undone."""
        left = await self._store.recover()
        if left:
            log.info("resuming %d rows", left, extra={"action": "recovered"})
        self._tasks = tasks
        for agent, due in await self._store.waiting():
            self._wake_in(agent, (due - now()).total_seconds())

    def wake(self, agent: str) -> None:
        """There is mail for this agent."""
        if agent in self._busy:
            self._again.add(agent)
            self._turns.heart.interrupt(agent)
        elif self._tasks is not None:
            self._busy[agent] = self._tasks.create_task(self._drain(agent), name=f"turn {agent}")

    def _wake_in(self, agent: str, seconds: float) -> None:
        """Wake a little after the time, so that the rows are due when the claim looks."""
        self._timers += 1
        asyncio.get_running_loop().call_later(max(0.0, seconds) + 0.02, self._due, agent)

    def _due(self, agent: str) -> None:
        self._timers -= 1
        self._changed.set()
        self.wake(agent)

    async def settled(self) -> None:
        """Returns when no row is worked on, and none waits for its time."""
        while self._busy or self._timers:
            self._changed.clear()
            await self._changed.wait()

    async def stop(self, grace: float) -> None:
        """Let running turns end for `grace` seconds; what is not done then is taken up again."""
        self._tasks = None
        running = list(self._busy.values())
        if running:
            _, late = await asyncio.wait(running, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _drain(self, agent: str) -> None:
        try:
            while True:
                self._again.discard(agent)
                async with self._slots:
                    claim = await self._store.claim(agent, now())
                    if claim is not None:
                        await self._take(claim)
                    elif agent not in self._again:
                        return
                if self._tasks is None:
                    return
        except MemoryFault as error:  # such as a full disk
            note = {"action": "inbox_waits", "agent": agent}
            log.error("an inbox waits: %s", error, extra=note)
            self._wake_in(agent, LONGEST_WAIT)
        except Exception:
            log.exception("an inbox failed", extra={"action": "inbox_failed", "agent": agent})
            self._wake_in(agent, LONGEST_WAIT)
        finally:
            del self._busy[agent]
            self._changed.set()

    async def _take(self, claim: Claim) -> None:
        """Run one turn; whatever goes wrong is written on its rows."""
        self._working(claim, True)
        try:
            claim = await self._files.with_files(claim)
            if claim.failures >= GIVE_UP:
                await self._turns.give_up(claim, "failed too often")
            else:
                await self._turns.run(claim)
            self._waits.pop(claim.agent, None)
        except (ModelUnavailable, ModelMisconfigured) as error:
            await self._delay(claim, error)
        except asyncio.CancelledError:
            await asyncio.shield(self._store.postpone(claim, now(), "stopped"))
            raise
        except MemoryFault as error:
            log.error("a turn failed: %s", error, extra=_note(claim))
            await self._retry(claim, error)
        except Exception as error:
            log.exception("a turn failed", extra=_note(claim))
            await self._retry(claim, error)
        finally:
            self._working(claim, False)
        self._sending(claim.agent)

    async def _retry(self, claim: Claim, error: Exception) -> None:
        """Once more, a little later; such failures are counted."""
        due = self._later(claim.agent, self._first_wait)
        await self._store.postpone(claim, due, type(error).__name__, failed=True)

    async def _delay(self, claim: Claim, error: ModelError) -> None:
        """The model is away: the message waits, and its writer is told once."""
        times = self._waits.get(claim.agent, 0)
        self._waits[claim.agent] = times + 1
        wait = min(self._first_wait * 2 ** min(times, 30), LONGEST_WAIT)
        if isinstance(error, ModelUnavailable) and error.retry_after:
            wait = max(wait, min(error.retry_after, MOST_ASKED))
        log.warning("%s", error, extra={"action": "model_away", "agent": claim.agent})
        item = claim.items[0]
        name = "delayed" if isinstance(error, ModelUnavailable) else "misconfigured"
        text = phrases.say(name, item.payload.get("text", ""), reason=str(error))
        notice = Reply(key=f"delayed:{claim.turn}", target=target_of(claim), text=text)
        due = self._later(claim.agent, wait)
        await self._store.postpone(claim, due, type(error).__name__, notice=notice)
        self._sending(claim.agent)
        self._delayed(claim)

    def _later(self, agent: str, seconds: float) -> datetime:
        self._wake_in(agent, seconds)
        return now() + timedelta(seconds=seconds)


def _note(claim: Claim) -> dict[str, object]:
    return {"action": "turn_failed", "agent": claim.agent, "item": claim.turn}
