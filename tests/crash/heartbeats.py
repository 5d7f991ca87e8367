"""Kills the real program amid its heartbeats: no fact is lost, and no run is ever done by half.

    python tests/crash/heartbeats.py --kills 50 --agents 40 --seed 1

The home has agents with much to tidy up. The program sweeps many times a second, asks a model over
HTTP, and is killed again and again. After each death the memory must be what it was at first, and
all that the journal tells, in its order: so every run is one entry, with all that it did, or
nothing. In the end every fact must be there to be had, and taking back run after run, the newest
first, must lead back to the beginning.
"""

import asyncio
import json
import os
import random
import re
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import accumulate
from pathlib import Path

if __name__ == "__main__":  # run as a file, its own folder is what Python looks in
    sys.path.insert(0, str(Path(__file__).parents[2]))

from bot.testing.fake_openai import FakeOpenAI, Message, Request
from memory import archive, changes, core, journal
from memory.audience import own
from memory.consolidate import ACTOR
from memory.database.sqlite import SqliteConnection, SqliteDatabase
from memory.draft import Draft
from memory.ports import Connection
from memory.schema import MIGRATIONS
from memory.store import Store
from memory.types import Birth, Entry, Fact, Passage, Thing, now
from memory.types import Message as Said
from tests.crash.platforms import ROOT, Program
from tests.trust.consolidation import helpful, recoverable, sentence
from tests.trust.played import played

Memory = dict[int, Thing]  # of one agent, by number
FACTS = 20  # that an agent is told
AGO = timedelta(days=200)
STUCK = 60.0  # seconds
PAUSE = 0.005  # seconds between looks at the database
CHAT = (  # `reverie chat` with a quick clock
    "-c", "import bot.schedule; bot.schedule.EVERY = 0.05; from bot.__main__ import main; main()",
    "chat", "--agent", "nobody", "--json",
)  # fmt: skip
DUE = "SELECT count(*) FROM agents WHERE last_seq > mused_seq OR stale_at IS NOT NULL"
OPEN = "SELECT count(*) FROM inbox WHERE state IN ('ready', 'running')"
RUNS = f"SELECT count(*) FROM journal WHERE actor = '{ACTOR}'"


@dataclass
class Report:
    """What it came to; all from `lost` on must be zero."""

    agents: int
    kills: int = 0
    amid: int = 0  # of these, while runs were open
    runs: int = 0  # that changed something
    told: int = 0
    lost: int = 0
    halves: int = 0  # agents, after each death, whose memory is not what their journal tells
    not_undone: int = 0
    left: int = 0
    errors: int = 0
    seconds: float = 0.0

    @property
    def failures(self) -> int:
        return self.lost + self.halves + self.not_undone + self.left + self.errors

    def lines(self) -> Iterator[str]:
        yield from (f"{name.replace('_', ' '):12} {getattr(self, name)}" for name in self.__dict__)


def tidies(request: Request) -> Message:
    """Joins what can be joined, and quotes all that was said."""
    messages = request["messages"]
    assert isinstance(messages, list)
    known, _, said = str(messages[-1]["content"]).partition("# What was said")
    facts = [(int(n), text) for n, text in re.findall(r"^(\d+): (.*)$", known, re.MULTILINE)]
    heard = re.findall(r"^(\d+): Ana: (.*)$", said, re.MULTILINE)
    quotes = [{"message": int(number), "quote": text} for number, text in heard]
    answer = json.dumps({"lines": helpful(facts), "facts": quotes}, ensure_ascii=False)
    return {"role": "assistant", "content": answer}


def remembered(conn: Connection, agent: str) -> Memory:
    facts: Memory = {fact.seq: fact for fact in core.all_facts(conn, agent)}
    return facts | {passage.seq: passage for passage in archive.page(conn, agent, limit=-1)}


