"""A reply as messages of Slack: cut to size, each posted once, never ringing anybody's bell."""

import hashlib
import logging
import time
from collections.abc import AsyncIterator
from typing import Any, Final

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.base import Address, Post, SendFailed
from adapters.commands import origin_of
from adapters.slack import sentences
from adapters.slack.blocks import LIMIT, messages
from adapters.slack.trouble import (
    BAD_TOKEN,
    PASSING,
    TROUBLE,
    code_of,
    needed_by,
    retry_after,
    status_of,
    told,
)
from adapters.text import split, to_mrkdwn

log = logging.getLogger(__name__)

MOST: Final = 5  # messages of a reply; a longer one goes out as a file
LOOK_BACK: Final = 24 * 3600.0  # seconds; for a reply to no message
PAGE: Final = 200
PAGES: Final = 5
MARK: Final = "reverie_reply"
UNTIL_MENDED: Final = 60.0  # seconds; a new token needs a person, and no reply is lost for it
FILE: Final = -1  # the part that is a file
TITLE: Final = "answer.md"  # of that file, as people see it

Json = dict[str, Any]


async def send(client: AsyncWebClient, post: Post) -> str:
    """Post all parts in order, and return the ts of the first; "" where there is nothing to say.

    Slack takes no key that would keep a message from being posted twice. Each part carries one in
    its metadata, a file in its name, and where an earlier attempt may have gone through, it is
    looked for. Raises SendFailed.
    """
    parts = list(enumerate(_parts(post)))
    try:
        sent = await _posted(client, post) if post.again else {}
        as_file = len(parts) > MOST and not sent.keys() & {number for number, _ in parts[1:]}
        for number, part in parts[:1] if as_file else parts:
            if number not in sent:
                sent[number] = await _post(client, post, part, number)
        if as_file and FILE not in sent and not await _upload(client, post):
            for number, part in parts[1:]:
                sent[number] = await _post(client, post, part, number)
    except TROUBLE as error:
        raise failure(error, post.address) from error
    return sent.get(0, "")


def _parts(post: Post) -> list[Json]:
    """As messages, with what can be pressed."""
    if post.shown is not None:
        return messages(post.shown, origin_of(post.line))
    return [{"text": part} for part in split(to_mrkdwn(post.text), LIMIT)]


async def _post(client: AsyncWebClient, post: Post, part: Json, number: int) -> str:
    answer = await client.chat_postMessage(
        channel=post.address.channel,
        thread_ts=post.address.thread,
        **part,
        metadata={"event_type": MARK, "event_payload": {"key": post.key, "part": number}},
        unfurl_links=False,
        unfurl_media=False,
    )
    return str(answer["ts"])


async def _upload(client: AsyncWebClient, post: Post) -> bool:
    """All of a long reply, as a file. False where the bot may not do that. Raises TROUBLE."""
    try:
        await client.files_upload_v2(
            channel=post.address.channel,
            thread_ts=post.address.thread,
            filename=_file_name(post),
            title=TITLE,
            content=post.text,
            initial_comment=sentences.THE_REST,
        )
    except SlackApiError as error:
        if code_of(error) != "missing_scope":
            raise
        log.warning(
            "a long reply is not sent as a file: %s", sentences.missing_scope("files:write")
        )
        return False
    return True


def _file_name(post: Post) -> str:
    return f"answer-{hashlib.sha256(post.key.encode()).hexdigest()[:10]}.md"


async def _posted(client: AsyncWebClient, post: Post) -> dict[int, str]:
    """The parts of a reply that are there already: number to ts. Raises TROUBLE."""
    found: dict[int, str] = {}
    try:
        async for row in _since(client, post):
            mark = row.get("metadata") or {}
            payload = mark.get("event_payload") or {}
            if mark.get("event_type") == MARK and payload.get("key") == post.key:
                found[int(payload["part"])] = str(row["ts"])
            if _file_name(post) in [file.get("name") for file in row.get("files") or ()]:
                found[FILE] = str(row["ts"])
    except SlackApiError as error:
        if code_of(error) not in ("missing_scope", "thread_not_found"):
            raise
        log.warning("an earlier reply could not be looked for: %s", told(error))
    return found


async def _since(client: AsyncWebClient, post: Post) -> AsyncIterator[Json]:
    """The messages of a reply's place since what it answers. Raises TROUBLE."""
    place, cursor = post.address, None
    since = min((ts_of(event) for event in post.answers), default=str(time.time() - LOOK_BACK))
    ask: Json = {"channel": place.channel, "oldest": since, "limit": PAGE}
    for _ in range(PAGES):
        ask |= {"include_all_metadata": True, "cursor": cursor}
        if place.thread:
            page = await client.conversations_replies(ts=place.thread, **ask)
        else:
            page = await client.conversations_history(**ask)
        for row in page["messages"]:
            yield row
        cursor = (page.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            break


def ts_of(event: str) -> str:
    """The ts within an event's id."""
    return event.rpartition(":")[2]


def failure(error: Exception, address: Address) -> SendFailed:
    """What went wrong, and whether it is worth another attempt."""
    if not isinstance(error, SlackApiError):
        return SendFailed(f"Slack cannot be reached ({type(error).__name__}).")
    code, status = code_of(error), status_of(error)
    if status == 429 or code == "ratelimited":
        return SendFailed(sentences.LIMITED, retry_after=retry_after(error))
    if status != 200 or code in PASSING:
        return SendFailed(f"Slack has trouble ({told(error)}).")
    if code in BAD_TOKEN:
        return SendFailed(sentences.BAD_TOKEN, retry_after=UNTIL_MENDED)
    if code == "missing_scope":
        return SendFailed(sentences.missing_scope(needed_by(error)), final=True)
    return SendFailed(sentences.refused(code, address), final=True)
