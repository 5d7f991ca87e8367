"""The app's own place in Slack: the Home tab is a person's memory, the Messages tab has prompts."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from weakref import WeakValueDictionary

from slack_sdk.web.async_client import AsyncWebClient

from adapters.base import Shown
from adapters.commands import origin_of
from adapters.slack import blocks, sentences
from adapters.slack.commands import Commands, Place, unanswered
from adapters.slack.trouble import TROUBLE

SHOW: Final = "/memory show"


class Home:
    """Publishes Home tabs. Nothing here raises TROUBLE."""

    def __init__(self, client: AsyncWebClient, commands: Commands) -> None:
        self._client = client
        self._commands = commands
        self._prompted: set[str] = set()  # conversations
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def opened(self, event: Mapping[str, Any]) -> None:
        """Somebody looks at one of the tabs."""
        if event.get("tab") == "home" and event.get("user"):
            await self.show(str(event["user"]))
        elif event.get("tab") == "messages" and event.get("channel"):
            await self._prompt(str(event["channel"]))

    async def obey(self, place: Place, line: str) -> None:
        """A command that was given there, answered there."""
        try:
            said = await self._commands.obeyed(place, line)
        except TROUBLE as error:
            unanswered(error)
        else:
            await self.show(place.user, said, origin_of(line) or SHOW)

    async def show(self, user: str, said: Shown | None = None, origin: str = SHOW) -> None:
        """What is remembered now, never in place of what was looked up later. said: goes on top;
        origin: see blocks.Press."""
        async with self._locks.setdefault(user, asyncio.Lock()):
            try:
                shown = await self._commands.obeyed(Place(user=user, channel=""), SHOW)
                view = blocks.home(shown, SHOW, said, origin)
                await self._client.views_publish(user_id=user, view=view)
            except TROUBLE as error:
                unanswered(error)

    async def _prompt(self, channel: str) -> None:
        """Once while the bot runs, and without a thread: that is how agent view has it."""
        if channel in self._prompted:
            return
        self._prompted.add(channel)
        try:
            await self._client.assistant_threads_setSuggestedPrompts(
                channel_id=channel,
                title=sentences.PROMPTS_TITLE,
                prompts=[
                    {"title": title, "message": message} for title, message in sentences.PROMPTS
                ],
            )
        except TROUBLE as error:
            unanswered(error)
