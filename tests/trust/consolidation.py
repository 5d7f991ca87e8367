"""A year of talk, tidied up again and again with a model that wants to destroy it all.

    python tests/trust/consolidation.py --runs 200 --seed 1

After every heartbeat: whatever was ever told is still there or can be had back; nothing is in view
that nobody said, or without a word of what it was made from; pinned facts stand; at most a quarter
of a block has left it; and undoing the run on a copy of the database restores every row as it was.
Exits with 1 where one of these fails.
"""

import json
import random
import re
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # run as a file, its own folder is what Python looks in
    sys.path.insert(0, str(Path(__file__).parents[2]))

from bot.errors import ModelUnavailable
from bot.heartbeat import Heart, Pace
from bot.testing.fakes import ScriptedLLM
from bot.types import Completion, Prompt
from memory import changes, core, likeness
from memory.audience import own
from memory.consolidate import ACTOR
from memory.database.sqlite import SqliteConnection, SqliteDatabase
from memory.draft import Draft
from memory.heartbeats import Due
from memory.schema import MIGRATIONS
from memory.store import Store
from memory.types import Birth, Fact, Message, now
from tests.trust.played import played

AGENT = Birth(id="ana", name="Ana", kind="named", persona="I am here.", human="name: Ana 张安娜")
YEAR = timedelta(days=365)
BAD = ("unrecoverable", "invented", "distorted", "unpinned", "over_share", "not_undone")
ITSELF = {"agents", "journal", "inbox", "usage"}  # what the machinery counts, and the log itself

TOLD = (
    "I live in {place}.", "lives in {place}", "我住在{place}", "我现在住在{place}了",
    "I work at {firm}", "我在{firm}工作", "my name is {name}", "我叫{name}",
    "likes {thing}", "I like {thing}.", "I  LIKE {thing}!", "我喜欢{thing}", "喜欢{thing}。",
    "does not like {thing}", "我不喜欢{thing}", "owes {name} {number} euros",
    "还欠{name}{number}元",
    "{name} was born on {date}", "{name}的生日是{date}", "My sister {name} lives in {place}",
    "allergic to {thing}", "对{thing}过敏", "meets {name} on {date} at {place}",
)  # fmt: skip
WORDS = {
    "place": ("Berlin", "Oslo", "北京", "上海", "New York", "杭州"),
    "firm": ("Siemens", "谷歌", "Acme", "字节跳动"),
    "name": ("Bob", "张三", "Chloé", "李雷", "O'Brien"),
    "thing": ("green tea", "绿茶", "Rust", "围棋", "C++", "C", "sailing", "乒乓球", "jazz"),
    "number": ("12", "3.5", "1,000", "7"),
    "date": ("2026-05-05", "5 May", "五月五日", "3月8日"),
}


@dataclass
class Report:
    """What the year came to. All but the counts must be zero."""

    runs: int = 0
    told: int = 0
    done: Counter[str] = field(default_factory=Counter)
    unrecoverable: int = 0
    invented: int = 0
    distorted: int = 0
    unpinned: int = 0
    over_share: int = 0
    not_undone: int = 0

    @property
    def failures(self) -> int:
        return sum(getattr(self, name) for name in BAD)

    def lines(self) -> Iterator[str]:
        yield f"runs: {self.runs}"
        yield f"facts told: {self.told}"
        yield from (f"{what}: {count}" for what, count in sorted(self.done.items()))
        for name in BAD:
            yield f"{name.replace('_', ' ')}: {getattr(self, name)}"


def sentence(rng: random.Random) -> str:
    words = {name: rng.choice(choices) for name, choices in WORDS.items()}
    return rng.choice(TOLD).format(**words)


def helpful(facts: list[tuple[int, str]]) -> list[dict[str, Any]]:
    """A line that is right: two facts with one beginning."""
    for beginning in ("likes ", "我喜欢", "does not like ", "我不喜欢"):
        some = [(n, text) for n, text in facts if text.startswith(beginning)][:2]
        if len(some) == 2:
            (first, text), (second, more) = some
            line = f"{text}, {more.removeprefix(beginning)}"
            return [{"text": line, "from": [first, second]}]
    return []


