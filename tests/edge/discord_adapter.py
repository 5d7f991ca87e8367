"""The real Discord adapter at the fake Discord, with somebody small who listens and answers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from adapters.base import (
    Address,
    Changed,
    Choice,
    Event,
    Invocation,
    Post,
    SendFailed,
    Shown,
)
from adapters.discord import Discord
from adapters.discord.ears import KnownRooms
from bot.testing.discord import FakeDiscord, Limit

SEND = "POST /channels/{}/messages"
HISTORY = "GET /channels/{}/messages"
TYPING = "POST /channels/{}/typing"
QUICK = {SEND: Limit(count=1000, seconds=1.0)}

Answering = Callable[[Event], str | None]


def echo(event: Event) -> str | None:
    return f"echo {event.text}"


def called(event: Event) -> str | None:
    return echo(event) if event.mentioned or event.room_kind == "dm" else None


def silent(event: Event) -> str | None:
    return None


class Listener:
    """A Hearing that remembers what a store would, answers in order, and outlives adapters."""

    def __init__(self, answering: Answering = echo) -> None:
        self.events: list[Event] = []
        self.offered: list[str] = []
        self.changes: list[Changed] = []
        self.parted: list[tuple[Address, str]] = []
        self.lines: list[Invocation] = []
        self.asked: list[Invocation] = []  # for facts
        self.shown = Shown(text="I remember tea.")
        self.shows: dict[str, Shown] = {}  # by line, where it is not `shown`
        self.choices: list[Choice] = []
        self.failures: list[Exception] = []  # of the next deliveries
        self.refused: list[SendFailed] = []
        self._answering = answering
        self._todo: asyncio.Queue[Event] = asyncio.Queue()

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.events]

    async def deliver(self, event: Event) -> bool:
        self.offered.append(event.id)
        for _ in range(4 - len(self.offered) % 4):  # as long as storing takes: now more, now less
            await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop(0)
        if event.id in {known.id for known in self.events}:
            return False
        self.events.append(event)
        self._todo.put_nowait(event)
        return True

    async def command(self, invocation: Invocation) -> Shown:
        self.lines.append(invocation)
        return self.shows.get(invocation.line, self.shown)

    async def changed(self, changed: Changed) -> bool:
        if self.failures:
            raise self.failures.pop(0)
        self.changes.append(changed)
        return True

    async def facts(self, invocation: Invocation) -> Sequence[Choice]:
        self.asked.append(invocation)
        return [one for one in self.choices if invocation.line in one.label]

    async def left(self, address: Address, user: str, realm: str | None = None) -> None:
        self.parted.append((address, user))

    async def last_seen(self, address: Address) -> str | None:
        return next((e.id for e in reversed(self.events) if _same(e, address)), None)

    async def known_rooms(self) -> Iterable[str]:
        return {replace(e.address, thread=None).room for e in self.events}

    async def answer(self, adapter: Discord) -> None:
        """Sends, each until it was taken, one after the other."""
        while True:
            event = await self._todo.get()
            text = self._answering(event)
            if text is None:
                continue
            await adapter.working(event.address, begun=True)
            while True:
                try:
                    await adapter.send(post(event, text))
                    break
                except SendFailed as error:
                    self.refused.append(error)
                    if error.final:
                        break
                    await asyncio.sleep(min(error.retry_after or 0.05, 0.2))
            await adapter.working(event.address, begun=False)


def _same(event: Event, address: Address) -> bool:
    there = event.address
    return (there.space, there.channel) == (address.space, address.channel)


def post(event: Event, text: str, *, key: str = "") -> Post:
    return Post(key=key or f"r-{event.id}", address=event.address, text=text, answers=(event.id,))


def adapter(
    sim: FakeDiscord,
    *,
    token: str = "",
    sharded: bool = False,
    auto_thread: bool = False,
    known_rooms: KnownRooms | None = None,
) -> Discord:
    more = {} if known_rooms is None else {"known_rooms": known_rooms}
    return Discord(
        token or sim.token,
        api_base=sim.api_url,
        gateway_url=sim.gateway_url,
        sharded=sharded,
        auto_thread=auto_thread,
        **more,
    )


@asynccontextmanager
async def listening(
    sim: FakeDiscord,
    listener: Listener,
    *,
    made: Discord | None = None,
    online: bool = True,
) -> AsyncIterator[Discord]:
    """An adapter that runs, from its being connected on. online=False: it may take its time."""
    discord = made or adapter(sim, known_rooms=listener.known_rooms)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(discord.run(listener))
        answering = tasks.create_task(listener.answer(discord))
        try:
            if online:
                begun = sim.started
                await sim.until(lambda: sim.started > begun and sim.connected > 0)
            yield discord
        finally:
            answering.cancel()
            running.cancel()


def echoes(sim: FakeDiscord) -> list[str]:
    """All that the bot said, in the order of the alphabet."""
    return sorted(m.content for m in sim.messages() if m.author is sim.bot)
