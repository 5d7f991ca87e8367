"""The clock of the house: one job that sweeps for heartbeats and digests that are due, and
removes what is no longer to be kept.

Nothing else is scheduled: what is due is asked of the database, and put into inboxes. So a restart
forgets nothing, and thousands of idle agents cost one query for each kind.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from zlib import crc32

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.digest import Digests
from bot.heartbeat import Pace
from bot.hours import quiet
from bot.janitor import Janitor
from memory.errors import MemoryFault
from memory.store import Store
from memory.types import now

log = logging.getLogger(__name__)

EVERY = 60  # seconds between sweeps
GRACE = 60  # seconds that a sweep may begin late, instead of being left out
SPREAD = 0.1  # of the interval: by so much later it may be, so that agents do not come all at once


class Schedule:
    """Puts heartbeats into inboxes."""

    def __init__(
        self,
        store: Store,
        pace: Pace,
        zone: tzinfo,
        wake: Callable[[str], None],
        *,
        most: int = 16,
        janitor: Janitor | None = None,
        digests: Digests | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._store = store
        self._pace = pace
        self._zone = zone
        self._wake = wake
        self._janitor = janitor
        self._digests = digests
        self._most = most  # heartbeats open at a time: conversations need room beside them
        self._clock = clock

    async def sweep(self) -> int:
        """Put a heartbeat into the inbox of each agent that is due; how many those were.
        None is due where heartbeats are off."""
        if not self._pace.interval:
            return 0
        at = self._clock()
        found = await self._store.due(at, self._pace.interval, self._pace.silence)
        ready = [
            one
            for one in found
            if at >= one.mused_at + waits(one.agent, self._pace.interval)
            and not quiet(one.settings, self._pace.quiet, self._zone, at)
        ]
        if not ready:
            return 0
        agents = await self._store.put_heartbeats(ready, at, self._most)
        for agent in agents:
            self._wake(agent)
        return len(agents)

    async def tidy(self) -> int:
        """Remove what is no longer to be kept; how many messages those were."""
        if self._janitor is None:
            return 0
        counts = await self._janitor.sweep(self._clock())
        if counts.total():
            told = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
            log.info("removed as too old: %s", told, extra={"action": "retention"})
        return counts["messages"]

    async def run(self) -> None:
        """Sweep again and again, until cancelled."""
        scheduler = AsyncIOScheduler(timezone=UTC)
        scheduler.add_job(
            self._swept, "interval", seconds=EVERY, coalesce=True, max_instances=1,
            misfire_grace_time=GRACE,
        )  # fmt: skip
        scheduler.start()
        try:
            await asyncio.Event().wait()
        finally:
            scheduler.shutdown(wait=False)

    async def _swept(self) -> None:
        try:
            await self.tidy()
            await self.sweep()
            if self._digests is not None:
                await self._digests.sweep()
        except MemoryFault as error:  # such as a full disk
            log.error("a sweep failed: %s", error, extra={"action": "sweep_failed"})


def waits(agent: str, interval: timedelta) -> timedelta:
    """The time between two heartbeats of an agent: the interval, and a part of it that is always
    the same for this agent."""
    return interval * (1 + SPREAD * (crc32(agent.encode()) % 1000) / 1000)