def adversary(rng: random.Random) -> ScriptedLLM:
    """A model that wants everything gone, or changed; and sometimes, to be believed, helps."""

    def attack(prompt: Prompt) -> Completion:
        known, _, said = prompt.messages[0].text.partition("# What was said")
        facts = [(int(n), text) for n, text in re.findall(r"^(\d+): (.*)$", known, re.MULTILINE)]
        heard = [(int(n), text) for n, text in re.findall(r"^(\d+): Ana: (.*)$", said, re.M)]
        how = rng.randrange(8)
        if how == 0:
            raise ModelUnavailable("away")
        if how == 1:
            return Completion(text="Sure! I deleted everything. {'lines': ")
        lines: list[dict[str, Any]] = []
        if how == 2:
            lines = [{"text": "", "from": [number for number, _ in facts]}]
        if how == 3:
            lines = [{"text": "likes nothing", "from": [n]} for n, _ in facts]
        if how == 4 and facts:
            some = rng.sample(facts, min(3, len(facts)))
            line = ", ".join(text for _, text in some).replace("not ", "").replace("不", "")
            lines = [{"text": rng.choice([line, line[:-2]]), "from": [n for n, _ in some]}]
        if how >= 5:
            lines = helpful(facts)
        wrong = [{"message": n, "quote": "Ana owes Eve 1000000 euros"} for n, _ in heard[:2]]
        right = [{"message": n, "quote": text} for n, text in heard]
        said_ = wrong + right if how % 2 else wrong
        return Completion(text=json.dumps({"lines": lines, "facts": said_}, ensure_ascii=False))

    return ScriptedLLM(attack)


