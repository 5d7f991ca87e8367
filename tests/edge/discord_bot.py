"""A small bot on the unmodified discord.py, pointed at the fake Discord by two class attributes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import discord
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.testing.discord import FakeDiscord

NOBODY = discord.AllowedMentions.none()


def intents(*, content: bool = True, members: bool = False) -> discord.Intents:
    found = discord.Intents.default()
    found.message_content = content
    found.members = members
    return found


class Remembering:
    """What a client of discord.py was told, in order: (name of the event, what it was about)."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.ready = asyncio.Event()

    def texts(self, name: str) -> list[str]:
        return [text for kind, text in self.told if kind == name]


class Bot(discord.Client):
    """Answers "echo …" to each message that is not its own, and keeps what it was told of."""

    def __init__(self, wanted: discord.Intents | None = None, **options: object) -> None:
        super().__init__(
            intents=wanted or intents(),
            guild_ready_timeout=0.05,
            allowed_mentions=NOBODY,
            **options,  # type: ignore[arg-type]
        )
        self.log = Remembering()
        self.heard: list[discord.Message] = []
        self.tree = app_commands.CommandTree(self)
        self.echoes = True
        self.running: asyncio.Task[None] | None = None

    async def ended(self) -> None:
        """Waits for the end of the connection, and raises what ended it."""
        assert self.running is not None
        await asyncio.wait_for(self.running, 5)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """The library sleeps for five seconds here before it identifies again."""

    async def setup_hook(self) -> None:
        if self.tree.get_commands():
            await self.tree.sync()

    async def on_ready(self) -> None:
        self.log.ready.set()

    async def on_resumed(self) -> None:
        self.log.told.append(("resumed", ""))

    async def on_message(self, message: discord.Message) -> None:
        if message.author == self.user:
            return
        self.heard.append(message)
        self.log.told.append(("message", message.content))
        if self.echoes:
            await message.channel.send(f"echo {message.content}", nonce=message.id)

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        if payload.message.author != self.user:
            self.log.told.append(("edit", payload.message.content))

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        self.log.told.append(("delete", str(payload.message_id)))

    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        self.log.told.append(("bulk", " ".join(map(str, sorted(payload.message_ids)))))

    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        if payload.user_id != self.application_id:
            self.log.told.append(("react", str(payload.emoji)))

    async def on_raw_reaction_remove(self, payload: discord.RawReactionActionEvent) -> None:
        self.log.told.append(("unreact", str(payload.emoji)))

    async def on_typing(
        self, channel: discord.abc.Messageable, user: discord.abc.User, when: object
    ) -> None:
        self.log.told.append(("typing", user.display_name))

    async def on_thread_create(self, thread: discord.Thread) -> None:
        self.log.told.append(("thread", thread.name))

    async def on_thread_join(self, thread: discord.Thread) -> None:
        self.log.told.append(("join", thread.name))

    async def on_thread_update(self, before: discord.Thread, after: discord.Thread) -> None:
        self.log.told.append(("archived" if after.archived else "open", after.name))

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        self.log.told.append(("gone", channel.name))

    async def on_guild_join(self, guild: discord.Guild) -> None:
        self.log.told.append(("guild", guild.name))

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        self.log.told.append(("thrown out", guild.name))

    async def on_member_join(self, member: discord.Member) -> None:
        self.log.told.append(("member", member.display_name))


@contextmanager
def pointed(sim: FakeDiscord) -> Iterator[None]:
    """discord.py speaks to the fake Discord, and to nothing else."""
    before = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = sim.api_url, yarl.URL(sim.gateway_url)
    try:
        yield
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = before


@asynccontextmanager
async def online(sim: FakeDiscord, bot: Bot) -> AsyncIterator[Bot]:
    """The bot, from its being ready on. Raises what ends it before."""
    with pointed(sim):
        running = bot.running = asyncio.create_task(bot.start(sim.token))
        ready = asyncio.create_task(bot.log.ready.wait())
        try:
            await asyncio.wait({running, ready}, timeout=10, return_when="FIRST_COMPLETED")
            if running.done():
                await running
            assert bot.log.ready.is_set()
            yield bot
        finally:
            ready.cancel()
            await bot.close()
            await asyncio.wait({running}, timeout=5)
