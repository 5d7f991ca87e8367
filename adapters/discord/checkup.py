"""What `reverie doctor` asks Discord: who the bot is there, and what it may do.

Nothing that is told holds the token.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Final

import discord

from adapters.base import Finding
from adapters.commands import COMMANDS
from adapters.discord.client import TROUBLE, build_client
from adapters.discord.invite import invite_url, permissions
from adapters.discord.sentences import PORTAL

PATIENCE: Final = 15.0  # seconds for all that is asked about one thing
FEW_STARTS: Final = 50  # sessions that may still be begun today
MOST_SERVERS: Final = 200  # that are looked at: a page of Discord's
NAMED: Final = 5  # servers

BOT, INTENTS, GATEWAY = "discord", "discord intents", "discord gateway"
SERVERS, MENU = "discord servers", "discord commands"

NEW_TOKEN: Final = (
    f"Make a new one at {PORTAL} → your application → Bot → Reset Token, and copy it into"
    " DISCORD_TOKEN."
)
SWITCH_ON: Final = (
    f"Switch on Message Content Intent at {PORTAL} → your application → Bot → Privileged Gateway"
    " Intents."
)
NETWORK: Final = "Check this machine's network and firewall, and https://discordstatus.com."


async def checkup(
    token: str, *, api_base: str | None = None, sharded: bool = False, patience: float = PATIENCE
) -> list[Finding]:
    """Everything about Discord that can be seen from here. Takes 2 * `patience` seconds at most."""
    token = token.strip()
    if mistaken := _mistaken(token):
        return [Finding(name=BOT, ok=False, said=mistaken, remedy=NEW_TOKEN)]
    async with build_client(api_base=api_base) as client:
        [bot] = await _asked((BOT, _login(client, token)), patience=patience)
        if not bot.ok:
            return [bot]
        return [
            bot,
            _intents(client),
            *await _asked(
                (GATEWAY, _gateway(client, sharded)),
                (SERVERS, _servers(client)),
                (MENU, _commands(client)),
                patience=patience,
            ),
        ]


async def _asked(
    *looks: tuple[str, Coroutine[None, None, Finding]], patience: float
) -> list[Finding]:
    """All at the same time; what cannot be had is a finding too."""

    async def asked(name: str, look: Coroutine[None, None, Finding]) -> Finding:
        try:
            async with asyncio.timeout(patience):
                return await look
        except TimeoutError:
            said = f"Discord gave no good answer in {patience:g} seconds"
        except TROUBLE as error:
            said = f"Discord cannot be used now ({_told(error)})"
        return Finding(name=name, ok=False, said=said, remedy=NETWORK)

    return await asyncio.gather(*(asked(name, look) for name, look in looks))


def _told(error: BaseException) -> str:
    """A word: the libraries' own sentences may hold what was sent."""
    reason = error.__cause__ or error
    if isinstance(reason, discord.HTTPException):
        return f"HTTP {reason.status}"
    return type(reason).__name__


def _mistaken(token: str) -> str:
    """What is no bot's token, told without asking Discord; "" where it may be one."""
    if token.startswith("Bot "):
        return "DISCORD_TOKEN begins with the word Bot, which does not belong there"
    if token.isdigit():
        return "DISCORD_TOKEN holds an application id"
    if token.count(".") != 2:
        return (
            "DISCORD_TOKEN holds no bot's token, which has two dots in it: perhaps the client"
            " secret or the public key"
        )
    return ""


async def _login(client: discord.Client, token: str) -> Finding:
    try:
        await client.login(token)
    except discord.LoginFailure:
        said = "Discord does not accept DISCORD_TOKEN: it was reset, or it is not whole"
        return Finding(name=BOT, ok=False, said=said, remedy=NEW_TOKEN)
    said = f"the bot is {client.user}, of the application {client.application_id}"
    return Finding(name=BOT, ok=True, said=said)


def _intents(client: discord.Client) -> Finding:
    flags = client.application_flags
    if flags.gateway_message_content or flags.gateway_message_content_limited:
        return Finding(name=INTENTS, ok=True, said="message content is granted")
    said = "message content is not granted, and without it Discord does not let the bot connect"
    return Finding(name=INTENTS, ok=False, said=said, remedy=SWITCH_ON)


async def _gateway(client: discord.Client, sharded: bool) -> Finding:
    """How many sessions may still be begun, and whether one connection is enough."""
    shards, _, limit = await client.http.get_bot_gateway()
    left, total = limit["remaining"], limit["total"]
    said = f"{left:,} of {total:,} session starts are left"
    if left < FEW_STARTS:
        hours = limit["reset_after"] / 3_600_000
        remedy = f"There are more in {hours:.0f} hours. Find out what starts the bot so often."
        return Finding(name=GATEWAY, ok=None if left else False, said=said, remedy=remedy)
    if shards > 1 and not sharded:
        remedy = "Set REVERIE_DISCORD_SHARDED=true."
        said += f", and Discord wants {shards} shards"
        return Finding(name=GATEWAY, ok=None, said=said, remedy=remedy)
    return Finding(name=GATEWAY, ok=True, said=said)


async def _servers(client: discord.Client) -> Finding:
    """What the bot's roles give it in each server; a channel of its own settings may differ."""
    guilds = await client.http.get_guilds(MOST_SERVERS, with_counts=False)
    url = invite_url(str(client.application_id))
    if not guilds:
        remedy = f"Somebody with Manage Server opens {url}"
        return Finding(name=SERVERS, ok=None, said="the bot is in no server yet", remedy=remedy)
    lacking = [
        f"{guild['name']} ({', '.join(missing)})"
        for guild in guilds
        if (missing := _missing(discord.Permissions(int(guild["permissions"]))))
        and not guild["owner"]
    ]
    count = f"{len(guilds)}" if len(guilds) < MOST_SERVERS else f"the first {len(guilds)}"
    if not lacking:
        said = f"{count} looked at, all permissions are there; channels may have settings of theirs"
        return Finding(name=SERVERS, ok=True, said=said)
    more = f" and {len(lacking) - NAMED} more" if len(lacking) > NAMED else ""
    return Finding(
        name=SERVERS,
        ok=None,
        said=f"permissions are missing in {', '.join(lacking[:NAMED])}{more}",
        remedy=f"Somebody with Manage Server there opens {url} again, which asks for all of them.",
    )


def _missing(granted: discord.Permissions) -> Sequence[str]:
    """By the names that people read in Discord."""
    if granted.administrator:
        return ()
    known = {"read_messages": "View Channels"}
    return [
        known.get(name) or name.replace("_", " ").title().replace(" In ", " in ")
        for name, needed in permissions()
        if needed and not getattr(granted, name)
    ]


async def _commands(client: discord.Client) -> Finding:
    if client.application is not None and client.application.interactions_endpoint_url:
        return Finding(
            name=MENU,
            ok=False,
            said="the application has an Interactions Endpoint URL, so commands do not come here",
            remedy=f"Empty it at {PORTAL} → your application → General Information.",
        )
    assert client.application_id is not None, "it is known after login"
    found = {row["name"] for row in await client.http.get_global_commands(client.application_id)}
    missing = [f"/{name}" for name in COMMANDS if name not in found]
    if not missing:
        return Finding(name=MENU, ok=True, said=f"all {len(COMMANDS)} are registered")
    said = f"not registered: {', '.join(missing)}"
    remedy = "`reverie run` registers them when it connects."
    return Finding(name=MENU, ok=None, said=said, remedy=remedy)
