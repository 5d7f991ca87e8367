"""What people see while an answer is being made: typing, and a reaction where it takes long."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Final

import discord

from adapters.base import Address
from adapters.discord.client import TROUBLE

TYPING: Final = 8.0  # seconds; Discord shows it for ten
LONGEST_TYPING: Final = 300.0  # seconds, if nobody says that the answer is there
LONG: Final = 10.0  # seconds after which the message is marked as taken
LONGEST: Final = 3600.0  # seconds for which it stays marked
GRACE: Final = 2.0  # seconds that marks get to be taken off before the connection ends
TAKEN: Final = "👀"


class Waiting:
    """One task for each room in which an answer is being made."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}  # by room
        self._ending: set[asyncio.Task[None]] = set()

    def begin(self, client: discord.Client, address: Address, message: str | None) -> None:
        """message: the id of the one that waits, if it is known."""
        waiting = _wait(client, address, message)
        self._tasks[address.room] = client.loop.create_task(waiting, name="typing")

    def end(self, address: Address) -> None:
        if task := self._tasks.pop(address.room, None):
            self._end(task)

    def _end(self, task: asyncio.Task[None]) -> None:
        task.cancel()
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def stop(self) -> None:
        """Ends all, while the client is still there."""
        for task in self._tasks.values():
            self._end(task)
        self._tasks.clear()
        if ending := list(self._ending):
            await asyncio.wait(ending, timeout=GRACE)


async def _wait(client: discord.Client, address: Address, message: str | None) -> None:
    """Until it is cancelled, or nobody can be waiting any more."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LONGEST), asyncio.TaskGroup() as tasks:
            tasks.create_task(_type(client, address), name="typing on")
            if message is not None:
                tasks.create_task(_mark(client, address, message), name="marking")


async def _type(client: discord.Client, address: Address) -> None:
    thread = int(address.thread or 0)
    with suppress(TimeoutError):
        async with asyncio.timeout(LONGEST_TYPING):
            while True:
                place = thread if client.get_channel(thread) else int(address.channel)
                with suppress(*TROUBLE):
                    await _whole(client.get_partial_messageable(place).typing())
                await asyncio.sleep(TYPING)


async def _whole(request: Awaitable[None]) -> None:
    """A request that comes to its end, also when nobody waits for it any more: if it is broken off
    while it waits for Discord's global limit, discord.py lets no other request through again."""
    task = asyncio.ensure_future(request)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # nobody else asks how it ended
        raise


async def _mark(client: discord.Client, address: Address, id_: str) -> None:
    """Where the bot may not react, typing has to do."""
    await asyncio.sleep(LONG)
    place = address.channel if address.thread in (None, id_) else address.thread
    channel = client.get_partial_messageable(int(place or 0))
    message = channel.get_partial_message(int(id_))
    assert client.user is not None, "nobody waits before login"
    marked = True  # also when one is interrupted: it may have got through
    try:
        await _whole(message.add_reaction(TAKEN))
        await asyncio.sleep(LONGEST)
    except TROUBLE:
        marked = False
    finally:
        if marked:
            with suppress(*TROUBLE):
                await message.remove_reaction(TAKEN, client.user)
