"""What was said while nobody listened: a channel's history, from where we stopped hearing."""

from asyncio import Lock
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import discord

from adapters.base import Address
from adapters.discord.receive import DIRECT

MOST: Final = 200  # messages of a channel or thread: the newest of them
LONGEST: Final = timedelta(hours=24)

Room = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.Thread
Readable = Room | discord.PartialMessageable
_ROOMS: Final = (
    discord.TextChannel, discord.VoiceChannel, discord.StageChannel, discord.Thread
)  # fmt: skip


@dataclass(slots=True, kw_only=True, eq=False)
class Lane:
    """A channel with its threads, a private thread, or a DM: its messages are heard one after the
    other.

    newest: the id up to which all was heard by this process, 0 if none.
    connection: the number of the one in which its gap was closed.
    """

    address: Address
    newest: int = 0
    connection: int = 0
    lock: Lock = field(default_factory=Lock)


def oldest_of_interest() -> int:
    """An id: what is older is not caught up with."""
    return discord.utils.time_snowflake(discord.utils.utcnow() - LONGEST)


def newest_in(channel: discord.abc.GuildChannel | discord.Thread) -> int:
    """The id of the last message in a channel or its threads, as far as Discord told."""
    return max((room.last_message_id or 0 for room in _rooms(channel)), default=0)


def _rooms(channel: object) -> list[Room]:
    """Where people write: the channel, if it is no forum, and its open threads. A private one is a
    room of its own."""
    threads: Sequence[discord.Thread] = getattr(channel, "threads", ())
    own = [channel] if isinstance(channel, _ROOMS) else []
    return [*own, *(thread for thread in threads if not thread.is_private())]


def rooms_behind(client: discord.Client, lane: Lane, since: int) -> list[Readable]:
    """Those of a lane in which there is something newer, and which the bot can see."""
    address = lane.address
    if address.space == DIRECT:
        kind = discord.ChannelType.private
        return [client.get_partial_messageable(int(address.channel), type=kind)]
    channel = client.get_channel(int(address.channel))
    behind = [room for room in _rooms(channel) if (room.last_message_id or 0) > since]
    return [room for room in behind if room.permissions_for(room.guild.me).view_channel]


async def missed(rooms: Sequence[Readable], since: int) -> list[discord.Message]:
    """The messages after an id, of all rooms together, oldest first.

    They are read before the first is heard: if that is broken off, one can begin where it ended.
    Raises TROUBLE for what may be over soon; a room that Discord refuses is left out.
    """
    after = discord.Object(max(since, oldest_of_interest()))
    found: list[discord.Message] = []
    for room in rooms:
        try:
            history = room.history(limit=MOST, after=after, oldest_first=False)
            found += [message async for message in history]
        except discord.HTTPException as error:
            if error.status >= 500 or error.status == 429:
                raise
    return sorted(found, key=lambda message: message.id)
