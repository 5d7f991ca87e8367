"""What most tests of the edge stand on: a simulated Slack or Discord, in a hurry."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import discord as dpy
import pytest

from bot.testing.discord import FakeDiscord
from bot.testing.slack import FakeSlack, Timing
from tests.edge import discord_adapter, slack_bot
from tests.edge.slack_bot import Bot, by_http, by_socket
from tests.edge.slack_world import Listener

QUICK = Timing(ack=0.5, retries=(0.01, 0.02, 0.03), trigger=0.5)


@pytest.fixture
async def fake() -> AsyncIterator[FakeSlack]:
    """Slack as the adapter meets it."""
    async with FakeSlack(timing=QUICK).running() as fake:
        yield fake


@pytest.fixture
def listener(fake: FakeSlack) -> Listener:
    """Who hears the adapter at `fake`."""
    return Listener(fake)


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """Slack as a small bot of slack-bolt meets it."""
    async with FakeSlack(timing=slack_bot.QUICK).running() as slack:
        yield slack


@pytest.fixture(params=[by_socket, by_http], ids=["socket", "http"])
async def bot(slack: FakeSlack, request: pytest.FixtureRequest) -> AsyncIterator[Bot]:
    """A small bot at `slack`, over each transport."""
    transport: Callable[[FakeSlack], AbstractAsyncContextManager[Bot]] = request.param
    async with transport(slack) as bot:
        yield bot


@pytest.fixture
async def sim() -> AsyncIterator[FakeDiscord]:
    """Discord as the adapter meets it."""
    async with FakeDiscord(limits=discord_adapter.QUICK, a_second=1000).running() as sim:
        yield sim


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """discord.py sleeps for five seconds before it identifies again; not here."""

    async def hook(self: dpy.Client, shard_id: int | None, *, initial: bool = False) -> None:
        return

    monkeypatch.setattr(dpy.Client, "before_identify_hook", hook)
