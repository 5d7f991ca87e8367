"""Lets a test wait for what must become true, instead of sleeping."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
TICK = 0.01  # seconds until one looks again at what is not of this Discord, such as the bot


class Changes:
    """Who waits is woken when something happened."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    def happened(self) -> None:
        """Something did: whoever waits looks again."""
        for future in self._waiting:
            _wake(future)
        self._waiting.clear()

    async def until(self, look: Callable[[], T], within: float) -> T:
        """The first true value of `look`. Raises TimeoutError after `within` seconds."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(within):
            while not (found := look()):
                future: asyncio.Future[None] = loop.create_future()
                self._waiting.append(future)
                timer = loop.call_later(TICK, _wake, future)
                await future
                timer.cancel()
            return found


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
