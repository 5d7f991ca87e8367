"""Small random worlds: people on two platforms, rooms, words that can be told from each other."""

import json
import random
import re
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from adapters.base import Address, Event, Invocation, RoomKind
from bot.asks import Asks
from bot.commands.farewell import Farewell
from bot.commands.people import People
from bot.commands.policies import Policies
from bot.commands.verbs import Verbs
from bot.desk import Desk
from bot.digest import Digests
from bot.files import Files
from bot.guard import Guard
from bot.heartbeat import Heart, Pace
from bot.hush import Incognito
from bot.intake import Intake, route
from bot.outbox import Outbox
from bot.recollect import Recollect
from bot.testing.fakes import ScriptedLLM, wish
from bot.tools.base import Registry
from bot.tools.memory import TOOLS
from bot.tools.reach import REACHING
from bot.turn import Turns
from bot.types import Completion, Prompt
from memory.database.sqlite import SqliteConnection
from memory.embed.hashing import HashingEmbedder
from memory.policy import Rules
from memory.ports import Connection
from memory.schema import MIGRATIONS
from memory.search.hybrid import Search
from memory.store import Store
from memory.types import Message, Origin, ToolCall

T = TypeVar("T")

PEOPLE: Final = ("Ana", "Bo", "安娜", "李雷")
NAMED: Final = "Ada"
START: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
STALE: Final = timedelta(seconds=25)  # of a clock that takes a second for everything
DIGITS: Final = "零一二三四五六七八九"
MARK: Final = re.compile(rf"heron(\d{{4}})lake|鹤([{DIGITS}]{{4}})湖")
COMMON: Final = ("what is near the harbour", "港口旁边有什么")  # every sentence answers one of them
REWRITES: list[tuple[str, str]] = []  # what SQL says instead of some of its words
CODE: Final = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}")


def marked(number: int) -> str:
    """A word that stands in one place of a world only; every other one is Chinese."""
    digits = f"{number:04d}"
    if number % 2:
        return "鹤" + "".join(DIGITS[int(digit)] for digit in digits) + "湖"
    return f"heron{digits}lake"


def marks_in(text: str) -> set[int]:
    """The numbers of the marks that a text has."""
    found = MARK.findall(text)
    return {int(latin or "".join(str(DIGITS.index(c)) for c in zh)) for latin, zh in found}


# --- a database without files ---------------------------------------------------------------------


class _Connection(SqliteConnection):
    def all(self, sql: str, /, **params: Any) -> list[Any]:
        return super().all(self._said(sql), **params)

    def one(self, sql: str, /, **params: Any) -> Any:
        return super().one(self._said(sql), **params)

    @staticmethod
    def _said(sql: str) -> str:
        for old, new in REWRITES:
            sql = sql.replace(old, new)
        return sql


class MemoryDatabase:
    """The Database port in memory, on the caller's thread; made once for many worlds."""

    def __init__(self) -> None:
        self._raw = sqlite3.connect(
            ":memory:", isolation_level=None, check_same_thread=False, cached_statements=1000
        )
        for script in MIGRATIONS:
            self._raw.executescript(script)
        names = self._raw.execute("SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE TABLE %'")
        self._tables = [name for (name,) in names if "_words" not in name]
        self._connection = _Connection(self._raw)

    def clear(self) -> None:
        """Nothing is there any more. Statements stay prepared: that is most of the time."""
        for table in self._tables:
            self._raw.execute(f"DELETE FROM {table}")
        for table in ("messages_words", "passages_words"):
            self._raw.execute(f"INSERT INTO {table}({table}) VALUES('delete-all')")

    async def read(self, work: Callable[[Connection], T], /) -> T:
        return work(self._connection)

    async def write(self, work: Callable[[Connection], T], /, *, early: bool = False) -> T:
        self._raw.execute("BEGIN")
        try:
            result = work(self._connection)
        except BaseException:
            self._raw.execute("ROLLBACK")
            raise
        self._raw.execute("COMMIT")
        return result

    async def scrub(self) -> bool:
        return True

    async def close(self) -> None:
        self._raw.close()


class Copying(ScriptedLLM):
    """A model whose summaries have all that was said. tight: its window has no room for history."""

    tight = False

    async def window(self) -> int:
        return 1000 if self.tight else 200_000

    async def summarise(self, previous: str, messages: Sequence[Message]) -> Completion:
        return Completion(text="\n".join([previous, *(message.text for message in messages)]))