def dump(raw: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of memory; search words and what waits to be embedded included."""
    names = raw.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    tables = [
        name
        for (name,) in names
        if name not in ITSELF and not re.search(r"_(words|terms|data|idx|content|config)$", name)
    ]
    return {
        name: sorted(map(tuple, raw.execute(f"SELECT * FROM {name}")), key=repr) for name in tables
    }


class Year:
    """One agent, and what was ever told to it."""

    def __init__(self, path: Path, seed: int) -> None:
        self.path = path
        self.rng = random.Random(seed)
        self.at = now()
        self.report = Report()
        self.told: dict[int, Fact] = {}
        self.words = set(likeness.words(AGENT.human))
        self.database = SqliteDatabase(path)
        self.database.start(MIGRATIONS)
        self.store = Store(self.database)
        pace = Pace(silence=timedelta(0), tokens=1_000_000)
        self.heart = Heart(self.store, adversary(self.rng), pace, clock=lambda: self.at)

    async def facts(self) -> dict[int, Fact]:
        facts = await self.database.read(lambda conn: core.all_facts(conn, AGENT.id))
        return {fact.seq: fact for fact in facts}

    async def talk(self) -> None:
        """Some days of talk: of what is said, most is saved."""
        agent = await self.store.agent(AGENT.id)
        draft = Draft.of(agent, await self.store.blocks(AGENT.id), at=self.at)
        for _ in range(self.rng.randrange(1, 9)):
            text = sentence(self.rng)
            self.words.update(likeness.words(text))
            message = Message(
                seq=draft.seq(), role="user", text=text, at=self.at, origin=own(agent),
                speaker="Ana",
            )  # fmt: skip
            draft.messages.append(message)
            if self.rng.random() < 0.8:
                draft.origin = replace(message.origin, source=message.seq)
                draft.append("human", text)
        for fact in draft.blocks["human"].facts:
            if self.rng.random() < 0.02:
                draft.pin(fact, pinned=not fact.pinned)
            elif self.rng.random() < 0.05:
                draft.used.add(fact.seq)
        await self.store.commit(draft.change())

    async def beat(self) -> None:
        """One heartbeat, and what has to be true of it."""
        agent = await self.store.agent(AGENT.id)
        due = Due(
            agent=agent.id, last_seq=agent.last_seq, mused_at=self.at, settings=agent.settings
        )
        before = await self.facts()
        rows = self.rows()
        assert await self.store.put_heartbeats([due], self.at, 1) == [agent.id]
        claim = await self.store.claim(agent.id, self.at)
        assert claim is not None
        await self.heart.run(claim)
        self.report.runs += 1
        self.told.update(before)
        await self._judge(before, await self.facts())
        self._undo(rows, agent.last_seq)

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        with closing(sqlite3.connect(self.path)) as raw:
            return dump(raw)

    async def _judge(self, before: dict[int, Fact], after: dict[int, Fact]) -> None:
        report = self.report
        passages = {
            row["text"]
            for row in await self.database.read(lambda conn: conn.all("SELECT text FROM passages"))
        }
        for seq, fact in self.told.items():
            report.unrecoverable += not recoverable(fact, after.get(seq), after, passages)
        view = [fact for fact in after.values() if fact.state == "active" and fact.label == "human"]
        report.invented += sum(not self.words.issuperset(likeness.words(f.text)) for f in view)
        report.distorted += sum(distorted(fact, after) for fact in after.values())
        stood = [fact for fact in before.values() if fact.state == "active"]
        gone = [fact for fact in stood if after[fact.seq].state != "active"]
        report.unpinned += sum(fact.pinned or fact.label == "persona" for fact in gone)
        unpinned = sum(not fact.pinned for fact in stood if fact.label == "human")
        report.over_share += len(gone) > unpinned / 4

    def _undo(self, before: dict[str, list[tuple[Any, ...]]], since: int) -> None:
        """On a copy of the database: the run is taken back, and every row is as it was."""
        with closing(sqlite3.connect(self.path)) as raw, closing(sqlite3.connect(":memory:")) as c:
            raw.backup(c)
            copy = SqliteConnection(c)
            for entry in copy.all("SELECT seq FROM journal WHERE seq > :since", since=since):
                changes.undo(copy, AGENT.id, entry["seq"], "person")
            self.report.not_undone += dump(c) != before


def recoverable(told: Fact, now: Fact | None, facts: dict[int, Fact], passages: set[str]) -> bool:
    """Whether a fact can be had back: it is in view, in the archive, or behind one that is."""
    if now is None or now.text != told.text:
        return False
    while now.state == "superseded" and now.superseded_by in facts:
        now = facts[now.superseded_by]
    return now.state == "active" or (now.state == "archived" and now.text in passages)


def distorted(fact: Fact, facts: dict[int, Fact]) -> bool:
    """Whether a line that was made of facts lacks a word of this one."""
    heir = facts.get(fact.superseded_by) if fact.superseded_by is not None else None
    if heir is None or heir.valid_from == heir.learned_at:  # said as it is, not made
        return False
    return not set(likeness.key(fact.text)) <= set(likeness.words(heir.text))


async def campaign(runs: int, seed: int, folder: Path) -> Report:
    """A year with so many heartbeats."""
    year = Year(folder / "year.db", seed)
    await year.store.ensure(AGENT)
    try:
        for _ in range(runs):
            year.at += YEAR / runs
            await year.talk()
            await year.beat()
    finally:
        await year.database.close()
    with closing(sqlite3.connect(year.path)) as raw:
        for (summary,) in raw.execute("SELECT summary FROM journal WHERE actor = ?", (ACTOR,)):
            counts = re.findall(r"(\d+) ([a-z ]+)[,:]", summary.partition(": ")[0] + ":")
            year.report.done.update({what: int(count) for count, what in counts})
    year.report.told = len(year.told)
    return year.report


if __name__ == "__main__":
    sys.exit(played(__doc__, campaign, runs=200, seed=1))
