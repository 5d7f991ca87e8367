"""A week of agents that nobody talks to, beside a few that somebody does: what does it cost?

    python tests/trust/idle.py --agents 1000 --days 7

The clock is simulated; sweeps, inboxes, policy and database are the real ones. Some of the idle
agents have facts that go stale in that week: those are put away, without asking a model. Exits with
1 if an idle agent cost a model call, or a sweep took more than one query while nothing was due.
"""

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

if __name__ == "__main__":  # run as a file, its own folder is what Python looks in
    sys.path.insert(0, str(Path(__file__).parents[2]))

from bot.heartbeat import Heart, Pace
from bot.schedule import EVERY, Schedule
from bot.testing.fakes import ScriptedLLM
from bot.types import Completion, Prompt
from memory import births
from memory.audience import own
from memory.database.sqlite import SqliteDatabase
from memory.draft import Draft
from memory.ports import Connection
from memory.schema import MIGRATIONS
from memory.store import Store
from memory.types import Birth, Message, now
from tests.trust.played import played

T = TypeVar("T")
BUSY = 10  # agents that are talked with once a day
AGING = 20  # one in so many idle agents has facts that go stale this week
STALE = timedelta(days=90)


@dataclass
class Report:
    """What the week came to."""

    agents: int
    sweeps: int = 0
    calm: int = 0  # sweeps that found nothing due
    queries: int = 0  # of calm sweeps
    beats: Counter[str] = field(default_factory=Counter)  # "idle", "busy"
    calls: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)

    @property
    def failures(self) -> int:
        silent_busy = self.calls["busy"] == 0  # then this proves nothing
        return self.calls["idle"] + (self.queries - self.calm) + silent_busy

    def lines(self) -> Iterator[str]:
        yield f"agents: {self.agents} ({BUSY} of them talked with)"
        yield f"sweeps: {self.sweeps}"
        yield f"queries of a sweep with nothing due: {self.queries / max(1, self.calm):g}"
        for kind in ("busy", "idle"):
            yield f"heartbeats of {kind} agents: {self.beats[kind]}"
            yield f"model calls for {kind} agents: {self.calls[kind]}"
            yield f"tokens in the ledger of {kind} agents: {self.tokens[kind]}"


class Counting(SqliteDatabase):
    """A database that counts what it is asked."""

    queries = 0

    async def read(self, work: Callable[[Connection], T], /) -> T:
        self.queries += 1
        return await super().read(work)

    async def write(self, work: Callable[[Connection], T], /, *, early: bool = False) -> T:
        self.queries += 1
        return await super().write(work, early=early)


class Week:
    """The agents, their heart and their clock."""

    def __init__(self, path: Path, agents: int) -> None:
        self.at = now()
        self.report = Report(agents)
        self.database = Counting(path)
        self.database.start(MIGRATIONS)
        self.store = Store(self.database)
        pace = Pace(stale_after=STALE)
        self.heart = Heart(self.store, ScriptedLLM(self._asked), pace, clock=self._clock)
        zone = self.at.tzinfo
        assert zone is not None
        self.woken: list[str] = []
        self.schedule = Schedule(
            self.store, pace, zone, self.woken.append, most=agents, clock=self._clock
        )

    def _clock(self) -> datetime:
        return self.at

    def _asked(self, prompt: Prompt) -> Completion:
        kind = "busy" if re.search(r"agent-\d+-busy", prompt.messages[0].text) else "idle"
        self.report.calls[kind] += 1
        return Completion(text='{"lines": [], "facts": []}')

    def names(self) -> list[str]:
        return [f"agent-{n}-{'busy' if n < BUSY else 'idle'}" for n in range(self.report.agents)]

    async def tell(self, name: str, text: str, *, learned: datetime | None = None) -> None:
        """Somebody says something to an agent, which keeps it."""
        agent = await self.store.agent(name)
        draft = Draft.of(agent, await self.store.blocks(name), at=self.at)
        said = Message(
            seq=draft.seq(), role="user", text=f"{name}: {text}", at=self.at, origin=own(agent)
        )
        draft.messages.append(said)
        draft.origin = replace(said.origin, source=said.seq)
        draft.said_at = learned
        draft.append("human", said.text)
        await self.store.commit(draft.change())

    async def born(self) -> None:
        """All agents, each with something that it was told; looked through once since."""

        def work(conn: Connection) -> None:
            for name in self.names():
                birth = Birth(id=name, name=name, kind="named", persona="I am here.")
                births.ensure_agent(conn, birth)

        await self.database.write(work)
        for number, name in enumerate(self.names()):
            aging = number >= BUSY and number % AGING == 0
            ago = STALE - timedelta(days=3) if aging else timedelta(0)
            more = "\nsails\n养猫\nI own a boat" * aging  # of four facts one may leave
            await self.tell(name, f"I like tea 我喜欢绿茶{more}", learned=self.at - ago)
        self.at += timedelta(hours=30)
        await self.sweep()
        self.report = Report(self.report.agents)

    async def sweep(self) -> None:
        """One sweep, and the heartbeats that it leads to."""
        asked = self.database.queries
        count = await self.schedule.sweep()
        self.report.sweeps += 1
        if count == 0:
            self.report.calm += 1
            self.report.queries += self.database.queries - asked
        while self.woken:
            agent = self.woken.pop()
            claim = await self.store.claim(agent, self.at)
            assert claim is not None
            await self.heart.run(claim)
            self.report.beats["busy" if agent.endswith("busy") else "idle"] += 1

    async def pass_by(self, days: int, every: int) -> None:
        began, before = self.at, await self.spent()
        for day in range(days):
            for name in self.names()[:BUSY]:
                await self.tell(name, f"day {day}: 今天很好")
            while self.at < began + timedelta(days=day + 1):
                self.at += timedelta(seconds=every)
                await self.sweep()
        self.report.tokens = await self.spent()
        self.report.tokens.subtract(before)

    async def spent(self) -> Counter[str]:
        """Tokens in the ledger."""
        tokens: Counter[str] = Counter()
        for name in self.names():
            days = await self.store.usage(name, self.at - timedelta(days=365))
            tokens[name.rpartition("-")[2]] += sum(day.spending.tokens for day in days)
        return tokens


async def week(agents: int, days: int, folder: Path, every: int = EVERY) -> Report:
    """So many days with that many agents; every: seconds between sweeps."""
    run = Week(folder / "week.db", agents)
    try:
        await run.born()
        await run.pass_by(days, every)
    finally:
        await run.database.close()
    return run.report


if __name__ == "__main__":
    sys.exit(played(__doc__, week, agents=1000, days=7))
