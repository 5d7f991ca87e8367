"""Commands about memory: /memory and /help, and !memory as a message; for one person's eyes."""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import discord
from discord import app_commands

from adapters.base import Event, Hearing, Invocation, Shown
from adapters.discord import sentences
from adapters.discord.client import TROUBLE
from adapters.discord.receive import address_of, direct, room_of
from adapters.discord.send import nonce, shown_files, shown_parts

log = logging.getLogger(__name__)

_TYPED = re.compile(r"\s*[!！](?P<name>memory|记忆|help|帮助)(?=\s|\Z)", re.IGNORECASE)
_SHARED: Final = frozenset({"help", "帮助"})  # words that many bots listen to

Run = Callable[[discord.Interaction, str], Awaitable[None]]


# ---- as slash commands


def add_commands(client: discord.Client, hearing: Hearing) -> app_commands.CommandTree:
    """/memory and /help: for servers and for people who installed the bot for themselves."""
    tree = app_commands.CommandTree(
        client,
        allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
        allowed_contexts=app_commands.AppCommandContext(
            guild=True, dm_channel=True, private_channel=True
        ),
    )

    @app_commands.describe(what=sentences.WHAT)
    async def memory(interaction: discord.Interaction, what: str = "show") -> None:
        await obey(interaction, f"/memory {what}", hearing)

    async def help_(interaction: discord.Interaction) -> None:
        chinese = interaction.locale in (discord.Locale.chinese, discord.Locale.taiwan_chinese)
        await obey(interaction, "/help zh" if chinese else "/help", hearing)

    tree.add_command(
        app_commands.Command(name="memory", description=sentences.MEMORY, callback=memory)
    )
    tree.add_command(app_commands.Command(name="help", description=sentences.HELP, callback=help_))
    return tree


async def register(tree: app_commands.CommandTree) -> None:
    """Tell Discord of the commands, if it does not know them as they are. Raises TROUBLE.

    As they are on the wire: discord.py 2.7 reads contexts [0, 1, 2] as [0, 1] (`fetch_commands`).
    """
    assert tree.client.application_id is not None, "commands are registered after login"
    found = await tree.client.http.get_global_commands(tree.client.application_id)
    known = [_shape(command) for command in found]
    ours = [_shape(command.to_dict(tree)) for command in tree.get_commands()]
    if sorted(known, key=repr) != sorted(ours, key=repr):
        await tree.sync()


def _shape(command: Mapping[str, object]) -> tuple[object, ...]:
    """What makes a difference to people."""
    places = (_listed(command, key) for key in ("integration_types", "contexts"))
    options = (
        (option["name"], option["type"], option["description"], bool(option.get("required")))
        for option in _listed(command, "options")
    )
    return (command["name"], command["description"], *map(sorted, places), *options)


def _listed(command: Mapping[str, object], key: str) -> list[Any]:
    found = command.get(key)
    return found if isinstance(found, list) else []


async def obey(interaction: discord.Interaction, line: str, hearing: Hearing) -> None:
    """Acknowledge at once, since Discord waits for three seconds only; then answer."""
    try:
        await interaction.response.defer(ephemeral=True, thinking=True)
    except TROUBLE as error:  # the person was told that it failed: so it must not take effect
        log.warning("a command came too late: %s", error, extra={"action": "command_late"})
        return
    shown = await hearing.command(invocation_of(interaction, line))
    try:
        await _follow_up(interaction, shown)
    except TROUBLE as error:
        log.warning("an answer was not taken: %s", error, extra={"action": "command_unanswered"})


async def _follow_up(interaction: discord.Interaction, shown: Shown) -> None:
    files = shown_files(shown)
    for part in shown_parts(shown):
        await interaction.followup.send(
            part, ephemeral=True, files=files, allowed_mentions=discord.AllowedMentions.none()
        )
        files = []


def invocation_of(interaction: discord.Interaction, line: str) -> Invocation:
    """Where the bot is no member, a command is about the person's own memory, as in a DM."""
    user = interaction.user
    place = interaction.client.get_channel(interaction.channel_id or 0) or interaction.channel
    member = interaction.guild_id is not None and interaction.client.get_guild(interaction.guild_id)
    address = address_of(place) if member else None
    kind, name = room_of(place) if address else ("dm", "")
    return Invocation(
        address=address or direct(interaction.channel_id or user.id),
        user=str(user.id),
        name=user.display_name,
        line=line,
        room_kind=kind,
        room_name=name,
    )


# ---- as messages


def is_command(event: Event) -> bool:
    """Whether a message is a command: where other bots listen, `!help` is for us only if we are
    called."""
    typed = _TYPED.match(event.text)
    if typed is None:
        return False
    alone = event.room_kind == "dm" or event.mentioned
    return alone or typed["name"].lower() not in _SHARED


def typed_invocation(event: Event) -> Invocation:
    return Invocation(
        address=event.address,
        user=event.user,
        name=event.name,
        line=event.text,
        room_kind=event.room_kind,
        room_name=event.room_name,
    )


async def answer(message: discord.Message, shown: Shown) -> None:
    """In a DM where it was asked; else in a DM too, since everybody reads along. Never raises."""
    direct_already = message.guild is None
    try:
        await _post(message.channel if direct_already else message.author, message, shown)
    except discord.Forbidden:
        await _say(message, sentences.NO_DM)
    except TROUBLE as error:
        log.warning("an answer was not taken: %s", error, extra={"action": "command_unanswered"})


async def _post(place: discord.abc.Messageable, message: discord.Message, shown: Shown) -> None:
    files = shown_files(shown)
    for number, part in enumerate(shown_parts(shown)):
        await place.send(part, files=files, nonce=nonce(str(message.id), str(number)))
        files = []


async def _say(message: discord.Message, text: str) -> None:
    try:
        await message.reply(text)
    except TROUBLE as error:
        log.warning("an answer was not taken: %s", error, extra={"action": "command_unanswered"})