# --- who, where, what -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Account:
    platform: str
    user: str
    name: str
    guest: bool = False

    @property
    def realm(self) -> str | None:
        return "discord" if self.platform == "discord" else None


@dataclass(frozen=True, slots=True)
class Place:
    """A room, or somebody's direct messages; with whom: the one who listens there, or Ada."""

    address: Address
    kind: RoomKind
    agent: str | None = None

    @property
    def channel(self) -> tuple[str, str, str]:
        return self.address.platform, self.address.space, self.address.channel

    @property
    def direct(self) -> bool:
        return self.kind == "dm"


@dataclass(slots=True)
class Mark:
    """One marked sentence: who said it where, and which workspace may know it.

    kept: to whose memory it went besides, while accounts were linked. past: in whose history it is.
    """

    number: int
    account: Account
    place: Place
    kind: str  # message, fact, passage
    shared: str | None = None
    kept: set[Account] = field(default_factory=set)
    past: set[Account] = field(default_factory=set)


class World:
    """The program without a platform, and what a just observer knows of it.

    folder: where there are to be vectors.
    """

    def __init__(self, seed: str, database: MemoryDatabase, folder: Path | None = None) -> None:
        database.clear()
        self.marks: list[Mark] = []
        self.members: dict[tuple[str, str, str], set[Account]] = {}
        self.public: dict[tuple[str, str, str], bool] = {}
        self.groups: list[set[Account]] = []  # accounts of one person
        self.places: list[tuple[Place, list[Account]]] = []
        self.plan: list[Completion] = []
        self.turns = 0
        self.dice = random.Random(seed)
        self.clock = START
        self.store = Store(database)
        self._woken = ""
        embedder = HashingEmbedder(64) if folder else None
        self.search = Search(database, embedder, folder or Path())
        self.llm = Copying(self._answer)
        self.tools = Registry((*TOOLS, *REACHING))
        pace = Pace(silence=timedelta(0), tokens=10**9, stale_after=STALE)
        self.heart = Heart(self.store, ScriptedLLM(self._tidies), pace, clock=self._now)
        self.turning = Turns(
            self.store, self.search, self.llm, self.tools, self.heart, zone=UTC, clock=self._now,
            recollect=Recollect(self.store, self.search, UTC),
        )  # fmt: skip
        self.verbs = Verbs(self.store, self.search, UTC)
        self.desk = self._desk()
        self._people()

    def _desk(self) -> Desk:
        outbox = Outbox(self.store)
        return Desk(
            Intake(self.store, self._wake, Guard()),
            self.store,
            self.verbs,
            People(self.store),
            Farewell(self.store, self.search, Files(Path(), 0, outbox.adapters.get)),
            Asks(self.store, outbox.adapters, lambda _: None),
            Policies(self.store, Rules()),
            Incognito(self.store, lambda _: None),
            Digests(self.store, UTC, None, lambda _: None),
            stop=lambda _: False,
            link=lambda *_: "",
        )

    def _wake(self, agent: str) -> None:
        self._woken = agent

    def _now(self) -> datetime:
        self.clock += timedelta(seconds=1)
        return self.clock

    def _answer(self, prompt: Prompt) -> Completion:
        return self.plan.pop(0) if self.plan else Completion(text="ok")

    def _tidies(self, prompt: Prompt) -> Completion:
        """A model that joins any two facts, and quotes every message."""
        known, _, said = prompt.messages[0].text.partition("# What was said")
        facts = re.findall(r"^(\d+): (.*)$", known, re.MULTILINE)
        some = self.dice.sample(facts, min(2, len(facts)))
        line = {"text": ",".join(text for _, text in some), "from": [int(n) for n, _ in some]}
        heard = re.findall(r"^(\d+): [^:\n]*: (.*)$", said, re.MULTILINE)
        quotes = [{"message": int(number), "quote": text} for number, text in heard]
        return Completion(text=json.dumps({"lines": [line], "facts": quotes}, ensure_ascii=False))

    def _people(self) -> None:
        dice = self.dice
        names = dice.sample(PEOPLE, dice.choice((2, 3)))
        accounts = [
            Account("slack", f"U{n}", name, guest=n == 1 and dice.random() < 0.3)
            for n, name in enumerate(names)
        ]
        accounts += [
            Account("discord", f"{n}", name)
            for n, name in enumerate(names)
            if n == 0 or dice.random() < 0.5
        ]
        self.groups = [{account} for account in accounts]
        for account in accounts:
            space = "T1" if account.platform == "slack" else "dm"
            address = Address(platform=account.platform, space=space, channel=f"D{account.user}")
            self.places.append((Place(address, "dm"), [account]))
        for platform, space, channel in (("slack", "T1", "C1"), ("slack", "T1", "研发"),
                                         ("discord", "G1", "7")):  # fmt: skip
            here = [account for account in accounts if account.platform == platform]
            there = dice.sample(here, dice.randint(1, len(here)))
            kind: RoomKind = dice.choice(("public", "private", "group"))
            address = Address(platform=platform, space=space, channel=channel)
            self.places.append((Place(address, kind), there))
            if channel == "C1":
                self.places.append((Place(address, kind, NAMED), there))
        for platform, space in (("slack", "T1"), ("discord", "dm")):
            address = Address(platform=platform, space=space, channel="ada")
            here = [account for account in accounts if account.platform == platform]
            self.places.extend((Place(address, "dm", NAMED), [one]) for one in here)

    # --- what happens ---

    def mark(self, account: Account, place: Place, kind: str) -> tuple[int, str]:
        """A new sentence, and its number."""
        number = len(self.marks)
        self.marks.append(Mark(number, account, place, kind))
        if number % 2:
            return number, f"{account.name}把{marked(number)}放在港口旁边"
        return number, f"{account.name} keeps {marked(number)} near the harbour"

    def event(self, account: Account, place: Place, text: str) -> Event:
        thread = self.dice.choice((None, "t1")) if not place.direct else None
        address = Address(
            platform=place.address.platform, space=place.address.space,
            channel=place.address.channel, thread=thread,
        )  # fmt: skip
        return Event(
            id=f"e{self.turns}", address=address, user=account.user, name=account.name, text=text,
            at=self._now(), room_kind=place.kind, room_name=place.address.channel, mentioned=True,
            agent=place.agent, realm=account.realm, guest=account.guest,
        )  # fmt: skip

    async def turn(self, account: Account, place: Place, text: str, *plan: Completion) -> None:
        """Somebody says something, and the model does what is planned."""
        self.turns += 1
        self.plan = list(plan)
        event = self.event(account, place, text)
        assert await self.desk.deliver(event)
        self._enter(account, place)
        claim = await self.store.claim(self._woken, self.clock + timedelta(days=1))
        assert claim is not None
        await self.turning.run(claim)

    def _enter(self, account: Account, place: Place) -> None:
        """Whoever writes or gives a command in a room is there, and the room is what it is."""
        if not place.direct and place.agent is None:
            self.members.setdefault(place.channel, set()).add(account)
            self.public[place.channel] = place.kind == "public"

    async def say(self, account: Account, place: Place) -> None:
        """Something that is kept in several ways at once."""
        _, said = self.mark(account, place, "message")
        calls: list[ToolCall] = []
        if self.dice.random() < 0.7:
            _, fact = self.mark(account, place, "fact")
            said += f"\n{fact}"
            calls.append(wish("core_memory_append", section="human", content=fact))
        if self.dice.random() < 0.5:
            _, passage = self.mark(account, place, "passage")
            calls.append(wish("archival_memory_insert", content=passage))
        _, reply = self.mark(account, place, "message")
        calls.append(wish("send_message", message=reply))
        self.llm.tight = self.dice.random() < (0.6 if place.agent else 0.2)
        await self.turn(account, place, said, Completion(calls=tuple(calls)))
        self.llm.tight = False

    async def command(
        self, account: Account, place: Place, line: str, *, own: bool = False
    ) -> tuple[str, str]:
        """What a command shows, and the file that goes along."""
        if not own:
            self._enter(account, place)
        shown = await self.desk.command(self.invocation(account, place, line, own=own))
        return shown.plain() + "".join(button.line for button in shown.buttons), shown.file_text

    def invocation(
        self, account: Account, place: Place, line: str, *, own: bool = False
    ) -> Invocation:
        return Invocation(
            address=place.address, user=account.user, name=account.name, line=line,
            room_kind=place.kind, room_name=place.address.channel, realm=account.realm, own=own,
            guest=account.guest,
        )  # fmt: skip

    async def origin(self, account: Account, place: Place) -> tuple[str, Origin]:
        """The agent that answers there, and the origin of what is said."""
        self._enter(account, place)
        event = self.event(account, place, "")
        agent, person = await self.store.meet(*route(event))
        return agent.id, Origin(
            audience="person" if place.direct else "room", person=person.id,
            room=event.address.room,
            workspace="" if place.direct and account.guest else event.address.workspace,
        )  # fmt: skip
