"""The link by which a bot is added to a server, with no more than it needs."""

from typing import Final

import discord

SCOPES: Final = ("bot", "applications.commands")


def permissions() -> discord.Permissions:
    """Read, answer, in threads too, open a thread, give a file, show that a message was taken."""
    return discord.Permissions(
        view_channel=True,
        send_messages=True,
        send_messages_in_threads=True,
        create_public_threads=True,
        read_message_history=True,
        attach_files=True,
        add_reactions=True,
    )


def invite_url(application_id: str) -> str:
    """Where somebody with Manage Server adds the bot. Raises ValueError if it is no id."""
    if not application_id.isascii() or not application_id.isdigit():
        raise ValueError(
            f"'{application_id}' is not an application id. It is the number at"
            " https://discord.com/developers/applications → your application → Application ID."
        )
    return discord.utils.oauth_url(int(application_id), permissions=permissions(), scopes=SCOPES)
