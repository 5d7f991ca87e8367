"""A reply as messages of Slack: cut to size, each posted once, never ringing anybody's bell."""

import asyncio
import logging
import time
from typing import Any, Final, Literal

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.base import Address, Post, SendFailed
from adapters.slack import sentences
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

LIMIT: Final = 3_900  # characters of a message; Slack advises 4,000, and cuts at 40,000
LOOK_BACK: Final = 24 * 3600.0  # seconds; for a reply to no message
PAGE: Final = 200
PAGES: Final = 5
MARK: Final = "reverie_reply"
PATIENCE: Final = 3.0  # seconds for a status, which nobody should wait for


async def send(client: AsyncWebClient, post: Post) -> str:
    """Post all parts in order, and return the ts of the first; "" where there is nothing to say.

    Slack takes no key that would keep a message from being posted twice. Each part carries one in
    its metadata, and where an earlier attempt may have gone through, it is looked for. Raises
    SendFailed.
    """
    try:
        sent = await _posted(client, post) if post.again else {}
        for number, part in enumerate(split(to_mrkdwn(post.text), LIMIT)):
            if number not in sent:
                sent[number] = await _post(client, post, part, number)
    except TROUBLE as error:
        raise failure(error, post.address) from error
    return sent.get(0, "")


async def _post(client: AsyncWebClient, post: Post, part: str, number: int) -> str:
    answer = await client.chat_postMessage(
        channel=post.address.channel,
        thread_ts=post.address.thread,
        text=part,
        metadata={"event_type": MARK, "event_payload": {"key": post.key, "part": number}},
        unfurl_links=False,
        unfurl_media=False,
    )
    return str(answer["ts"])


async def _posted(client: AsyncWebClient, post: Post) -> dict[int, str]:
    """The parts of a reply that are there already: number to ts. Raises TROUBLE."""
    place = post.address
    since = min((ts_of(event) for event in post.answers), default=str(time.time() - LOOK_BACK))
    ask: dict[str, Any] = {"channel": place.channel, "oldest": since, "limit": PAGE}
    found: dict[int, str] = {}
    cursor = None
    try:
        for _ in range(PAGES):
            ask |= {"include_all_metadata": True, "cursor": cursor}
            if place.thread:
                told_ = await client.conversations_replies(ts=place.thread, **ask)
            else:
                told_ = await client.conversations_history(**ask)
            for row in told_["messages"]:
                mark = row.get("metadata") or {}
                payload = mark.get("event_payload") or {}
                if mark.get("event_type") == MARK and payload.get("key") == post.key:
                    found[int(payload["part"])] = str(row["ts"])
            cursor = (told_.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                break
    except SlackApiError as error:
        if code_of(error) not in ("missing_scope", "thread_not_found"):
            raise
        log.warning("an earlier reply could not be looked for: %s", told(error))
    return found


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
        return SendFailed(sentences.BAD_TOKEN, final=True)
    if code == "missing_scope":
        return SendFailed(sentences.missing_scope(needed_by(error)), final=True)
    return SendFailed(sentences.refused(code, address), final=True)


# ---- at work -----------------------------------------------------------------------------------


class Status:
    """Shows in a thread that an answer is being made: as a session's status where Slack has that,
    else as the line that is older; where it has neither, not at all."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._how: Literal["session", "line", "none"] = "session"
        self._shown: dict[str, str] = {}  # room -> thread

    async def show(self, address: Address, thread: str, *, begun: bool) -> None:
        """thread: under which message; what was begun is ended there. Never raises."""
        thread = (self._shown.get(address.room) if not begun else None) or thread
        if begun:
            self._shown[address.room] = thread
        else:
            self._shown.pop(address.room, None)
        if not thread:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await self._set(address.channel, thread, begun=begun)
        except TROUBLE as error:
            log.debug("no status is shown: %s", told(error))

    async def _set(self, channel: str, thread: str, *, begun: bool) -> None:
        if self._how == "session":
            try:
                await self._client.agents_sessions_setStatus(
                    channel_id=channel, thread_ts=thread, status="processing" if begun else "active"
                )
            except SlackApiError as error:
                if code_of(error) not in ("feature_not_enabled", "unknown_method", "missing_scope"):
                    raise
                self._how = "line"
        if self._how == "line":
            try:
                await self._client.assistant_threads_setStatus(
                    channel_id=channel,
                    thread_ts=thread,
                    status=sentences.THINKING if begun else "",
                )
            except SlackApiError as error:
                if code_of(error) not in ("unknown_method", "missing_scope"):
                    raise
                self._how = "none"
