"""Slack and Discord with their people, for the campaign: what is said there, and what breaks."""

import random
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from bot.testing import discord
from bot.testing.discord import FakeDiscord
from bot.testing.slack.fake import FakeSlack
from bot.testing.slack.wire import Json, Timing
from bot.testing.slack.workspace import root_ts
from tests.crash.judge import Place, Said

WORD: Final = re.compile(r"q\d{4}x")  # in a question, and in its answer
DUPLICATES: Final = 3  # how often Slack delivers an event again
STUCK: Final = 60.0  # seconds without what is waited for: something hangs

Kind = Literal["dm", "room", "thread"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One message of the campaign. mentioned: it calls the bot, though it need not."""

    kind: Kind
    person: int
    room: int
    text: str
    thread: int = 0  # which of the room's threads, by number; a new one if there is none so far
    mentioned: bool = True

    @property
    def calling(self) -> str:
        return f"<@bot> {self.text}"


class Side(Protocol):
    """A platform with its people."""

    def running(self) -> AbstractAsyncContextManager[object]: ...

    def environment(self) -> Mapping[str, str]:
        """What the program is to be told about it."""
        ...

    async def say(self, line: Line) -> Place:
        """A person writes; and where the answer must be."""
        ...

    def said(self) -> list[Said]:
        """All messages of the bot, as they appeared."""
        ...

    async def online(self, there: bool) -> None:
        """Waits until the program is connected, or gone."""
        ...

    async def drop(self, rng: random.Random) -> None:
        """The connection breaks, in one of several ways."""
        ...

    async def settled(self) -> int:
        """Waits until nothing more will be delivered; how often something was delivered again."""
        ...

    async def until(self, look: Callable[[], bool]) -> None:
        """Raises TimeoutError."""
        ...


class SlackSide:
    """A question in a channel opens a thread; in a DM threads are what people open."""

    def __init__(self, people: int, rooms: int) -> None:
        self.fake = FakeSlack(timing=Timing(retries=(0.0, 1.0, 5.0)))  # Slack's own are in minutes
        self.fake.duplicates = DUPLICATES
        self._people = [self.fake.human(f"Ana {n}") for n in range(people)]
        self._rooms = [self.fake.channel(f"room{n}", members=self._people) for n in range(rooms)]
        self._threads: list[list[Json]] = [[] for _ in range(rooms)]

    def running(self) -> AbstractAsyncContextManager[object]:
        return self.fake.running()

    def environment(self) -> Mapping[str, str]:
        app = self.fake.app
        return {
            "SLACK_BOT_TOKEN": app.bot_token,
            "SLACK_APP_TOKEN": app.app_token,
            "REVERIE_SLACK_API_BASE": self.fake.api_url,
        }

    async def say(self, line: Line) -> Place:
        person, threads = self._people[line.person], self._threads[line.room]
        if line.kind == "dm":
            said = await person.dm(line.text)
            return Place(channel=said["channel"])
        room = self._rooms[line.room]
        if line.kind == "thread" and threads:
            root = threads[line.thread % len(threads)]
            text = line.calling if line.mentioned else line.text
            said = await person.say(room, text, thread=root)
        else:
            said = await person.say(room, line.calling)
            threads.append(said)
        return Place(channel=room.id, thread=root_ts(said))

    def said(self) -> list[Said]:
        workspace = self.fake.workspace
        rows = [row for channel in workspace.messages.values() for row in channel.values()]
        own = [row for row in rows if row.get("user") == self.fake.app.user]
        return [
            Said(
                place=Place(channel=row["channel"], thread=row.get("thread_ts", "")),
                words=tuple(WORD.findall(row["text"])),
            )
            for row in sorted(own, key=lambda row: str(row["ts"]))
        ]

    async def online(self, there: bool) -> None:
        await self.until(lambda: bool(self.fake.sockets.open) == there)

    async def drop(self, rng: random.Random) -> None:
        await rng.choice((self.fake.disconnect, self.fake.restart, self._cut))()

    async def _cut(self) -> None:
        self.fake.drop_sockets()

    async def settled(self) -> int:
        await self.fake.settled(within=STUCK)
        return sum(max(0, delivery.attempts - 1) for delivery in self.fake.deliveries)

    async def until(self, look: Callable[[], bool]) -> None:
        await self.fake.until(look, within=STUCK)


class DiscordSide:
    """A question in a channel is answered there; a thread is a channel of its own."""

    def __init__(self, people: int, rooms: int) -> None:
        self.fake = FakeDiscord()
        self._people = [self.fake.human(f"Ana {n}") for n in range(people)]
        self._rooms = [self.fake.channel(f"room{n}") for n in range(rooms)]
        self._last: list[discord.Message | None] = [None] * rooms
        self._threads: list[list[discord.Channel]] = [[] for _ in range(rooms)]

    def running(self) -> AbstractAsyncContextManager[object]:
        return self.fake.running()

    def environment(self) -> Mapping[str, str]:
        return {
            "DISCORD_TOKEN": self.fake.token,
            "REVERIE_DISCORD_API_BASE": self.fake.api_url,
            "REVERIE_DISCORD_GATEWAY_URL": self.fake.gateway_url,
        }

    async def say(self, line: Line) -> Place:
        person, room = self._people[line.person], self._rooms[line.room]
        if line.kind == "dm":
            return _place((await person.dm(line.text)).channel)
        last, threads = self._last[line.room], self._threads[line.room]
        if line.kind == "thread" and threads:
            thread = threads[line.thread % len(threads)]
            text = line.calling if line.mentioned else line.text
            return _place((await person.say(room, text, thread=thread)).channel)
        if line.kind == "thread" and last is not None and last.thread is None:
            threads.append(await person.thread(last, "more of this"))
            return _place((await person.say(room, line.calling, thread=threads[-1])).channel)
        self._last[line.room] = said = await person.say(room, line.calling)
        return _place(said.channel)

    def said(self) -> list[Said]:
        own = [row for row in self.fake.messages() if row.author is self.fake.bot]
        return [
            Said(place=_place(row.channel), words=tuple(WORD.findall(row.content))) for row in own
        ]

    async def online(self, there: bool) -> None:
        await self.until(lambda: (self.fake.connected > 0) == there)

    async def drop(self, rng: random.Random) -> None:
        await rng.choice((self.fake.drop_sockets, self.fake.restart, self._ask_reconnect))()

    async def _ask_reconnect(self) -> None:
        self.fake.ask_reconnect()

    async def settled(self) -> int:
        return 0  # what is replayed to a session was not delivered before

    async def until(self, look: Callable[[], bool]) -> None:
        await self.fake.until(look, within=STUCK)


def _place(channel: discord.Channel) -> Place:
    thread = channel.parent is not None
    return Place(channel=(channel.parent or channel).id, thread=channel.id if thread else "")


SIDES: Mapping[str, Callable[[int, int], Side]] = {"slack": SlackSide, "discord": DiscordSide}
