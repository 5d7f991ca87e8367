"""Stand-ins for tests, of ours and of whoever writes tools: a scripted model, a fake platform, and
a store that dies at a chosen hop."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from adapters.base import (
    Address,
    Attachment,
    Changed,
    Event,
    FetchFailed,
    Hearing,
    Post,
    RoomKind,
    SendFailed,
    Shown,
)
from bot.types import Completion, Prompt
from memory.ports import Connection, Database
from memory.store import Store
from memory.types import (
    Birth,
    Change,
    Claim,
    Identity,
    Message,
    Origin,
    Outgoing,
    ToolCall,
    View,
    now,
)

T = TypeVar("T")
Script = Callable[[Prompt], Completion]


def wish(name: str, number: int = 0, /, **arguments: Any) -> ToolCall:
    """A tool call as a model makes it."""
    return ToolCall(
        id=f"call-{name}-{number}", name=name, arguments=json.dumps(arguments, ensure_ascii=False)
    )


class ScriptedLLM:
    """Answers from a queue, or by a function of the prompt. An exception in the queue is raised.

    `shown` keeps what the model was shown, in order.
    """

    name = "scripted"

    def __init__(
        self, script: Script | Sequence[Completion | Exception] = (), *, window: int = 16_000
    ) -> None:
        self._queue = [] if callable(script) else list(script)
        self._script = script if callable(script) else None
        self._window = window
        self.shown: list[Prompt] = []
        self.summarised: list[tuple[str, tuple[Message, ...]]] = []

    async def window(self) -> int:
        return self._window

    def count(self, text: str) -> int:
        return len(text) // 3 + 1

    async def complete(self, prompt: Prompt) -> Completion:
        self.shown.append(prompt)
        if self._script is not None:
            return self._script(prompt)
        if not self._queue:
            raise AssertionError("the script has no answer left")
        answer = self._queue.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def summarise(self, previous: str, messages: Sequence[Message]) -> Completion:
        self.summarised.append((previous, tuple(messages)))
        return Completion(text=f"{previous}[{len(messages)} messages from {messages[0].seq}]")

    async def close(self) -> None: ...


class FakeAdapter:
    """A platform without a platform: tests say things, and look at what was sent."""

    def __init__(self, name: str = "terminal") -> None:
        self.name = name
        self.posts: list[Post] = []
        self.shown_working: list[tuple[Address, bool]] = []
        self.failures: list[SendFailed] = []  # raised by the next sends, in order
        self.whispers: list[tuple[str, Shown]] = []
        self.files: dict[str, bytes] = {}  # what `fetch` finds
        self._hearing: asyncio.Future[Hearing] | None = None
        self._ended = asyncio.Event()
        self._sent = asyncio.Condition()

    async def run(self, hearing: Hearing) -> None:
        self._ready().set_result(hearing)
        await self._ended.wait()

    async def send(self, post: Post) -> str:
        if self.failures:
            raise self.failures.pop(0)
        async with self._sent:
            self.posts.append(post)
            self._sent.notify_all()
        return post.key

    async def working(self, address: Address, *, begun: bool) -> None:
        self.shown_working.append((address, begun))

    async def whisper(self, address: Address, user: str, shown: Shown) -> None:
        async with self._sent:
            self.whispers.append((user, shown))
            self._sent.notify_all()

    async def fetch(self, attachment: Attachment, most: int) -> bytes:
        data = self.files.get(attachment.ref)
        if data is None or len(data) > most:
            raise FetchFailed(f"{attachment.name} cannot be had.")
        return data

    def link(self, address: Address, event: str) -> str:
        return f"https://chat.example/{address.channel}/{event}"

    def end(self) -> None:
        """The platform hangs up: `run` returns."""
        self._ended.set()

    async def change(
        self, event: str, text: str | None, *, user: str = "ana", channel: str = "dm",
        room: RoomKind = "dm", at: datetime | None = None,
    ) -> bool:  # fmt: skip
        """A person edits a message, or deletes it; returns once that is stored."""
        hearing = await self._ready()
        address = Address(platform=self.name, space="local", channel=channel)
        return await hearing.changed(
            Changed(
                event=event, address=address, room_kind=room, user=user, text=text, at=at or now()
            )
        )

    async def say(
        self, text: str, *, event: str, user: str = "ana", agent: str | None = None,
        at: datetime | None = None, channel: str = "dm", thread: str | None = None,
        room: RoomKind = "dm", mentioned: bool = False, elsewhere: bool = False,
        files: Sequence[Attachment] = (),
    ) -> bool:  # fmt: skip
        """A person writes; returns once it is stored. False: it was known, or is not for us."""
        hearing = await self._ready()
        address = Address(platform=self.name, space="local", channel=channel, thread=thread)
        return await hearing.deliver(
            Event(
                id=event, address=address, user=user, name=user.title(), text=text,
                at=at or now(), agent=agent, room_kind=room, room_name=channel,
                mentioned=mentioned, elsewhere=elsewhere, files=tuple(files),
            )
        )  # fmt: skip

    async def sent(self, count: int) -> list[Post]:
        """Waits until `count` posts were sent in all."""
        async with asyncio.timeout(30), self._sent:
            await self._sent.wait_for(lambda: len(self.posts) >= count)
        return self.posts

    async def whispered(self, count: int) -> list[tuple[str, Shown]]:
        """Waits until `count` things were shown to one person alone."""
        async with asyncio.timeout(30), self._sent:
            await self._sent.wait_for(lambda: len(self.whispers) >= count)
        return self.whispers

    def _ready(self) -> "asyncio.Future[Hearing]":
        if self._hearing is None:
            self._hearing = asyncio.get_running_loop().create_future()
        return self._hearing


class Crash(BaseException):
    """The process dies here. No handler for errors may catch it."""


HOPS = (
    "receive", "received", "claim", "view", "complete", "completed",
    "commit", "committed", "send", "sent", "marked",
)  # fmt: skip


class CrashAt:
    """Dies at the n-th time that a hop is passed. From then on, nothing is written any more."""

    def __init__(self, hop: str, nth: int = 1) -> None:
        if hop not in HOPS:
            raise ValueError(f"unknown hop {hop!r}")
        self._hop, self._left = hop, nth
        self.dead = False

    def passing(self, hop: str) -> None:
        if hop == self._hop:
            self._left -= 1
            self.dead = self.dead or self._left == 0
        if self.dead:
            raise Crash(hop)


class Relay:
    """A database that hands all on to another: the ground of those that fail."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, work: Callable[[Connection], T], /) -> T:
        return await self._database.read(work)

    async def write(self, work: Callable[[Connection], T], /, *, early: bool = False) -> T:
        return await self._database.write(work, early=early)

    async def scrub(self) -> bool:
        return await self._database.scrub()

    async def close(self) -> None:
        await self._database.close()


