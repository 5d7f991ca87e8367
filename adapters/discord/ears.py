"""What discord.py tells, on its way to the hearing: each channel in order, nothing left out."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Final

import discord
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_delay,
    wait_exponential,
)

from adapters.base import Address, Changed, Event, Hearing, RoomKind
from adapters.commands import is_command, typed
from adapters.discord import catchup, obey
from adapters.discord.catchup import Lane
from adapters.discord.client import TROUBLE
from adapters.discord.commands import Tree, register
from adapters.discord.presses import pressed
from adapters.discord.receive import (
    DIRECT,
    PLATFORM,
    REALM,
    address_of,
    direct,
    governs,
    is_admin,
    room_of,
    to_event,
)
from adapters.discord.send import open_thread

log = logging.getLogger(__name__)

AT_ONCE: Final = 4  # channels whose history is read at the same time
PATIENCE: Final = 600.0  # seconds for which a message is offered again, or a history asked for
LONGEST_WAIT: Final = 30.0  # seconds between two attempts

KnownRooms = Callable[[], Awaitable[Iterable[str]]]


class Ears:
    """The handlers of a client, and what they know of channels. It outlives clients."""

    def __init__(self, hearing: Hearing, *, auto_thread: bool, known_rooms: KnownRooms) -> None:
        self.online = asyncio.Event()
        self.newest: dict[str, str] = {}  # by room: the id of the last message that was taken
        self._hearing = hearing
        self._auto_thread = auto_thread
        self._known_rooms = known_rooms
        self._client: discord.Client
        self._tree: Tree
        self._registered = False
        self._lanes: dict[str, Lane] = {}
        self._connection = 0  # counts connections that cannot replay what came before
        self._floor = 0  # the newest id of which we know that somebody listened then; 0 is none
        self._floored = asyncio.Event()  # the floor is known
        self._busy: set[asyncio.Task[object]] = set()

    def attach(self, client: discord.Client) -> None:
        """Makes a client tell us what happens."""
        self._client = client
        self._tree = Tree(client, self._hearing)
        for handler in (
            self.on_connect,
            self.on_resumed,
            self.on_disconnect,
            self.on_guild_available,
            self.on_message,
            self.on_raw_message_edit,
            self.on_raw_message_delete,
            self.on_raw_bulk_message_delete,
            self.on_interaction,
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
            await self._find_floor()
            await self._register()
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
            await register(self._tree)
        except TROUBLE as error:
            note = {"action": "commands_unregistered"}
            log.warning("the slash commands were not registered: %s", error, extra=note)
        else:
            self._registered = True

    # ---- the gap

    async def _find_floor(self) -> None:
        """Once; rooms that are new to us have to wait for it."""
        try:
            if not self._floored.is_set():
                for room in await self._known_rooms():
                    await self._seen(self._lane(Address.of(room)))
        finally:
            self._floored.set()

    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Its channels are known now: close their gaps."""
        recent = catchup.oldest_of_interest()
        rooms = [*guild.channels, *(thread for thread in guild.threads if thread.is_private())]
        with self._at_work():
            addresses = [address_of(room) for room in rooms if catchup.newest_in(room) > recent]
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
        if seen := await self._seen(lane):
            return seen
        await self._floored.wait()
        return self._floor

    async def _seen(self, lane: Lane) -> int:
        """The id of the last message that was heard in a lane; 0 if it is new to us."""
        if lane.newest:
            return lane.newest
        seen = await self._hearing.last_seen(lane.address)
        if seen is None or not seen.isdigit():
            return 0
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
            if is_command(event):
                invocation = typed(event, admin=is_admin(message), governs=governs(message))
                await obey.reply(message, await self._hearing.command(invocation))
            elif event.address.thread == event.id:
                await self._open(event.address)

    async def _hear(self, lane: Lane, message: discord.Message) -> Event | None:
        """Deliver a message; returns it if something is left to be done about it."""
        me = self._client.user
        assert me is not None, "no messages come before login"
        event = to_event(message, me, auto_thread=self._auto_thread)
        try:
            if event is None or is_command(event):
                return event
            taken: bool = await _again(Exception)(self._hearing.deliver, event)
            if taken:
                self.newest[event.address.room] = event.id
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
        return message, self._lane(address)

    async def _open(self, address: Address) -> None:
        """So that the thread is there while people wait; sending opens it too, if need be."""
        try:
            await open_thread(self._client, address)
        except TROUBLE as error:
            log.info("no thread was opened: %s", error, extra={"action": "no_thread"})

    # ---- what becomes of them

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Also a preview that appears, or a pin: those are no edits."""
        edited = payload.message.edited_at
        me = self._client.user
        assert me is not None, "no messages come before login"
        if edited is None:
            return
        with self._at_work():
            placed = await self._placed(payload.message)
            event = placed and to_event(placed[0], me, auto_thread=self._auto_thread)
            if placed and event:
                change = Changed(
                    event=event.id,
                    address=event.address,
                    room_kind=event.room_kind,
                    user=event.user,
                    text=event.text,
                    at=edited,
                    realm=REALM,
                )
                await self._tell(placed[1], [change])

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        await self._deleted([payload.message_id], payload.channel_id, payload.guild_id)

    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        await self._deleted(sorted(payload.message_ids), payload.channel_id, payload.guild_id)

    async def _deleted(self, ids: list[int], channel: int, guild: int | None) -> None:
        """Discord does not tell who had said it."""
        with self._at_work():
            address, kind = await self._where(channel, guild)
            at = discord.utils.utcnow()
            changes = [_deletion(str(id_), address, kind, at) for id_ in ids]
            await self._tell(self._lane(address), changes)

    async def _where(self, channel: int, guild: int | None) -> tuple[Address, RoomKind]:
        """Where something was deleted; a thread that is gone as well counts as a channel."""
        if guild is None:
            return direct(channel), "dm"
        found: object = self._client.get_channel(channel)
        if found is None:
            try:
                found = await self._client.fetch_channel(channel)
            except TROUBLE as error:
                log.warning("a channel is unknown: %s", error, extra={"action": "no_channel"})
        if address := address_of(found):
            return address, room_of(found)[0]
        return Address(platform=PLATFORM, space=str(guild), channel=str(channel)), "private"

    async def _tell(self, lane: Lane, changes: list[Changed]) -> None:
        """Behind the messages that they are about."""
        async with lane.lock:
            await self._catch_up(lane)
            for change in changes:
                await _again(Exception)(self._hearing.changed, change)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """A button or a form; commands are heard by their tree."""
        kinds = (discord.InteractionType.component, discord.InteractionType.modal_submit)
        if interaction.type in kinds:
            with self._at_work():
                await pressed(interaction, self._hearing)

    # ---- inside

    def _lane(self, address: Address) -> Lane:
        whole = replace(address, thread=None)
        return self._lanes.setdefault(whole.room, Lane(address=whole))

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


def _deletion(id_: str, address: Address, kind: RoomKind, at: datetime) -> Changed:
    return Changed(
        event=id_, address=address, room_kind=kind, user="", text=None, at=at, realm=REALM
    )


def _again(*errors: type[Exception]) -> AsyncRetrying:
    """Attempts until it goes well, as a platform would deliver again; the last error is raised."""
    return AsyncRetrying(
        retry=retry_if_exception_type(errors),
        wait=wait_exponential(multiplier=0.2, max=LONGEST_WAIT),
        stop=stop_after_delay(PATIENCE),
        before_sleep=_note,
        reraise=True,
    )


def _note(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("once more, after: %s", error, extra={"action": "discord_again"})
