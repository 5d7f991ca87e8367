"""The real Slack adapter against the fake Slack, and somebody who hears it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from adapters.base import Address, Changed, Choice, Event, Invocation, Post, Shown
from adapters.slack import Slack, manifest
from bot.testing.slack import FakeSlack

TEAM = "T0FAKE"
PING = 0.1  # seconds


class Listener:
    """A Hearing that keeps what it is told, and fails on demand."""

    def __init__(self, fake: FakeSlack) -> None:
        self._fake = fake
        self.events: list[Event] = []
        self.offered: list[str] = []  # ids, as often as they came
        self.invocations: list[Invocation] = []
        self.faults: list[Exception] = []  # raised by the next calls of deliver
        self.changes: list[Changed] = []
        self.parted: list[tuple[Address, str]] = []
        self.answer = Shown(text="**Known**: you like tea & 茶")
        self.answers: dict[str, Shown] = {}  # to a line that begins so
        self.marks: dict[str, str] = {}  # what was taken before this process began, by channel

    async def deliver(self, event: Event) -> bool:
        self.offered.append(event.id)
        await asyncio.sleep(0)
        if self.faults:
            raise self.faults.pop(0)
        new = event.id not in {known.id for known in self.events}
        if new:
            self.events.append(event)
        self._fake.workspace.changes.tell()
        return new

    async def command(self, invocation: Invocation) -> Shown:
        self.invocations.append(invocation)
        self._fake.workspace.changes.tell()
        fitting = [line for line in self.answers if invocation.line.startswith(line)]
        return self.answers[fitting[0]] if fitting else self.answer

    async def changed(self, changed: Changed) -> bool:
        if self.faults:
            raise self.faults.pop(0)
        self.changes.append(changed)
        self._fake.workspace.changes.tell()
        return changed.event in self.offered

    async def facts(self, invocation: Invocation) -> list[Choice]:
        return []

    async def left(self, address: Address, user: str, realm: str | None = None) -> None:
        self.parted.append((address, user))
        self._fake.workspace.changes.tell()

    async def last_seen(self, address: Address) -> str | None:
        own = [event.id for event in self.events if event.address.channel == address.channel]
        return max(own, default=self.marks.get(address.channel))

    @property
    def lines(self) -> list[str]:
        return [invocation.line for invocation in self.invocations]

    async def obeys(self, count: int = 1) -> list[Invocation]:
        """Waits until there are that many commands. Raises TimeoutError."""
        return await self._fake.until(
            lambda: self.invocations if len(self.invocations) >= count else []
        )

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.events]

    async def hears(self, count: int = 1, *, within: float = 10.0) -> list[Event]:
        """Waits until there are that many events. Raises TimeoutError."""
        return await self._fake.until(
            lambda: self.events if len(self.events) >= count else [], within=within
        )


def adapter(fake: FakeSlack, *, http: bool = False) -> Slack:
    app = fake.app
    return Slack(
        app.bot_token,
        None if http else app.app_token,
        app.signing_secret if http else None,
        api_base=fake.api_url,
        port=0,
        ping_interval=PING,
    )


@asynccontextmanager
async def online(
    fake: FakeSlack, listener: Listener, *, http: bool = False
) -> AsyncIterator[Slack]:
    """The adapter while it runs, from when Slack reaches it. Raises what ends it."""
    slack = adapter(fake, http=http)
    fake.install(manifest())
    running = asyncio.create_task(slack.run(listener))
    try:
        await (_by_http(fake, slack) if http else fake.connected())
        yield slack
        if running.done():
            await running
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def _by_http(fake: FakeSlack, slack: Slack) -> None:
    await fake.until(lambda: slack.port)
    await fake.use_http(f"http://127.0.0.1:{slack.port}/slack/events")


def reply(event: Event, text: str, *, key: str = "1", again: bool = False) -> Post:
    return Post(key=key, address=event.address, text=text, answers=(event.id,), again=again)