class DyingDatabase(Relay):
    """A database that is gone when the process is."""

    def __init__(self, database: Database, crash: CrashAt) -> None:
        super().__init__(database)
        self._crash = crash

    async def write(self, work: Callable[[Connection], T], /, *, early: bool = False) -> T:
        if self._crash.dead:
            raise Crash("dead")
        return await super().write(work, early=early)


class DyingStore(Store):
    """A store that passes its hops."""

    def __init__(self, database: Database, crash: CrashAt) -> None:
        super().__init__(DyingDatabase(database, crash))
        self._crash = crash

    async def receive(
        self, birth: Birth, identity: Identity, *, kind: str = "message", dedup: str, room: str,
        payload: Mapping[str, Any], at: datetime,
    ) -> str | None:  # fmt: skip
        self._crash.passing("receive")
        new = await super().receive(
            birth, identity, kind=kind, dedup=dedup, room=room, payload=payload, at=at
        )
        self._crash.passing("received")
        return new

    async def claim(self, agent_id: str, at: datetime) -> Claim | None:
        self._crash.passing("claim")
        return await super().claim(agent_id, at)

    async def view(self, agent_id: str, room: str, said: Origin | None = None) -> View:
        self._crash.passing("view")
        return await super().view(agent_id, room, said)

    async def commit(self, change: Change) -> None:
        self._crash.passing("commit")
        await super().commit(change)
        self._crash.passing("committed")

    async def sent(self, reply: Outgoing, receipt: str) -> None:
        self._crash.passing("sent")
        await super().sent(reply, receipt)
        self._crash.passing("marked")
