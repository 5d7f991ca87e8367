"""A request that was let in, and what its path names."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.testing.discord.errors import ApiError, Code
from bot.testing.discord.interactions import Interactions
from bot.testing.discord.payloads import message_json
from bot.testing.discord.posts import File
from bot.testing.discord.records import Channel, Guild, Intent, Json, Message, Permission, User
from bot.testing.discord.world import World

Reply = Json | list[Json] | None  # None is 204
ME = "@me"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that is allowed in. params: of its path. data: its JSON."""

    world: World
    interactions: Interactions
    params: Mapping[str, str]
    query: Mapping[str, str]
    data: object
    files: Sequence[File]

    @property
    def body(self) -> Json:
        """Raises ApiError if the JSON is no object."""
        if isinstance(self.data, dict):
            return self.data
        raise ApiError(Code.BAD_JSON)

    @property
    def rows(self) -> list[Json]:
        """Raises ApiError if the JSON is no list."""
        if isinstance(self.data, list):
            return self.data
        raise ApiError(Code.BAD_JSON)

    @property
    def limit(self) -> int:
        return int(self.query.get("limit", "50"))

    @property
    def guild(self) -> Guild:
        """Raises ApiError: 10004, or 50001 if the bot is not in it."""
        guild = self.world.guilds.get(self.params["guild"])
        if guild is None:
            raise ApiError(Code.UNKNOWN_GUILD)
        if self.world.bot.id not in guild.members:
            raise ApiError(Code.MISSING_ACCESS)
        return guild

    @property
    def channel(self) -> Channel:
        """Raises ApiError: 10003, or 50001 if the bot does not see it."""
        channel = self.world.channels.get(self.params["channel"])
        if channel is None:
            raise ApiError(Code.UNKNOWN_CHANNEL)
        if not self.world.bot_sees(channel):
            raise ApiError(Code.MISSING_ACCESS)
        return channel

    @property
    def message(self) -> Message:
        """Raises ApiError: 10008, also for what only one person sees."""
        message = self.channel.messages.get(self.params["message"])
        if message is None or message.only_for:
            raise ApiError(Code.UNKNOWN_MESSAGE)
        return message

    @property
    def user(self) -> User:
        """Raises ApiError: 10013."""
        id_ = self.params.get("user", ME)
        user = self.world.bot if id_ == ME else self.world.users.get(id_)
        if user is None:
            raise ApiError(Code.UNKNOWN_USER)
        return user

    def shown(self, message: Message) -> Json:
        """A message as REST gives it: the message content intent counts here as well."""
        granted = Intent.MESSAGE_CONTENT in self.world.app.granted
        return message_json(message, self.world.bot, content=granted)

    def demand(self, permission: Permission) -> None:
        self.world.demand(self.world.bot, self.channel, permission)


Handler = Callable[[Call], Reply]
