"""A message of discord.py as an Event: plain words, and the facts of where they were said."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

import discord

from adapters.base import Address, Attachment, Event, RoomKind

PLATFORM: Final = "discord"
DIRECT: Final = "dm"  # the space of direct conversations
REALM: Final = DIRECT  # somebody's id is the same everywhere on Discord
SPOKEN: Final = (discord.MessageType.default, discord.MessageType.reply)

Name = Callable[[int], str | None]  # of an id; None where it is not known

_OPENS = re.compile(r"\s*<@([!&]?)(\d+)>")
_TOKEN = re.compile(
    r"<@!?(?P<user>\d+)>|<@&(?P<role>\d+)>|<#(?P<channel>\d+)>"
    r"|<a?:(?P<emoji>\w+):\d+>|<t:(?P<time>-?\d{1,12})(?::\w)?>"
    r"|</(?P<command>[^:<>\n]+):\d+>|<(?P<link>https?://[^\s<>]+)>"
)


def to_event(
    message: discord.Message, me: discord.abc.Snowflake, *, auto_thread: bool = False
) -> Event | None:
    """None for what is not a message of a person: the bot's own, other bots', the platform's.

    me: the bot. auto_thread: what calls the bot in a channel is answered in a thread that hangs on
    it, and has its id.
    """
    address = address_of(message.channel)
    author = message.author
    if address is None or author.bot or message.webhook_id or message.type not in SPOKEN:
        return None
    kind, room = room_of(message.channel)
    own = own_ids(message, me)
    asked = answered(message)
    mentioned = kind != "dm" and (_called(message, own) or asked in own)
    if auto_thread and mentioned and isinstance(message.channel, discord.TextChannel):
        address = in_thread(address, message.id)
    return Event(
        id=str(message.id),
        address=address,
        user=str(author.id),
        name=author.display_name,
        text=text_of(message, me),
        at=message.created_at,
        room_kind=kind,
        room_name=room,
        mentioned=mentioned,
        elsewhere=_opens_elsewhere(message.content, own)
        or (asked is not None and asked not in own | {author.id}),
        realm=REALM,
        files=tuple(_attachment(file) for file in message.attachments),
    )


def _attachment(file: discord.Attachment) -> Attachment:
    return Attachment(
        name=file.filename, kind=file.content_type or "", size=file.size, ref=file.url
    )


# ---- where


def address_of(channel: object) -> Address | None:
    """Where answers go; None for what cannot be placed, such as a thread that is not known.

    A private thread is a room of its own: not all who read its channel can read it.
    """
    if isinstance(channel, discord.Thread) and not channel.is_private():
        parent, thread = str(channel.parent_id), str(channel.id)
        return Address(
            platform=PLATFORM, space=str(channel.guild.id), channel=parent, thread=thread
        )
    if isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        space = str(channel.guild.id)
        return Address(platform=PLATFORM, space=space, channel=str(channel.id))
    if isinstance(channel, discord.PartialMessageable | discord.DMChannel | discord.GroupChannel):
        known = channel.type in (discord.ChannelType.private, discord.ChannelType.group)
        return direct(channel.id) if known else None
    return None


def direct(channel_id: int | str) -> Address:
    return Address(platform=PLATFORM, space=DIRECT, channel=str(channel_id))


def in_thread(address: Address, thread: int) -> Address:
    return Address(
        platform=PLATFORM, space=address.space, channel=address.channel, thread=str(thread)
    )


def room_of(channel: object) -> tuple[RoomKind, str]:
    """Who can read along, and the room's name; a thread that is not private is a part of its
    channel."""
    if isinstance(channel, discord.Thread):
        hidden = channel.is_private() or channel.parent is None
        return ("private", channel.name) if hidden else room_of(channel.parent)
    if isinstance(channel, discord.abc.GuildChannel):
        everybody = channel.permissions_for(channel.guild.default_role)
        return ("public" if everybody.view_channel else "private"), channel.name
    return "dm", ""


def link_to(address: Address, event: str) -> str:
    """Where a message can be read. The one that a thread hangs on stands in the channel."""
    if not event.isdigit():
        return ""
    guild = "@me" if address.space == DIRECT else address.space
    channel = address.channel if address.thread in (None, event) else address.thread
    return f"https://discord.com/channels/{guild}/{channel}/{event}"


# ---- who is spoken to


def governs(message: discord.Message) -> bool:
    """Whether who wrote it may change the rules of the whole server."""
    author = message.author
    return isinstance(author, discord.Member) and author.guild_permissions.manage_guild


def is_admin(message: discord.Message) -> bool:
    """Whether who wrote it may change how the bot behaves there."""
    author, channel = message.author, message.channel
    if not isinstance(author, discord.Member):
        return False
    if isinstance(channel, discord.Thread) and channel.parent is None:
        return False
    return may_manage(channel.permissions_for(author))


def may_manage(allowed: discord.Permissions) -> bool:
    return allowed.manage_channels or allowed.manage_guild


def own_ids(message: discord.Message, me: discord.abc.Snowflake) -> frozenset[int]:
    """What stands for the bot in a text: itself, and its role, which people often pick instead."""
    role = message.guild.self_role if message.guild else None
    return frozenset({me.id, role.id} if role else {me.id})


def answered(message: discord.Message) -> int | None:
    """Whose message this one replies to."""
    if message.type is not discord.MessageType.reply or message.reference is None:
        return None
    question = message.reference.resolved
    return question.author.id if isinstance(question, discord.Message) else None


def _called(message: discord.Message, own: frozenset[int]) -> bool:
    called = {one.id for one in (*message.mentions, *message.role_mentions)}
    return not called.isdisjoint(own)


def _opens_elsewhere(content: str, own: frozenset[int]) -> bool:
    opening = _OPENS.match(content)
    return opening is not None and int(opening[2]) not in own


# ---- words


def _names(message: discord.Message) -> Mapping[str, Name]:
    users = {user.id: user.display_name for user in message.mentions}
    guild = message.guild

    def role(id_: int) -> str | None:
        found = guild.get_role(id_) if guild else None
        return found.name if found else None

    def channel(id_: int) -> str | None:
        found = guild.get_channel_or_thread(id_) if guild else None
        return found.name if found else None

    return {"user": users.get, "role": role, "channel": channel}


def text_of(message: discord.Message, me: discord.abc.Snowflake) -> str:
    """What a message says, as people see it, without the mention of the bot itself."""
    return plain(message.content, own_ids(message, me), _names(message))


def plain(content: str, own: frozenset[int], names: Mapping[str, Name]) -> str:
    """A text as people see it, without the mention of the bot itself.

    names: for "user", "role" and "channel". What has no name stays as it is.
    """
    ids = "|".join(map(str, sorted(own)))
    mine = rf"<@[!&]?(?:{ids})>"
    text = re.sub(rf"\A\s*(?:{mine}[\s,:，：]*)+", "", content)
    text = re.sub(rf"[ \t]*{mine}", "", text)
    return _TOKEN.sub(lambda token: _shown(token, names), text).strip()


def _shown(token: re.Match[str], names: Mapping[str, Name]) -> str:
    kind, value = str(token.lastgroup), token[str(token.lastgroup)]
    if kind in names:
        name = names[kind](int(value))
        return token[0] if name is None else f"{'#' if kind == 'channel' else '@'}{name}"
    if kind == "time":
        return _moment(int(value)) or token[0]
    return {"emoji": f":{value}:", "command": f"/{value}", "link": value}[kind]


def _moment(seconds: int) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        return ""
