"""Carries out the commands that people give, and shows the answer to whoever gave it alone."""

import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import discord

from adapters.base import Address, Hearing, Invocation, Shown
from adapters.discord import sentences, views
from adapters.discord.client import TROUBLE
from adapters.discord.receive import REALM, address_of, direct, may_manage, room_of
from adapters.discord.send import failure, nonce
from adapters.discord.views import Source

log = logging.getLogger(__name__)

EXPIRED: Final = 10062  # Discord's code: the first response came later than after three seconds
NOBODY: Final = discord.AllowedMentions.none()


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A command that was given. own, about: see Invocation.

    instead: the answer takes the place of the message whose button was pressed.
    """

    line: str
    own: bool = False
    about: str = ""
    instead: bool = False


async def obey(interaction: discord.Interaction, given: Given, hearing: Hearing) -> None:
    """Acknowledge at once, since Discord waits for three seconds only; then answer."""
    if await acknowledged(interaction, instead=given.instead):
        shown = await hearing.command(invocation_of(interaction, given))
        source = Source(line=given.line, own=given.own)
        await answer(interaction, shown, source, instead=given.instead)


async def acknowledged(interaction: discord.Interaction, *, instead: bool = False) -> bool:
    """False: the person was told that it failed, so it must not take effect."""
    try:
        await interaction.response.defer(ephemeral=True, thinking=not instead)
    except TROUBLE as error:
        await too_late(interaction, error)
        return False
    return True


async def say(interaction: discord.Interaction, sentence: str) -> None:
    """A first response that is all of the answer. Never raises."""
    try:
        await interaction.response.send_message(sentence, ephemeral=True)
    except TROUBLE as error:
        await too_late(interaction, error)


async def too_late(interaction: discord.Interaction, error: Exception) -> None:
    """Discord takes no first response any more, or has one from somebody else (40060)."""
    log.warning("a command came too late: %s", error, extra={"action": "command_late"})
    if isinstance(error, discord.HTTPException) and error.code == EXPIRED:
        await _tell(interaction, sentences.TOO_LATE)


async def answer(
    interaction: discord.Interaction, shown: Shown, source: Source, *, instead: bool = False
) -> None:
    """To a command that was acknowledged. Never raises."""
    try:
        for message in views.messages(shown, source):
            if instead:
                await _replace(interaction, message)
            else:
                await _follow_up(interaction, message)
            instead = False
    except TROUBLE as error:
        log.warning("an answer was not taken: %s", error, extra={"action": "command_unanswered"})
        await _tell(interaction, sentences.UNANSWERED)


async def _follow_up(interaction: discord.Interaction, message: views.Message) -> None:
    await interaction.followup.send(
        message.text,
        ephemeral=True,
        files=message.files,
        view=message.view or discord.utils.MISSING,
        allowed_mentions=NOBODY,
        suppress_embeds=True,
    )


async def _replace(interaction: discord.Interaction, message: views.Message) -> None:
    await interaction.edit_original_response(
        content=message.text,
        attachments=message.files,
        view=message.view,
        allowed_mentions=NOBODY,
    )


async def _tell(interaction: discord.Interaction, sentence: str) -> None:
    """Where an interaction is dead, there are direct messages, if the person takes them."""
    with suppress(*TROUBLE):
        await interaction.user.send(sentence, nonce=nonce(str(interaction.id), sentence))


def invocation_of(interaction: discord.Interaction, given: Given) -> Invocation:
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
        line=given.line,
        room_kind=kind,
        room_name=name,
        realm=REALM,
        admin=address is not None and may_manage(interaction.permissions),
        own=given.own,
        about=given.about,
        governs=address is not None and interaction.permissions.manage_guild,
    )


# ---- unasked


async def whisper(client: discord.Client, address: Address, user: str, shown: Shown) -> None:
    """To a person's direct messages. Raises SendFailed."""
    try:
        person = client.get_user(int(user)) or await client.fetch_user(int(user))
        for message in views.messages(shown, Source(line="/help")):
            await _post(person, message, nonce(user, message.text))
    except TROUBLE as error:
        raise failure(error, address) from error


# ---- typed ones


async def reply(message: discord.Message, shown: Shown) -> None:
    """In a DM where it was asked; else in a DM too, since everybody reads along. Never raises.

    There it has no buttons: they would be about the DM, not about the room.
    """
    at_home = message.guild is None
    source = Source(line=message.content) if at_home else None
    place: discord.abc.Messageable = message.channel if at_home else message.author
    try:
        for number, part in enumerate(views.messages(shown, source)):
            await _post(place, part, nonce(str(message.id), str(number)))
    except discord.Forbidden:
        with suppress(*TROUBLE):
            await message.reply(sentences.NO_DM)
    except TROUBLE as error:
        log.warning("an answer was not taken: %s", error, extra={"action": "command_unanswered"})


async def _post(place: discord.abc.Messageable, message: views.Message, once: str) -> None:
    if message.view is None:
        await place.send(message.text, files=message.files, nonce=once, suppress_embeds=True)
    else:
        await place.send(
            message.text, files=message.files, nonce=once, view=message.view, suppress_embeds=True
        )
