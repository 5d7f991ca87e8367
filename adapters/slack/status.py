"""Shows that an answer is being made: in the thread's status line, else by a pair of eyes."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Final, Literal
from weakref import WeakValueDictionary

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.base import Address
from adapters.slack import sentences
from adapters.slack.trouble import PASSING, TROUBLE, code_of, status_of, told

log = logging.getLogger(__name__)

PATIENCE: Final = 3.0  # seconds for a status, which nobody should wait for
EYES: Final = "eyes"
NOWHERE: Final = frozenset({"feature_not_enabled", "missing_scope", "unknown_method"})

Way = Literal["session", "line", "reaction"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The message that is being answered. title: its first words. begins: none was heard in its
    thread before."""

    ts: str
    title: str
    begins: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    way: Way
    channel: str
    thread: str
    asked: Asked | None


class Status:
    """As a session's status where Slack has that, else as the line that is older, else as a
    reaction to the question. What Slack has nowhere is tried once only."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._ways: list[Way] = ["session", "line", "reaction"]
        self._shown: dict[str, _Mark] = {}  # by room
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def show(self, address: Address, asked: Asked | None, *, begun: bool) -> None:
        """asked: what is answered, if that is known. What was begun is ended there, and not before
        it was shown. Never raises."""
        async with self._locks.setdefault(address.room, asyncio.Lock()):
            try:
                async with asyncio.timeout(PATIENCE):
                    if begun:
                        await self._begin(address, asked)
                    elif mark := self._shown.pop(address.room, None):
                        await self._set(mark, begun=False)
            except TROUBLE as error:
                log.debug("no status is shown: %s", told(error))

    async def _begin(self, address: Address, asked: Asked | None) -> None:
        """What got no clear answer is ended, too: it may have been shown all the same."""
        thread = address.thread or (asked.ts if asked else "")
        for way in tuple(self._ways) if thread else ():
            mark = _Mark(way=way, channel=address.channel, thread=thread, asked=asked)
            self._shown[address.room] = mark
            try:
                await self._set(mark, begun=True)
            except SlackApiError as error:
                code = code_of(error)
                if status_of(error) != 200 or code in PASSING:
                    raise
                if code == "already_reacted":  # before a restart
                    return
                del self._shown[address.room]
                if code in NOWHERE and way in self._ways:
                    self._ways.remove(way)
            else:
                await self._entitle(mark)
                return

    async def _set(self, mark: _Mark, *, begun: bool) -> None:
        client, asked = self._client, mark.asked
        match mark.way:
            case "session":
                await client.agents_sessions_setStatus(
                    channel_id=mark.channel,
                    thread_ts=mark.thread,
                    status="processing" if begun else "active",
                    title=(asked.title or None) if begun and asked else None,
                )
            case "line":
                await client.assistant_threads_setStatus(
                    channel_id=mark.channel,
                    thread_ts=mark.thread,
                    status=sentences.THINKING if begun else "",
                )
            case "reaction" if asked:
                react = client.reactions_add if begun else client.reactions_remove
                await react(channel=mark.channel, timestamp=asked.ts, name=EYES)

    async def _entitle(self, mark: _Mark) -> None:
        """A session takes its title along; a thread of an older app has one in direct messages."""
        asked, direct = mark.asked, mark.channel.startswith("D")
        if mark.way == "line" and direct and asked and asked.begins and asked.title:
            await self._client.assistant_threads_setTitle(
                channel_id=mark.channel, thread_ts=mark.thread, title=asked.title
            )
