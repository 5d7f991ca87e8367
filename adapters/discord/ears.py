"""What discord.py tells, on its way to the hearing: each channel in order, nothing left out."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import discord
from discord import app_commands
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_delay,
    wait_exponential,
)

from adapters.base import Address, Event, Hearing
from adapters.discord import catchup, commands
from adapters.discord.catchup import Lane
from adapters.discord.client import TROUBLE
from adapters.discord.receive import DIRECT, address_of, direct, to_event
from adapters.discord.send import open_thread

log = logging.getLogger(__name__)

AT_ONCE: Final = 4  # channels whose history is read at the same time
PATIENCE: Final = 600.0  # seconds for which a message is offered again, or a history asked for
LONGEST_WAIT: Final = 30.0  # seconds between two attempts

KnownDms = Callable[[], Awaitable[Iterable[tuple[str, str]]]]  # (channel, user) of each


class Ears:
    """The handlers of a client, and what they know of channels. It outlives clients."""

    def __init__(self, hearing: Hearing, *, auto_thread: bool, known_dms: KnownDms) -> None:
        self.online = asyncio.Event()
        self._hearing = hearing
        self._auto_thread = auto_thread
        self._known_dms = known_dms
        self._client: discord.Client
        self._tree: app_commands.CommandTree
        self._registered = False
        self._lanes: dict[str, Lane] = {}
        self._connection = 0  # counts connections that cannot replay what came before
        self._floor = 0  # the newest id of which we know that somebody listened then; 0 is none
        self._busy: set[asyncio.Task[object]] = set()

    def attach(self, client: discord.Client) -> None:
        """Makes a client tell us what happens."""
        self._client = client
        self._tree = commands.add_commands(client, self._hearing)
        for handler in (
            self.on_connect,
            self.on_resumed,
            self.on_disconnect,
            self.on_guild_available,
            self.on_message,
        ):
            client.event(handler)

    async def stop(self) -> None:
        """Ends what is still being handled; history has it at the next start."""
        self.online.clear()
        busy = list(self._busy)
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)

    # ---- the connection

    async def on_connect(self) -> None:
        """A new session: what happened before is only in the history."""
        self._connection += 1
        self._floor = max([self._floor, *(lane.newest for lane in self._lanes.values())])
        self.online.set()
        with self._at_work():
            await self._register()
            for channel, user in await self._known_dms():
                self._lane(direct(channel), user)
            await self._sweep(
                [lane for lane in self._lanes.values() if lane.address.space == DIRECT]
            )

    async def on_resumed(self) -> None:
        """Discord replayed what was missed, so there is no gap."""
        self.online.set()

    async def on_disconnect(self) -> None:
        self.online.clear()

    async def _register(self) -> None:
        if self._registered:
            return
        try:
            await commands.register(self._tree)
        except TROUBLE as error:
            note = {"action": "commands_unregistered"}
            log.warning("the slash commands were not registered: %s", error, extra=note)
        else:
            self._registered = True

    # ---- the gap

    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Its channels are known now: close their gaps."""
        recent = catchup.oldest_of_interest()
        with self._at_work():
            addresses = [
                address_of(channel)
                for channel in guild.channels
                if catchup.newest_in(channel) > recent
            ]
            await self._sweep([self._lane(address) for address in addresses if address])

    async def _sweep(self, lanes: list[Lane]) -> None:
        behind = [(await self._since(lane), lane) for lane in lanes]
        behind.sort(key=lambda pair: -pair[0])  # who spoke last is likely to wait for an answer
        gate = asyncio.Semaphore(AT_ONCE)

        async def close(lane: Lane) -> None:
            async with gate, lane.lock:
                await self._catch_up(lane)

        ended = await asyncio.gather(*(close(lane) for _, lane in behind), return_exceptions=True)
        for error in filter(None, ended):  # one channel's trouble is not another's
            log.warning("not caught up: %s", error, extra={"action": "discord_behind"})

    async def _since(self, lane: Lane) -> int:
        """The id from which on a lane may have a gap; 0 if it is new to us.

        A room where the bot was never called has no last event. It is read from where we know that
        somebody listened.
        """
        if lane.newest:
            return lane.newest
        seen = await self._hearing.last_seen(lane.address, lane.user)
        if seen is None or not seen.isdigit():
            return self._floor
        self._floor = max(self._floor, int(seen))
        return int(seen)

    async def _catch_up(self, lane: Lane) -> None:
        """Hear what was missed in a lane, once in a connection. Its lock is held.

        Commands among it are left alone: they may have been obeyed already.
        """
        connection = self._connection
        if lane.connection == connection:
            return
        if since := await self._since(lane):
            rooms = catchup.rooms_behind(self._client, lane, since)
            again = _again(*TROUBLE)
            messages: list[discord.Message] = await again(catchup.missed, rooms, since)
            for message in messages:
                await self._hear(lane, message)
        lane.connection = connection

    # ---- messages

    async def on_message(self, message: discord.Message) -> None:
        with self._at_work():
            placed = await self._placed(message)
            if placed is None:
                return
            message, lane = placed
            async with lane.lock:
                await self._catch_up(lane)
                event = await self._hear(lane, message)
            if event is None:
                return
            if commands.is_command(event):
                invocation = commands.typed_invocation(event)
                await commands.answer(message, await self._hearing.command(invocation))
            elif event.address.thread == event.id:
                await self._open(event.address)

    async def _hear(self, lane: Lane, message: discord.Message) -> Event | None:
        """Deliver a message; returns it if something is left to be done about it."""
        me = self._client.user
        assert me is not None, "no messages come before login"
        event = to_event(message, me, auto_thread=self._auto_thread)
        try:
            if event is None or commands.is_command(event):
                return event
            taken: bool = await _again(Exception)(self._hearing.deliver, event)
            return event if taken else None
        finally:
            lane.newest = max(lane.newest, message.id)

    async def _placed(self, message: discord.Message) -> tuple[discord.Message, Lane] | None:
        """A message and its lane; for a thread of which Discord did not tell, it is asked."""
        address = address_of(message.channel)
        if address is None and message.guild is not None:
            try:
                channel = await self._client.fetch_channel(message.channel.id)
                assert isinstance(channel, discord.abc.Messageable)
                message = await channel.fetch_message(message.id)
            except TROUBLE as error:
                log.warning("a channel is unknown: %s", error, extra={"action": "no_channel"})
                return None
            address = address_of(message.channel)
        if address is None:
            return None
        person = None if address.space != DIRECT or message.author.bot else str(message.author.id)
        return message, self._lane(address, person)

    async def _open(self, address: Address) -> None:
        """So that the thread is there while people wait; sending opens it too, if need be."""
        try:
            await open_thread(self._client, address)
        except TROUBLE as error:
            log.info("no thread was opened: %s", error, extra={"action": "no_thread"})

    # ---- inside

    def _lane(self, address: Address, user: str | None = None) -> Lane:
        whole = replace(address, thread=None)
        lane = self._lanes.setdefault(whole.room, Lane(address=whole))
        lane.user = lane.user or user
        return lane

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """discord.py starts a task for each event and forgets it: `stop` must not."""
        task = asyncio.current_task()
        assert task is not None
        self._busy.add(task)
        try:
            yield
        finally:
            self._busy.discard(task)


def _again(*errors: type[Exception]) -> AsyncRetrying:
    """Attempts until it goes well, as a platform would deliver again; the last error is raised."""
    return AsyncRetrying(
        retry=retry_if_exception_type(errors),
        wait=wait_exponential(multiplier=0.2, max=LONGEST_WAIT),
        stop=stop_after_delay(PATIENCE),
        before_sleep=_tell,
        reraise=True,
    )


def _tell(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("once more, after: %s", error, extra={"action": "discord_again"})
