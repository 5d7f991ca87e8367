"""Makes the client of discord.py, so that it asks for little and pings nobody."""

from typing import Final
from urllib.parse import urlsplit

import aiohttp
import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from adapters.discord import sentences

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
LONGEST_LIMIT: Final = 60.0  # seconds that a request waits for a rate limit before it fails

# What a request to Discord can fail with (a timeout is an OSError).
TROUBLE: Final = (discord.DiscordException, aiohttp.ClientError, OSError)


def build_client(
    *, sharded: bool = False, api_base: str | None = None, gateway_url: str | None = None
) -> discord.Client:
    """A client without handlers, not yet connected.

    api_base, gateway_url: of a simulator on loopback, such as "http://127.0.0.1:8080/api/v10" and
    "ws://127.0.0.1:8080/gateway"; discord.py keeps them for the whole process. Raises ValueError
    for any other host.
    """
    point_at(api_base, gateway_url)
    intents = discord.Intents.none()
    intents.guilds = intents.guild_messages = intents.dm_messages = intents.message_content = True
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody calls it
    kind = discord.AutoShardedClient if sharded else discord.Client
    return kind(
        intents=intents,
        allowed_mentions=discord.AllowedMentions.none(),
        member_cache_flags=discord.MemberCacheFlags.none(),
        chunk_guilds_at_startup=False,
        max_messages=None,
        max_ratelimit_timeout=LONGEST_LIMIT,
    )


def point_at(api_base: str | None, gateway_url: str | None) -> None:
    """Send discord.py's requests to a simulator. Raises ValueError unless it is on loopback."""
    check_loopback(api_base, gateway_url)
    if api_base:
        Route.BASE = api_base.rstrip("/")
    if gateway_url:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)


def check_loopback(api_base: str | None, gateway_url: str | None) -> None:
    """Raises ValueError, with a sentence, for an address that is not on this machine."""
    for name, url in (("api_base", api_base), ("gateway_url", gateway_url)):
        if url and urlsplit(url).hostname not in LOOPBACK:
            raise ValueError(sentences.only_loopback(name, url))
