"""Replies and platforms that are away: everything goes out, once, in its order; nothing blocks."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adapters.base import Address, Hearing, Post, SendFailed
from bot.app import opened
from bot.config import Settings
from bot.outbox import Outbox
from bot.testing.fakes import FakeAdapter, ScriptedLLM
from bot.types import Completion, Prompt
from memory import queue
from memory.database.sqlite import SqliteDatabase
from memory.errors import StorageFault
from memory.ports import Connection
from memory.store import Store
from memory.types import Birth, Outgoing, Reply, now

AWAY = SendFailed("Slack cannot be reached.")


class Clock:
    """Passes as fast as it is slept through."""

    def __init__(self) -> None:
        self.at = 0.0
        self.waits: list[float] = []
        self.slept = asyncio.Event()  # often enough to see where it leads

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += seconds
        if len(self.waits) > 20:
            self.slept.set()
        await asyncio.sleep(0)


class Platform(FakeAdapter):
    """A platform that cannot be reached until a time, and may refuse words for good."""

    def __init__(
        self,
        name: str,
        clock: Clock,
        *,
        until: float = 0.0,
        refused: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(name)
        self._clock, self._until, self._refused = clock, until, refused or {}

    async def send(self, post: Post) -> str:
        if self._clock.at < self._until:
            raise AWAY
        if post.text in self._refused:
            raise SendFailed(self._refused[post.text], final=True)
        return await super().send(post)

    @property
    def texts(self) -> list[str]:
        return [post.text for post in self.posts]


async def put(store: Store, *texts: str, platform: str = "slack", agent: str = "ana") -> None:
    address = Address(platform=platform, space="T1", channel="C1").plain()
    target = {"address": address, "answers": [f"{platform}:C1:1.0"]}
    replies = [Reply(key=f"{platform}-{text}", target=target, text=text) for text in texts]

    def work(conn: Connection) -> None:
        queue.put_replies(conn, agent, replies, now())

    await store.ensure(Birth(id=agent, name=agent, kind="named", persona="I am here."))
    await store.database.write(work)


@asynccontextmanager
async def sending(store: Store, clock: Clock, *platforms: FakeAdapter) -> AsyncIterator[Outbox]:
    outbox = Outbox(store, clock.sleep)
    for platform in platforms:
        outbox.add(platform)
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        await outbox.start(tasks)
        yield outbox
        outbox.stop()


@pytest.mark.parametrize("away", [600.0, 24 * 3600.0], ids=["ten minutes", "a day"])
async def test_a_platform_comes_back(store: Store, away: float) -> None:
    clock = Clock()
    slack = Platform("slack", clock, until=away)
    await put(store, "one", "二", "three")
    async with sending(store, clock, slack) as outbox:
        await outbox.drained("ana")
    assert slack.texts == ["one", "二", "three"]
    assert clock.waits[:6] == [2, 4, 8, 16, 32, 60]
    assert max(clock.waits) == 60
    assert clock.at < away + 60
    assert await store.with_unsent() == []


async def test_a_reply_that_may_have_gone_out_is_looked_for(store: Store) -> None:
    clock = Clock()
    slack = Platform("slack", clock, until=100)
    await put(store, "one", "two")
    async with sending(store, clock) as outbox:  # begins without what a former process left
        outbox.add(slack)
        outbox.wake("ana")
        await outbox.drained("ana")
    assert [(post.text, post.again) for post in slack.posts] == [("one", True), ("two", False)]


async def test_another_platform_does_not_wait(store: Store) -> None:
    clock = Clock()
    slack, discord = Platform("slack", clock, until=float("inf")), Platform("discord", clock)
    await put(store, "first on Slack")
    await put(store, "你好", "second", platform="discord")
    async with sending(store, clock, slack, discord):
        await discord.sent(2)
    assert discord.texts == ["你好", "second"]
    assert slack.texts == []
    assert (await store.unsent("ana"))[0].text == "first on Slack"


async def test_another_agent_does_not_wait(store: Store) -> None:
    class Picky(Platform):
        async def send(self, post: Post) -> str:
            if post.text == "stuck":
                raise AWAY
            return await super().send(post)

    clock = Clock()
    slack = Picky("slack", clock)
    await put(store, "stuck", "behind it")
    await put(store, "free", agent="bo")
    async with sending(store, clock, slack) as outbox:
        await outbox.drained("bo")
    assert slack.texts == ["free"]


async def test_what_is_refused_for_good_is_told_once_and_stands_in_nobodys_way(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    why = "I am not in #general. Invite me with /invite."
    slack = Platform("slack", clock, refused={"my secret": why})
    await put(store, "my secret", "next")
    async with sending(store, clock, slack) as outbox:
        await outbox.drained("ana")
        outbox.wake("ana")
        await outbox.drained("ana")
    assert slack.texts == ["next"]
    assert clock.waits == []
    assert [record.getMessage() for record in caplog.records] == [
        f"A reply cannot be sent, and is given up. {why}"
    ]
    assert caplog.records[0].levelno == logging.ERROR


async def test_a_long_outage_is_told_once(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    slack = Platform("slack", clock, until=3600)
    await put(store, "one")
    async with sending(store, clock, slack) as outbox:
        await outbox.drained("ana")
    assert len(clock.waits) > 50
    assert [record.getMessage() for record in caplog.records] == [
        "A reply waits, and will be sent once that is possible. Slack cannot be reached."
    ]


@pytest.mark.parametrize(("asked", "waited"), [(7.0, 7.0), (900.0, 900.0), (1e9, 3600.0)])
async def test_a_platform_says_when(store: Store, asked: float, waited: float) -> None:
    clock = Clock()
    slack = Platform("slack", clock)
    slack.failures = [SendFailed("Too many posts.", retry_after=asked)]
    await put(store, "one")
    async with sending(store, clock, slack) as outbox:
        await outbox.drained("ana")
    assert clock.waits == [waited]
    assert slack.texts == ["one"]


async def test_what_is_left_at_the_end_goes_out_at_the_next_start(store: Store) -> None:
    clock = Clock()
    away = [Platform(name, clock, until=float("inf")) for name in ("slack", "discord")]
    for platform in ("slack", "discord"):
        await put(store, "one", "二", platform=platform)
    async with sending(store, clock, *away):
        await clock.slept.wait()
    back = [Platform(name, clock) for name in ("slack", "discord")]
    async with sending(store, clock, *back) as outbox:
        await put(store, "three")
        outbox.wake("ana")
        await outbox.drained("ana")
    slack, discord = back
    assert [post.again for post in slack.posts] == [True, True, False]
    assert slack.texts == ["one", "二", "three"]
    assert discord.texts == ["one", "二"]


async def test_a_reply_that_went_out_but_could_not_be_marked(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(Store):
        full = True

        async def sent(self, reply: Outgoing, receipt: str) -> None:
            if self.full:
                self.full = False
                raise StorageFault("The disk is full.")
            await super().sent(reply, receipt)

    monkeypatch.setattr("bot.outbox.LONGEST_WAIT", 0.01)
    clock, store = Clock(), Full(database)
    slack = Platform("slack", clock)
    async with sending(store, clock, slack) as outbox:
        await put(store, "one")
        outbox.wake("ana")
        await slack.sent(2)
    assert [post.again for post in slack.posts] == [False, True]


# --- the end of the program ----------------------------------------------------------------------


class Connected(FakeAdapter):
    """Sends only while it hears: one connection is for both."""

    there = False

    async def run(self, hearing: Hearing) -> None:
        self.there = True
        try:
            await super().run(hearing)
        finally:
            self.there = False

    async def send(self, post: Post) -> str:
        if not self.there:
            raise SendFailed("Discord is not connected.")
        return await super().send(post)


class Late(ScriptedLLM):
    """Answers when the program is about to end."""

    def __init__(self) -> None:
        super().__init__([Completion(text="还有一句")])
        self.asked, self.ending = asyncio.Event(), asyncio.Event()

    async def complete(self, prompt: Prompt) -> Completion:
        self.asked.set()
        await self.ending.wait()
        for _ in range(50):
            await asyncio.sleep(0)
        return await super().complete(prompt)


async def test_a_last_reply_goes_out_before_the_connection_ends(tmp_path: Path) -> None:
    adapter, llm = Connected("discord"), Late()
    settings = Settings.model_validate({"home": tmp_path, "embedding": "off", "timezone": "UTC"})
    async with asyncio.timeout(20), opened(settings, llm=llm) as app, asyncio.TaskGroup() as tasks:
        tasks.create_task(app.run([adapter]))
        await adapter.say("hello", event="1")
        await llm.asked.wait()
        app.stop()
        llm.ending.set()
    assert [post.text for post in adapter.posts] == ["还有一句"]
    assert not adapter.there
