"""Commands about memory: /memory and /help, and !memory as a message; for one person's eyes."""

import logging
import re
from collections.abc import Mapping
from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from adapters.base import Address, Event, Hearing, Invocation, Shown
from adapters.slack import sentences
from adapters.slack.app import LIBRARY
from adapters.slack.directory import Directory
from adapters.slack.receive import PLATFORM, Room, ids_in, plain
from adapters.slack.send import LIMIT
from adapters.slack.trouble import TROUBLE, told
from adapters.text import split, to_mrkdwn

log = logging.getLogger(__name__)

_TYPED = re.compile(r"\s*[!！](?P<name>memory|记忆|help|帮助)(?=\s|\Z)", re.IGNORECASE)
_SHARED: Final = frozenset({"help", "帮助"})  # words that many bots listen to
MOST: Final = 5  # posts that a response_url takes


def is_command(event: Event) -> bool:
    """Whether a message is a command: where other bots listen, `!help` is for us only if we are
    called."""
    typed = _TYPED.match(event.text)
    if typed is None:
        return False
    alone = event.room_kind == "dm" or event.mentioned
    return alone or typed["name"].lower() not in _SHARED


async def obey_typed(event: Event, hearing: Hearing, client: AsyncWebClient) -> None:
    """Answer where it was asked; in a channel only the person sees it. Never raises TROUBLE."""
    shown = await hearing.command(
        Invocation(
            address=event.address,
            user=event.user,
            name=event.name,
            line=event.text,
            room_kind=event.room_kind,
            room_name=event.room_name,
        )
    )
    channel, thread = event.address.channel, event.address.thread
    try:
        for part in await _parts(shown, event.user, client):
            if event.room_kind == "dm":
                await client.chat_postMessage(channel=channel, thread_ts=thread, text=part)
            else:
                await client.chat_postEphemeral(
                    channel=channel, thread_ts=thread, user=event.user, text=part
                )
    except TROUBLE as error:
        _unanswered(error)


async def obey_slash(
    body: Mapping[str, Any], hearing: Hearing, client: AsyncWebClient, directory: Directory
) -> None:
    """Answer a slash command by its response_url. Never raises TROUBLE."""
    try:
        shown = await hearing.command(await _slash(body, directory))
        webhook = AsyncWebhookClient(
            str(body["response_url"]), session=client.session, logger=LIBRARY
        )
        webhook.proxy = client.proxy
        for part in await _parts(shown, str(body["user_id"]), client):
            answer = await webhook.send(text=part, response_type="ephemeral")
            if answer.status_code != 200:
                log.warning(
                    "an answer was not taken: HTTP %d",
                    answer.status_code,
                    extra={"action": "command_unanswered"},
                )
    except TROUBLE as error:
        _unanswered(error)


async def _slash(body: Mapping[str, Any], directory: Directory) -> Invocation:
    me, user, channel = await directory.me(), str(body["user_id"]), str(body["channel_id"])
    text = str(body.get("text") or "")
    direct = body.get("channel_name") == "directmessage"
    room = Room(kind="dm") if direct else await directory.room(channel)
    return Invocation(
        address=Address(platform=PLATFORM, space=me.team, channel=channel),
        user=user,
        name=await directory.person(user, str(body.get("user_name") or "")),
        line=f"{body['command']} {plain(text, me, await directory.names(*ids_in(text)))}".strip(),
        room_kind=room.kind,
        room_name=room.name,
    )


async def _parts(shown: Shown, user: str, client: AsyncWebClient) -> list[str]:
    """The messages of an answer; a document goes to the person's direct messages."""
    text = to_mrkdwn(shown.text)
    if shown.file_name:
        sent = await _send_document(shown, user, client)
        text = f"{text}\n\n{sentences.SENT if sent else sentences.NOT_SENT}"
    parts = split(text, LIMIT)
    if len(parts) > MOST:
        parts = [*parts[: MOST - 1], sentences.TOO_MUCH]
    return parts or ["…"]


async def _send_document(shown: Shown, user: str, client: AsyncWebClient) -> bool:
    try:
        opened = await client.conversations_open(users=[user])
        await client.files_upload_v2(
            channel=opened["channel"]["id"], filename=shown.file_name, content=shown.file_text
        )
    except TROUBLE as error:
        _unanswered(error)
        return False
    return True


def _unanswered(error: Exception) -> None:
    note = {"action": "command_unanswered"}
    log.warning("an answer was not taken: %s", told(error), extra=note)
