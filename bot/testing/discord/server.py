"""The fake Discord as a whole: one loopback port, its people, and its troubles."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Self, TypeVar

from aiohttp import web

from bot.testing.discord import gateway as wire
from bot.testing.discord import posts
from bot.testing.discord.faults import Fault, Faults, Scope, status_of
from bot.testing.discord.gateway import STARTS, Gateway
from bot.testing.discord.humans import Human
from bot.testing.discord.interactions import Interaction, Interactions
from bot.testing.discord.limits import Limit, Limiter
from bot.testing.discord.records import (
    ORDINARY,
    Channel,
    Guild,
    Intent,
    Json,
    Message,
    Overwrite,
    Permission,
    Role,
    User,
)
from bot.testing.discord.rest import API, KEYS, Request, Rest
from bot.testing.discord.world import World

T = TypeVar("T")
Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]
TOKEN = "fake.discord.token"
REVOKED = "revoked"


class FakeDiscord:
    """A Discord on loopback, for unmodified client libraries.

    `async with FakeDiscord().running() as discord:` and then point the library at
    `discord.api_url` and `discord.gateway_url`, with `discord.token`. There is one guild with one
    channel, `discord.general`.

    granted: privileged intents that the bot's owner switched on. permissions: of the bot, in every
    guild. limits: rate limits by route, such as {"POST /channels/{}/messages": Limit(...)}.
    a_second: requests of the bot, of all routes. ack_within, token_life: seconds that an
    interaction waits for its first response, and takes others. heartbeat: milliseconds.
    resume_within: seconds that a session waits for its client. patience: seconds that people wait.
    shards, starts: what /gateway/bot recommends, and how many IDENTIFYs are left.
    """

    def __init__(
        self,
        *,
        token: str = TOKEN,
        name: str = "Reverie",
        granted: Intent = Intent.MESSAGE_CONTENT | Intent.GUILD_MEMBERS,
        permissions: Permission = ORDINARY,
        limits: Mapping[str, Limit] | None = None,
        a_second: int = 50,
        ack_within: float = 3.0,
        token_life: float = 900.0,
        heartbeat: int = 41_250,
        resume_within: float = 180.0,
        patience: float = 10.0,
        shards: int = 1,
        starts: int = STARTS,
    ) -> None:
        self._world = World(token=token, name=name, granted=granted, shards=shards, starts=starts)
        self._faults = Faults()
        self._interactions = Interactions(self._world, ack_within=ack_within, token_life=token_life)
        self._gateway = Gateway(
            self._world, self._faults, heartbeat=heartbeat, resume_within=resume_within
        )
        limiter = Limiter(limits or {}, a_second)
        self._rest = Rest(self._world, self._interactions, self._faults, limiter)
        self._humans: dict[str, Human] = {}
        self._patience = patience
        self._permissions = permissions
        self._away = False
        self.owner = self._world.add_user("Owner")
        self.guild = self._world.add_guild("Home", self.owner, permissions)
        self.general = self.channel("general")
        self.api_url = ""
        self.gateway_url = ""

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[Self]:
        """Serves on 127.0.0.1; 0 takes any free port."""
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            host = f"127.0.0.1:{runner.addresses[0][1]}"
            self.api_url = f"http://{host}{API}"
            self.gateway_url = self._world.app.gateway_url = f"ws://{host}/gateway"
            self._world.app.files_url = f"http://{host}/attachments"
            yield self
        finally:
            await self.drop_sockets()
            await runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=32 << 20)
        app.router.add_get("/gateway", self._guarded(self._gateway.handle))
        app.router.add_get("/attachments/{channel}/{file}/{name}", self._guarded(self._rest.file))
        app.router.add_route("*", API + "/{path:.*}", self._guarded(self._rest.handle))
        return app

    def _guarded(self, handle: Handle) -> Handle:
        """While Discord is away, every connection breaks."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            if self._away and request.transport:
                request.transport.abort()
                return web.Response()
            return await handle(request)

        return guarded

    # ---- who and what there is

    @property
    def token(self) -> str:
        """Of the bot."""
        return self._world.app.token

    @property
    def bot(self) -> User:
        """The bot's user."""
        return self._world.bot

    def human(
        self, name: str, *, admin: bool = False, bot: bool = False, locale: str = "en-US"
    ) -> Human:
        """The person of that name, a member of every guild. bot: it is another bot.

        admin: with all permissions in each guild that there is. locale: of the person's client.
        """
        if name not in self._humans:
            user = self._world.add_user(name, bot=bot)
            user.locale = locale
            self._humans[name] = Human(
                self._world, self._interactions, user, patience=self._patience
            )
            for guild in self._world.guilds.values():
                admins = [self.role("Admins", guild, Permission.ADMINISTRATOR)] if admin else []
                self._world.join(guild, user, [role.id for role in admins])
        return self._humans[name]

    def role(self, name: str, guild: Guild, permissions: Permission = ORDINARY) -> Role:
        """The role of that name, made if it is not there."""
        for role in guild.roles.values():
            if role.name == name:
                return role
        made = Role(
            id=self._world.snowflake(),
            name=name,
            permissions=permissions,
            position=len(guild.roles),
        )
        guild.roles[made.id] = made
        return made

    def add_guild(self, name: str) -> Guild:
        """One more guild, with all people in it; the bot is told if it is connected."""
        people = [human.user for human in self._humans.values()]
        return self._world.add_guild(name, self.owner, self._permissions, people)

    def leave(self, guild: Guild) -> None:
        """The bot is thrown out of a guild."""
        self._world.leave(guild)

    def channel(
        self, name: str, *, guild: Guild | None = None, only: Iterable[Human] | None = None
    ) -> Channel:
        """The text channel of that name, made if it is not there. only: who else sees it."""
        home = guild or self.guild
        for channel in self._world.channels.values():
            if channel.guild is home and channel.name == name and not channel.is_thread:
                return channel
        users = None if only is None else [human.user for human in only]
        return self._world.add_channel(home, name, users)

    def between(self, one: Human, other: Human) -> Channel:
        """The direct conversation of two people, of which the bot sees nothing."""
        return self._world.direct(one.user, other.user)

    def delete_channel(self, channel: Channel) -> None:
        """Deletes it, and its threads."""
        self._world.remove_channel(channel)

    def allow(self, channel: Channel, permission: Permission, who: Human | None = None) -> None:
        """Gives a permission in a channel. who: the bot unless told."""
        overwrite = self._overwrite(channel, who)
        overwrite.allow |= permission
        overwrite.deny &= ~permission
        self._world.tell_channel("CHANNEL_UPDATE", channel)

    def deny(self, channel: Channel, permission: Permission, who: Human | None = None) -> None:
        """Takes a permission in a channel. who: the bot unless told."""
        overwrite = self._overwrite(channel, who)
        overwrite.deny |= permission
        overwrite.allow &= ~permission
        self._world.tell_channel("CHANNEL_UPDATE", channel)

    def _overwrite(self, channel: Channel, who: Human | None) -> Overwrite:
        user = who.user if who else self.bot
        return channel.overwrites.setdefault(user.id, Overwrite(of_user=True))

    def unfurl(self, message: Message, embed: Json) -> None:
        """The preview of a link appears: an update that is no edit."""
        posts.unfurl(self._world, message, embed)

    def later(self, seconds: float) -> None:
        """Moves Discord's clock: tokens and sessions expire, limits are over."""
        self._world.later(seconds)

    # ---- what goes wrong

    def fail(
        self,
        route: str,
        *,
        status: int = 0,
        code: int = 0,
        retry_after: float = 0.0,
        scope: Scope = "user",
        times: int = 1,
    ) -> None:
        """Lets the next requests of a route be refused, such as "POST /channels/{}/messages".

        status: HTTP's; may be left out for a known `code`. retry_after: seconds of a 429.
        route "IDENTIFY": the gateway closes with `status`. "*": any request.
        Raises ValueError for a route or a code that is not known.
        """
        fault = Fault(
            route=route,
            times=times,
            status=status or status_of(code),
            code=code,
            retry_after=retry_after,
            scope=scope,
        )
        self._add(fault)

    def cut(self, route: str, *, handled: bool = False, times: int = 1) -> None:
        """The connection breaks. handled: after the request took effect, so its answer is lost."""
        self._add(Fault(route=route, times=times, cut="after" if handled else "before"))

    def slow(self, route: str, seconds: float, *, times: int = 1) -> None:
        """The next answers take so long."""
        self._add(Fault(route=route, times=times, delay=seconds))

    def _add(self, fault: Fault) -> None:
        if fault.route not in (*KEYS, "*", "IDENTIFY"):
            raise ValueError(f"there is no route {fault.route!r}; see ROUTES in routes.py")
        self._faults.add(fault)

    def mend(self) -> None:
        """No more faults."""
        self._faults.clear()

    async def drop_sockets(self) -> None:
        """As when a cable is pulled. Sessions can be resumed."""
        cut = list(self._gateway.connections)
        for connection in cut:
            connection.abort()
        await self.until(lambda: self._gateway.connections.isdisjoint(cut))

    def freeze_sockets(self) -> None:
        """The connections become zombies: they stay open, and nothing comes, not even an ack."""
        for connection in self._gateway.connections:
            connection.frozen = True

    def close_sockets(self, code: int) -> None:
        """Closes every socket with a code."""
        for connection in self._gateway.connections:
            connection.close(code)

    def ask_reconnect(self) -> None:
        """Op 7: connect again, and resume."""
        self._gateway.ask(wire.RECONNECT)

    def ask_heartbeat(self) -> None:
        """Op 1: a heartbeat at once."""
        self._gateway.ask(wire.HEARTBEAT)

    def invalidate(self, *, resumable: bool = False) -> None:
        """Op 9: the session is over, or (resumable) is to be resumed."""
        if not resumable:
            self._gateway.forget()
        self._gateway.ask(wire.INVALID_SESSION, resumable)

    async def restart(self) -> None:
        """Sockets drop and sessions are forgotten. What happened meanwhile is only in history."""
        self._gateway.forget()
        await self.drop_sockets()

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Discord cannot be reached. People go on."""
        self._away = True
        await self.drop_sockets()
        try:
            yield
        finally:
            self._away = False

    def revoke_token(self) -> None:
        """The token is no good any more: 401, and sockets close with 4004."""
        self._world.app.token = REVOKED
        self.close_sockets(wire.BAD_TOKEN)

    def divert(self, url: str) -> None:
        """The owner sets an Interactions Endpoint URL. Nothing is sent there; it is only told."""
        self._world.app.endpoint = url

    def withdraw(self, intent: Intent) -> None:
        """The owner switches a privileged intent off."""
        self._world.app.granted &= ~intent

    # ---- what can be asserted

    @property
    def requests(self) -> list[Request]:
        """Every REST request, oldest first."""
        return self._rest.requests

    def requested(self, route: str) -> list[Request]:
        """Those of a route, such as "POST /channels/{}/typing"."""
        return [request for request in self.requests if request.route == route]

    @property
    def interactions(self) -> list[Interaction]:
        """Every interaction, with the seconds until it was acknowledged."""
        return self._interactions.all

    def messages(self, channel: Channel | None = None) -> list[Message]:
        """What stands in a channel or everywhere, oldest first: as Discord has it now."""
        found = self._world.all_messages() if channel is None else channel.messages.values()
        return sorted(found, key=lambda message: int(message.id))

    @property
    def commands(self) -> list[Json]:
        """The global commands that the bot registered."""
        return self._world.app.commands.get("", [])

    @property
    def connected(self) -> int:
        """Sockets with a session."""
        return sum(c.session is not None for c in self._gateway.connections)

    @property
    def started(self) -> int:
        """How many sessions were begun, by IDENTIFY."""
        return self._gateway.started

    @property
    def resumed(self) -> int:
        """How many times one was resumed."""
        return self._gateway.resumed

    @property
    def heard(self) -> list[int]:
        """The ops that came over the gateway, oldest first."""
        return self._gateway.heard

    async def until(self, look: Callable[[], T], within: float | None = None) -> T:
        """Waits until something is true, and returns it. Raises TimeoutError.

        within: seconds; `patience` unless told.
        """
        return await self._world.changes.until(look, within or self._patience)
