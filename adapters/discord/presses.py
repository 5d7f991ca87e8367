"""Buttons that are pressed, lines that are chosen, forms that are sent off: each gives a command.

Whatever it was, and however old: all that is needed lies in its custom_id.
"""

import asyncio
import logging
from typing import Any, Final

import discord

from adapters.base import Form, Hearing, Line, Part, Shown
from adapters.discord import sentences, views
from adapters.discord.client import TROUBLE
from adapters.discord.obey import Given, acknowledged, answer, invocation_of, obey, too_late
from adapters.discord.views import Press, Source, Verb

log = logging.getLogger(__name__)

AT_MOST: Final = 2.0  # seconds that looking for a form may take, of the three that Discord waits


async def pressed(interaction: discord.Interaction, hearing: Hearing) -> None:
    """Does what is in the custom_id of an interaction; nothing where it has none of ours."""
    data: dict[str, Any] = dict(interaction.data or {})
    press = Press.read(str(data.get("custom_id", "")))
    if press is None:
        return
    match press.verb:
        case Verb.GIVE:
            await obey(interaction, Given(line=press.line, own=press.own), hearing)
        case Verb.YES:
            given = Given(line=press.line, own=press.own, instead=True)
            await obey(interaction, given, hearing)
        case Verb.TEXT:
            given = Given(line=f"{press.line} {_text_of(data)}", own=press.own)
            await obey(interaction, given, hearing)
        case Verb.PICK:
            await _show_line(interaction, press, str(data["values"][0]), hearing)
        case _:
            await _respond(interaction, press, hearing)


async def _respond(interaction: discord.Interaction, press: Press, hearing: Hearing) -> None:
    """What needs no more than a first response."""
    try:
        if press.verb is Verb.NO:
            await interaction.response.edit_message(content=sentences.UNCHANGED, view=None)
        elif press.verb is Verb.SURE:
            text, view = views.question(_label_of(interaction), press)
            made = view or discord.utils.MISSING
            await interaction.response.send_message(text, view=made, ephemeral=True)
        else:
            form = await _form_of(interaction, press, hearing)
            await interaction.response.send_modal(views.modal(form, press))
    except TROUBLE as error:
        await too_late(interaction, error)


async def _form_of(interaction: discord.Interaction, press: Press, hearing: Hearing) -> Form:
    """One that is not to be found, or not in time, is empty."""
    if press.verb is Verb.FORM:
        return Form(title=press.title, label=press.label, long=press.long)
    found = None
    try:
        async with asyncio.timeout(AT_MOST):
            shown = await _again(interaction, press, hearing)
            found = views.form_of(shown, press.line)
    except TimeoutError:
        log.warning("a form was not found in time", extra={"action": "form_late"})
    label = _label_of(interaction)
    return found or Form(title=label, label=sentences.OPTIONS["text"], long=True)


async def _show_line(
    interaction: discord.Interaction, press: Press, key: str, hearing: Hearing
) -> None:
    if not await acknowledged(interaction):
        return
    lines = views.lines_of(await _again(interaction, press, hearing))
    line = next((line for line in lines if views.key_of(line) == key), None)
    parts = (Part(lines=(line or Line(text=sentences.NOT_THERE),)),)
    await answer(interaction, Shown(parts=parts), Source(line=press.origin, own=press.own))


async def _again(interaction: discord.Interaction, press: Press, hearing: Hearing) -> Shown:
    """The answer that a press belongs to, as it is now."""
    given = Given(line=press.origin, own=press.own)
    return await hearing.command(invocation_of(interaction, given))


def _label_of(interaction: discord.Interaction) -> str:
    """What stands on the button."""
    if interaction.message is None or interaction.data is None:
        return "…"
    id_ = interaction.data.get("custom_id")
    for row in interaction.message.components:
        for item in getattr(row, "children", ()):
            if isinstance(item, discord.Button) and item.custom_id == id_:
                return item.label or "…"
    return "…"


def _text_of(data: dict[str, Any]) -> str:
    """What was typed into the one field of a form."""
    return str(data["components"][0]["component"]["value"])
