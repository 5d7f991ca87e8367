"""Discord's global limit, while the bot shows that it is at work."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from adapters.base import Address
from bot.testing.discord import FakeDiscord
from tests.edge.discord_adapter import QUICK, TYPING, Listener, listening, post


@pytest.fixture
async def sim() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord(limits=QUICK).running() as sim:
        yield sim


class Told(logging.Handler):
    """Waits for a line of discord.py's log."""

    def __init__(self, line: str) -> None:
        super().__init__()
        self._line = line
        self.told = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if self._line in record.getMessage():
            self.told.set()


async def test_typing_that_ends_amid_a_global_limit_holds_no_reply_up(
    sim: FakeDiscord, request: pytest.FixtureRequest
) -> None:
    limited, log = Told("Global rate limit has been hit"), logging.getLogger("discord.http")
    log.addHandler(limited)
    request.addfinalizer(lambda: log.removeHandler(limited))
    ana, listener = sim.human("Ana"), Listener(lambda event: None)
    async with listening(sim, listener) as discord:
        await ana.dm("快一点")
        [event] = await sim.until(lambda: listener.events)
        sim.fail(TYPING, status=429, retry_after=0.5, scope="global")
        hall = Address(platform="discord", space=sim.guild.id, channel=sim.general.id)
        await discord.working(hall, begun=True)
        async with asyncio.timeout(10):
            await limited.told.wait()
        await discord.working(hall, begun=False)
        async with asyncio.timeout(10):
            await discord.send(post(event, "好了"))
        [answer] = await ana.sees(1)
    assert answer.content == "好了"
