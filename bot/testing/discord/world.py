"""The state of the fake Discord: who and what there is, and who may do what where."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.testing.discord.changes import Changes
from bot.testing.discord.errors import ApiError, Code
from bot.testing.discord.payloads import (
    channel_json,
    full_member_json,
    guild_create_json,
    message_json,
    placed,
)
from bot.testing.discord.records import (
    EVERYTHING,
    NOTHING,
    ORDINARY,
    Attachment,
    Channel,
    Guild,
    Intent,
    Json,
    Kind,
    Member,
    Message,
    Overwrite,
    Permission,
    Role,
    User,
)

EPOCH = 1_420_070_400_000  # of snowflakes: 2015, in milliseconds
FOUNDED = 1_700_000_000_000  # of the first guild; each next one is a millisecond younger


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A gateway event. hidden: what sessions without the message content intent get instead.

    guild: decides the shard; without one it is shard 0.
    """

    name: str
    data: Json
    intent: Intent
    guild: Guild | None = None
    hidden: Json | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class App:
    """The bot's application. granted: privileged intents that its owner has switched on.

    commands: as registered; under "" the global ones, else by guild id. starts_left: IDENTIFYs.
    endpoint: where interactions go by HTTP, instead of the gateway.
    """

    user: User
    token: str
    granted: Intent
    shards: int
    starts_left: int
    gateway_url: str = ""
    files_url: str = ""
    endpoint: str | None = None
    commands: dict[str, list[Json]] = field(default_factory=dict)
    nonces: dict[str, tuple[float, Message]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Of the application, which is also its user's."""
        return self.user.id


class World:
    """Everything that exists. `emit` hands an event to the gateway."""

    def __init__(self, *, token: str, name: str, granted: Intent, shards: int, starts: int) -> None:
        self.changes = Changes()
        self.users: dict[str, User] = {}
        self.guilds: dict[str, Guild] = {}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, Attachment] = {}
        self.listener: Callable[[Event], None] = lambda event: None
        self._ahead = 0.0
        self._last_id = 0
        bot = self.add_user(name, bot=True)
        self.app = App(user=bot, token=token, granted=granted, shards=shards, starts_left=starts)

    @property
    def bot(self) -> User:
        return self.app.user

    def emit(self, event: Event) -> None:
        self.listener(event)
        self.changes.happened()

    # ---- time and names

    def now(self) -> float:
        """Seconds since 1970, and what `later` added."""
        return time.time() + self._ahead

    def later(self, seconds: float) -> None:
        self._ahead += seconds

    def stamp(self) -> str:
        return datetime.fromtimestamp(self.now(), UTC).isoformat()

    def snowflake(self) -> str:
        """Each is greater than the one before."""
        self._last_id = max((int(self.now() * 1000) - EPOCH) << 22, self._last_id + 1)
        return str(self._last_id)

    # ---- what there is

    def add_user(self, name: str, *, bot: bool = False) -> User:
        user = User(id=self.snowflake(), name=name, bot=bot)
        self.users[user.id] = user
        return user

    def add_guild(
        self, name: str, owner: User, permissions: Permission, people: Iterable[User] = ()
    ) -> Guild:
        """The bot is in it, with a role of its own that gives it `permissions`."""
        id_ = str((FOUNDED - EPOCH + len(self.guilds)) << 22)
        guild = Guild(id=id_, name=name, owner=owner, joined=self.stamp())
        everyone = Role(id=id_, name="@everyone", permissions=ORDINARY, position=0)
        mine = Role(id=self.snowflake(), name=self.bot.name, permissions=permissions, position=1)
        mine.managed = True
        guild.roles = {id_: everyone, mine.id: mine}
        self.guilds[id_] = guild
        for user in (owner, *people):
            self.join(guild, user)
        self.join(guild, self.bot, {mine.id})
        data = self.guild_create(guild, new=True)
        self.emit(Event(name="GUILD_CREATE", data=data, intent=Intent.GUILDS, guild=guild))
        return guild

    def guild_create(self, guild: Guild, *, new: bool = False) -> Json:
        """GUILD_CREATE. new: the bot was not in it; else it was, and is available again."""
        rooms = [c for c in self.channels.values() if not c.is_thread or self.bot_sees(c)]
        data = guild_create_json(guild, rooms, self.bot)
        return data if new else {**data, "unavailable": False}

    def join(self, guild: Guild, user: User, roles: Iterable[str] = ()) -> Member:
        """Makes a user a member."""
        member = Member(user=user, joined=self.stamp(), roles=set(roles))
        guild.members[user.id] = member
        data = {**full_member_json(member), "guild_id": guild.id}
        if self.bot.id in guild.members and user is not self.bot:
            self.emit(
                Event(name="GUILD_MEMBER_ADD", data=data, intent=Intent.GUILD_MEMBERS, guild=guild)
            )
        return member

    def leave(self, guild: Guild) -> None:
        """The bot is thrown out of a guild."""
        self.emit(
            Event(name="GUILD_DELETE", data={"id": guild.id}, intent=Intent.GUILDS, guild=guild)
        )
        del guild.members[self.bot.id]

    def add_channel(self, guild: Guild, name: str, only: Iterable[User] | None = None) -> Channel:
        """only: who can see it, besides the bot; without it everybody."""
        channel = Channel(id=self.snowflake(), kind=Kind.TEXT, name=name, guild=guild)
        if only is not None:
            channel.overwrites[guild.id] = Overwrite(of_user=False, deny=Permission.VIEW_CHANNEL)
            for user in (*only, self.bot):
                allowed = Overwrite(of_user=True, allow=Permission.VIEW_CHANNEL)
                channel.overwrites[user.id] = allowed
        self.channels[channel.id] = channel
        self.tell_channel("CHANNEL_CREATE", channel)
        return channel

    def tell_channel(self, name: str, channel: Channel, *, new: bool = False) -> None:
        """CHANNEL_CREATE, _UPDATE or _DELETE, or the same of a thread. new: it was just made."""
        data = channel_json(channel, joined=self.bot)
        if new:
            data["newly_created"] = True
        if channel.guild and (channel.kind is not Kind.PRIVATE_THREAD or self.bot_sees(channel)):
            self.emit(Event(name=name, data=data, intent=Intent.GUILDS, guild=channel.guild))

    def remove_channel(self, channel: Channel) -> None:
        """Deletes it, with its threads."""
        for thread in [c for c in self.channels.values() if c.parent is channel]:
            self.remove_channel(thread)
        self.tell_channel("THREAD_DELETE" if channel.is_thread else "CHANNEL_DELETE", channel)
        channel.gone = True
        del self.channels[channel.id]

    def direct(self, one: User, other: User) -> Channel:
        """The conversation of two, made when it is first needed."""
        both = {one.id, other.id}
        for channel in self.channels.values():
            if channel.kind is Kind.DM and set(channel.people) == both:
                return channel
        people = {one.id: one, other.id: other}
        channel = Channel(id=self.snowflake(), kind=Kind.DM, people=people)
        self.channels[channel.id] = channel
        return channel

    def all_messages(self) -> Iterator[Message]:
        """Oldest first, within each channel."""
        for channel in self.channels.values():
            yield from channel.messages.values()

    # ---- who may

    def permissions(self, user: User, channel: Channel) -> Permission:
        """As Discord computes them: role by role, then the channel's overwrites."""
        guild = channel.guild
        if guild is None:
            return EVERYTHING if user.id in channel.people else NOTHING
        member = guild.members.get(user.id)
        if member is None:
            return NOTHING
        found = self.guild_permissions(member, guild)
        if found is EVERYTHING:
            return found
        overwrites = (channel.parent or channel).overwrites
        theirs = [overwrites[role] for role in member.roles if role in overwrites]
        for group in ([overwrites.get(guild.id)], theirs, [overwrites.get(user.id)]):
            for overwrite in filter(None, group):
                found &= ~overwrite.deny
            for overwrite in filter(None, group):
                found |= overwrite.allow
        return found

    def guild_permissions(self, member: Member, guild: Guild) -> Permission:
        if guild.owner is member.user:
            return EVERYTHING
        found = self.role_permissions(member, guild)
        return EVERYTHING if Permission.ADMINISTRATOR in found else found

    def role_permissions(self, member: Member, guild: Guild) -> Permission:
        """What the roles of a member say, without what an administrator may besides."""
        found = guild.roles[guild.id].permissions
        for role in member.roles:
            found |= guild.roles[role].permissions
        return found

    def sees(self, user: User, channel: Channel) -> bool:
        """Whether a user can read what is written there."""
        allowed = self.permissions(user, channel)
        if channel.kind is Kind.PRIVATE_THREAD and user.id not in channel.people:
            return Permission.MANAGE_THREADS in allowed
        return Permission.VIEW_CHANNEL in allowed

    def bot_sees(self, channel: Channel) -> bool:
        return self.sees(self.bot, channel)

    def demand(self, user: User, channel: Channel, permission: Permission) -> None:
        """Raises ApiError: 50001 for a channel out of sight, 50013 for what is not permitted."""
        if not self.sees(user, channel):
            raise ApiError(Code.MISSING_ACCESS)
        if permission not in self.permissions(user, channel):
            raise ApiError(Code.MISSING_PERMISSIONS)

    # ---- telling of messages

    def tell_message(self, name: str, message: Message) -> None:
        """MESSAGE_CREATE or MESSAGE_UPDATE, to those who may see it.

        An ephemeral message comes as if it were direct, without a guild (discord-api-docs #4557).
        """
        channel = message.channel
        if not self.bot_sees(channel):
            return
        full, blank = (
            message_json(message, self.bot, content=content) for content in (True, False)
        )
        if message.only_for:
            direct = Intent.DIRECT_MESSAGES
            self.emit(Event(name=name, data=full, intent=direct, hidden=blank))
            return
        self.emit(
            Event(
                name=name,
                data=placed(full, channel, message.author),
                hidden=placed(blank, channel, message.author),
                intent=Intent.GUILD_MESSAGES if channel.guild else Intent.DIRECT_MESSAGES,
                guild=channel.guild,
            )
        )

    def tell_place(
        self, name: str, channel: Channel, data: Json, intents: tuple[Intent, Intent]
    ) -> None:
        """An event that is only ids. intents: the one for a guild, the one for a DM."""
        if self.bot_sees(channel):
            where = {"channel_id": channel.id}
            if channel.guild:
                where["guild_id"] = channel.guild.id
            intent = intents[0] if channel.guild else intents[1]
            self.emit(Event(name=name, data=where | data, intent=intent, guild=channel.guild))
