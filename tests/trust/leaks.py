"""Looks for leaks: random worlds, read by everybody in every way, judged by a plain reading of
product.md §2.

    python tests/trust/leaks.py --worlds 5000 --seed 1
    python tests/trust/leaks.py --worlds 200 --break export     # one guard is off: it must leak
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from pathlib import Path

if __name__ == "__main__":  # run as a file, its own folder is what Python looks in
    sys.path.insert(0, str(Path(__file__).parents[2]))

from bot.commands.line import parse
from bot.commands.types import Verb
from bot.context import Window, build
from bot.errors import ReverieError
from bot.testing.fakes import wish
from bot.tools.memory import PAGE
from bot.types import Completion, Prompt
from memory import archive, consolidate
from memory.errors import MemoryFault
from memory.types import Shelf, Viewer
from memory.words import query_terms
from tests.trust.breaks import BREAKS, broken, patched
from tests.trust.lives import Life
from tests.trust.worlds import (
    COMMON,
    NAMED,
    START,
    Account,
    Mark,
    MemoryDatabase,
    Place,
    marked,
    marks_in,
)

EVENTS = 5  # of a world, after something was said in some of its places
READERS = 3  # of a world
VERBS = 4  # that each of them gives
EXPORTS = 0.3  # of them may export, which takes longest
VECTORS = 20  # every so many worlds there is a search by meaning
TOOLS = 8  # and so often, turns that search
SHELVES: Sequence[Shelf] = ("messages", "passages")
WINDOW = Window(tokens=200_000, count=len)
PAST = ("verb export", "verb history", "verb why")  # tell what memory was, too
LAWFUL = ("own", "room", "shared", "elsewhere", "named")  # each must be seen by somebody


@dataclass(frozen=True, slots=True)
class Leak:
    world: str
    path: str
    reader: str
    mark: Mark

    def __str__(self) -> str:
        said = self.mark.place
        return (
            f"world {self.world}: {self.path} shows {self.reader} the {self.mark.kind}"
            f" {self.mark.number} that {self.mark.account.name} said in {said.address.room}"
            f" ({said.kind}, {said.agent or 'no named agent'})"
        )


@dataclass(slots=True)
class Report:
    worlds: int = 0
    turns: int = 0
    reads: int = 0
    seconds: float = 0.0
    leaks: list[Leak] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)  # lawfully, by why

    @property
    def ok(self) -> bool:
        return not self.leaks and all(self.seen[why] for why in LAWFUL)

    def plain(self) -> dict[str, object]:
        return {
            "worlds": self.worlds, "turns": self.turns, "reads": self.reads,
            "leaks": len(self.leaks), "seen": dict(self.seen), "seconds": round(self.seconds, 1),
        }  # fmt: skip


class Reader:
    """Somebody in a place, who reads in every way there is, and notes what should not be there."""

    def __init__(self, world: Life, name: str, place: Place, who: Account, report: Report) -> None:
        self.world, self.name, self.place, self.who, self.report = world, name, place, who, report
        self.undid = False

    def check(self, path: str, text: str) -> None:
        """Judge what a read gave."""
        self.report.reads += 1
        for number in marks_in(text):
            mark = self.world.marks[number]
            if self.world.may(self.who, self.place, mark) or (
                path in PAST and self.place.direct and self.who in mark.past
            ):
                self.report.seen[self._why(mark)] += 1
            else:
                where = f"{self.who.name} in {self.place.address.room} ({self.place.kind})"
                self.report.leaks.append(Leak(self.name, path, where, mark))

    def _why(self, mark: Mark) -> str:
        if self.place.agent is not None:
            return "named"
        if mark.place.channel == self.place.channel:
            return "room" if not self.place.direct else "own"
        if mark.place.direct and mark.account in self.world.person(self.who):
            return "own"
        return "shared" if mark.shared else "elsewhere"

    async def read(self) -> None:
        agent, origin = await self.world.origin(self.who, self.place)
        viewer = await self.world.store.viewer(agent, origin)
        view = await self.world.store.view(agent, origin.room, origin)
        prompt = build(view, (), (), WINDOW, UTC)
        assert isinstance(prompt, Prompt)
        self.check("prompt", _shown(prompt))
        await self._count("prompt", agent, view.passages)
        for query in self._queries():
            await self._find(viewer, query)
        end = self.world.clock + timedelta(days=1)
        hits, _ = await self.world.search.between(viewer, START, end, size=100)
        self.check("between", "\n".join(hit.text for hit in hits))
        async for path, text in self._verbs(viewer):
            self.check(path, text)
        if self.place.agent is None:
            facts = await self.world.desk.facts(self.world.invocation(self.who, self.place, ""))
            self.check("autocomplete", "\n".join(choice.label for choice in facts))

    def _queries(self) -> list[str]:
        dice = self.world.dice
        own = marked(dice.randrange(len(self.world.marks)))
        return dice.sample((dice.choice(COMMON), own, ""), 2)

    async def _find(self, viewer: Viewer, query: str) -> None:
        search = self.world.search
        for shelf in SHELVES:
            for page in range(2):
                hits, total = await search.find(viewer, shelf, query, page=page, size=PAGE)
                kind = "find" if query_terms(query) else "newest"
                self.check(f"{kind} {shelf}", "\n".join(hit.text for hit in hits))
                if shelf == "passages":
                    await self._count(kind, viewer.agent, total)
                if total <= PAGE:
                    break
            there = await search.elsewhere(viewer, shelf, query, PAGE)
            self.check(f"elsewhere {shelf}", "\n".join(hit.text for hit in there))
        known = await search.known_elsewhere(viewer, query, PAGE)
        self.check("known elsewhere", "\n".join(fact.text for _, fact in known))

    async def _count(self, path: str, agent: str, total: int) -> None:
        """How much there is may not be told either: of a named agent it is known exactly."""
        if self.place.agent is None:
            return
        kept = await self.world.store.database.read(lambda conn: archive.page(conn, agent))
        marks = [self.world.marks[min(marks_in(passage.text))] for passage in kept]
        secret = [mark for mark in marks if not self.world.may(self.who, self.place, mark)]
        if total > len(marks) - len(secret):
            where = f"{self.who.name} in {self.place.address.room} the number of"
            self.report.leaks.append(Leak(self.name, f"{path} count", where, secret[0]))

    async def _verbs(self, viewer: Viewer) -> AsyncIterator[tuple[str, str]]:
        """Some verbs, reading ones first; those that change something do it for good."""
        dice = self.world.dice
        agent = await self.world.store.agent(viewer.agent)
        blocks = await self.world.store.blocks(agent.id)
        passages = await self.world.store.database.read(lambda conn: archive.page(conn, agent.id))
        kept = [passage.seq for passage in passages]
        things = kept + [fact.seq for block in blocks for fact in block.facts]
        numbers = [*dice.sample(things, min(2, len(things))), dice.randint(1, agent.last_seq)]
        lines = ["show", f"search {dice.choice(COMMON)}", "history"]
        lines += [f"why {number}" for number in numbers]
        lines += ["export"] if dice.random() < EXPORTS else []
        if self.place.agent is not None:  # nobody else reaches what is another's
            lines += [
                f"forget {dice.choice(kept or numbers)}",
                "forget harbour",
                "forget 港口",
                "undo",
            ]
        rest = sorted(dice.sample(range(1, len(lines)), VERBS - 1))
        for line in (lines[0], *(lines[number] for number in rest)):
            told = await self._obeyed(viewer, f"/memory {line}")
            self.undid = self.undid or line == "undo"
            yield f"verb {line.split()[0]}", told

    async def _obeyed(self, viewer: Viewer, line: str) -> str:
        if self.place.agent is None:
            return "\n".join(await self.world.command(self.who, self.place, line))
        verb = parse(line)
        assert isinstance(verb, Verb)
        try:
            answer = await self.world.verbs.run(viewer, verb)
        except (ReverieError, MemoryFault) as error:
            return str(error)
        records = json.dumps(answer.records, ensure_ascii=False)
        return f"{answer.lead}\n{answer.text}\n{answer.tables}\n{records}\n{answer.document}"

    async def look(self) -> None:
        """A turn in which the model searches: all that it is shown counts."""
        query = self.world.dice.choice(COMMON)
        looks = Completion(calls=(
            wish("archival_memory_search", query=query),
            wish("conversation_search", 1, query=query),
            wish("conversation_search_date", 2, start_date="2026-01-01", end_date="2027-01-01"),
        ))  # fmt: skip
        ask = Completion(calls=(wish("ask_agent", name=NAMED, message=query),))
        self.world.llm.shown.clear()
        await self.world.turn(self.who, self.place, query, looks, ask, looks, Completion(text="ok"))
        for prompt in self.world.llm.shown:
            self.check("turn", _shown(prompt))
            self.check("recalled", prompt.recalled or "")
            for number in marks_in(_shown(prompt)) if self.place.direct else ():
                self.world.marks[number].kept.add(self.who)  # it is in their own talk from now on

    async def notify(self) -> None:
        """Somebody has what they can see here posted in each room that they know."""
        agent, origin = await self.world.origin(self.who, self.place)
        view = await self.world.store.view(agent, origin.room, origin)
        near = await self.world.search.known_elsewhere(view.viewer, COMMON[0], PAGE)
        facts = [fact for block in view.blocks for fact in block.facts if marks_in(fact.text)]
        facts += [fact for _, fact in (*view.shared, *near)]
        rooms = [(room, people) for room, people in self.world.places
                 if not (room.direct or room.agent)]  # fmt: skip
        for room, people in rooms if facts else ():
            text, name = self.world.dice.choice(facts).text, room.address.channel
            post = Completion(calls=(wish("send_notification", message=text, channel=name),))
            said = f"#{name}: {text}"
            await self.world.turn(self.who, self.place, said, post, Completion(text="ok"))
            there = Reader(self.world, self.name, room, people[0], self.report)
            for reply in await self.world.store.unsent(agent):
                if reply.target["address"]["channel"] == name != self.place.address.channel:
                    there.check("notification", reply.text)


def _shown(prompt: Prompt) -> str:
    rows = (f"{row.text}\n{row.thoughts}\n{row.calls}" for row in prompt.messages)
    return "\n".join((prompt.system, *rows))


async def _world(name: str, number: int, database: MemoryDatabase, folder: Path, report: Report
                 ) -> None:  # fmt: skip
    meaning = number % VECTORS == 1
    world = Life(name, database, folder / name.replace(":", "-") if meaning else None)
    await world.live(EVENTS)
    if meaning:
        await world.search.reindex(lambda *_: None)
    places = [(place, who) for place, people in world.places for who in people]
    chosen = world.dice.sample(places, min(READERS, len(places)))
    readers = [Reader(world, name, place, who, report) for place, who in chosen]
    for reader in readers if number % TOOLS == 1 else ():
        await reader.look()
    for reader in readers:
        await reader.read()
        if reader.undid:  # a fact may be shared again
            break
    for reader in readers if number % TOOLS == 1 else ():
        await reader.notify()
    report.turns += world.turns
    report.worlds += 1


async def campaign(worlds: int, seed: int, *, first: bool = False) -> Report:
    """first: stop at the first leak. Worlds are small: heartbeats may tidy up all of a block."""
    report, database, begun = Report(), MemoryDatabase(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder, patched(consolidate, "SHARE", 1):
        for number in range(worlds):
            await _world(f"{seed}:{number}", number, database, Path(folder), report)
            report.seconds = time.monotonic() - begun
            if first and report.leaks:
                break
    await database.close()
    return report


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--worlds", type=int, default=500)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--break", dest="place", default="", help="a place, or: list")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    if chosen.place == "list":
        for name, guard in BREAKS.items():
            print(f"{name:18} {guard.about}")
        return 0
    with broken(chosen.place):
        report = asyncio.run(campaign(chosen.worlds, chosen.seed, first=bool(chosen.place)))
    if chosen.json:
        print(json.dumps(report.plain(), ensure_ascii=False))
    else:
        for leak in report.leaks[:10]:
            print(leak)
        print(" · ".join(f"{name} {value}" for name, value in report.plain().items()))
    return int(bool(report.leaks)) if chosen.place else int(not report.ok)


if __name__ == "__main__":
    sys.exit(main())