class Campaign:
    """Agents that were told much, half a year ago; and what became of that."""

    def __init__(self, folder: Path, agents: int, seed: int) -> None:
        self.rng = random.Random(seed)
        self.report = Report(agents)
        self.path = folder / "reverie" / "reverie.db"
        self.first: dict[str, Memory] = {}
        self.since: dict[str, int] = {}  # the number that each agent's counter had reached

    async def told(self) -> None:
        self.path.parent.mkdir()
        database = SqliteDatabase(self.path)
        database.start(MIGRATIONS)
        store = Store(database)
        for number in range(self.report.agents):
            birth = Birth(id=f"agent{number}", name=f"{number}", kind="named", persona="Here.")
            agent, _ = await store.ensure(birth)
            draft = Draft.of(agent, await store.blocks(agent.id), said_at=now() - AGO)
            while len(draft.messages) < FACTS:
                text = sentence(self.rng)
                said = Said(
                    seq=draft.seq(), role="user", text=text, at=now() - AGO, origin=own(agent),
                    speaker="Ana",
                )  # fmt: skip
                draft.messages.append(said)
                if self.rng.random() < 0.9:
                    draft.origin = replace(said.origin, source=said.seq)
                    draft.append("human", text)
            await store.commit(draft.change())
            self.first[agent.id] = await database.read(partial(remembered, agent=agent.id))
            self.since[agent.id] = draft.last_seq
        self.report.told = sum(
            isinstance(thing, Fact) for kept in self.first.values() for thing in kept.values()
        )
        await database.close()

    @asynccontextmanager
    async def running(self, folder: Path) -> AsyncIterator[Program]:
        async with FakeOpenAI(tidies, latency=0.03).running() as model:
            environment = {
                "PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8",
                "PYTHONPATH": str(ROOT), "REVERIE_HOME": str(self.path.parent),
                "REVERIE_EMBEDDING": "off", "REVERIE_HEARTBEAT_HOURS": "0.00001",
                "REVERIE_HEARTBEAT_IDLE": "0", "REVERIE_HEARTBEAT_TOKENS": "10000000",
                "REVERIE_LLM_BASE_URL": model.url, "REVERIE_LLM_MODEL": "fake",
                "REVERIE_LLM_WINDOW": "200000",
            }  # fmt: skip
            program = Program(folder, environment, CHAT)
            try:
                yield program
            finally:
                program.close()
            self.report.errors = program.errors

    def count(self, sql: str) -> int:
        with closing(sqlite3.connect(self.path, timeout=STUCK)) as raw:
            return int(raw.execute(sql).fetchone()[0])

    async def until(self, look: Callable[[], bool]) -> None:
        """Raises TimeoutError."""
        for _ in range(int(STUCK / PAUSE)):
            if look():
                return
            await asyncio.sleep(PAUSE)
        raise TimeoutError

    async def life(self, program: Program) -> None:
        """It works for a while, and is killed."""
        before, most = self.count(RUNS), self.rng.randrange(4)
        program.start()
        await self.until(lambda: self.count(RUNS) >= before + most or not self.count(DUE))
        await self.until(lambda: self.count(OPEN) > 0 or not self.count(DUE))
        await asyncio.sleep(self.rng.uniform(0, 0.03))
        await program.end(signal.SIGKILL)
        self.report.kills += 1
        self.report.amid += self.count(OPEN) > 0

    async def rest(self, program: Program) -> None:
        """It works until there is nothing left to do."""
        program.start()
        try:
            await self.until(lambda: not self.count(DUE) and not self.count(OPEN))
        except TimeoutError:
            self.report.left = self.count(DUE) + self.count(OPEN)
        await program.end(signal.SIGTERM)

    # --- what has to be true ---

    @contextmanager
    def copied(self) -> Iterator[Connection]:
        """A copy of the database, as the next start would find it."""
        with closing(sqlite3.connect(self.path)) as raw, closing(sqlite3.connect(":memory:")) as c:
            raw.backup(c)
            yield SqliteConnection(c)

    def judge(self) -> None:
        """Nothing is there but what the journal tells, and only heartbeats wrote it."""
        with self.copied() as conn:
            for agent in self.first:
                entries = self.entries(conn, agent)
                whole = remembered(conn, agent) == self.states(agent, entries)[-1]
                self.report.halves += not whole or any(one.actor != ACTOR for one in entries)

    def entries(self, conn: Connection, agent: str) -> list[Entry]:
        """What was changed since the beginning, oldest first."""
        known = journal.page(conn, agent, newest_first=False, limit=-1)
        return [entry for entry in known if entry.seq > self.since[agent]]

    def states(self, agent: str, entries: Sequence[Entry]) -> list[Memory]:
        """The memory at the beginning, and after each entry."""
        return list(accumulate(entries, after, initial=self.first[agent]))

    def lost(self) -> int:
        """Facts that were told, and are neither in view nor to be had back."""
        with self.copied() as conn:
            return sum(self._lost(remembered(conn, agent), agent) for agent in self.first)

    def _lost(self, kept: Memory, agent: str) -> int:
        facts = {seq: thing for seq, thing in kept.items() if isinstance(thing, Fact)}
        texts = {thing.text for thing in kept.values() if isinstance(thing, Passage)}
        told = (thing for thing in self.first[agent].values() if isinstance(thing, Fact))
        return sum(not recoverable(fact, facts.get(fact.seq), facts, texts) for fact in told)

    def undone(self) -> None:
        """Run after run is taken back, the newest first."""
        with self.copied() as conn:
            for agent in self.first:
                entries = self.entries(conn, agent)
                self.report.runs += len(entries)
                states = self.states(agent, entries)
                for entry, state in reversed(list(zip(entries, states[:-1], strict=True))):
                    changes.undo(conn, agent, entry.seq, "person")
                    self.report.not_undone += remembered(conn, agent) != state


def after(memory: Memory, entry: Entry) -> Memory:
    """What an entry made of a memory."""
    changed = dict(memory)
    for diff in entry.diffs:
        thing = diff.after or diff.before
        assert thing is not None
        if diff.after is None:
            del changed[thing.seq]
        else:
            changed[thing.seq] = diff.after
    return changed


async def campaign(kills: int, agents: int, seed: int, folder: Path) -> Report:
    began = time.monotonic()
    run = Campaign(folder, agents, seed)
    await run.told()
    async with run.running(folder) as program:
        for _ in range(kills):
            await run.life(program)
            run.judge()
        await run.rest(program)
    run.judge()
    run.undone()
    run.report.lost = run.lost()
    run.report.seconds = round(time.monotonic() - began, 1)
    return run.report


if __name__ == "__main__":
    sys.exit(played(__doc__, campaign, kills=50, agents=40, seed=1))
