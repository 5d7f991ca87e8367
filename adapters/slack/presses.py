"""Buttons, forms and the shortcut of messages: each gives a command line, as whoever presses it."""

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient

from adapters.base import Form, Shown
from adapters.slack import blocks, sentences
from adapters.slack.blocks import Press
from adapters.slack.commands import Commands, Place, unanswered
from adapters.slack.directory import Directory
from adapters.slack.home import SHOW, Home
from adapters.slack.trouble import TROUBLE, told

log = logging.getLogger(__name__)

REMEMBER: Final = "remember"  # the shortcut
AT_MOST: Final = 2.0  # seconds that looking for a form may take, of the three that Slack waits
KINDS: Final = frozenset({"block_actions", "message_action", "view_submission"})

Body = Mapping[str, Any]


class Presses:
    """Whether a place is the Home tab is told by its channel: it has none."""

    def __init__(
        self, client: AsyncWebClient, directory: Directory, commands: Commands, home: Home
    ) -> None:
        self._client = client
        self._directory = directory
        self._commands = commands
        self._home = home

    async def take(self, body: Body) -> None:
        """One of KINDS; what is not ours is left alone. Never raises TROUBLE."""
        try:
            match body:
                case {"type": "block_actions", "actions": [action, *_]}:
                    press = blocks.Press.read(_value_of(action), action.get("block_id"))
                    if press is not None:
                        await self._pressed(body, action, press)
                case {"type": "view_submission", "view": {"callback_id": blocks.GIVE} as view}:
                    await self._submitted(body, view)
                case {"type": "message_action", "callback_id": callback} if callback == REMEMBER:
                    await self._remember(body)
        except TROUBLE as error:
            unanswered(error)

    async def _pressed(self, body: Body, action: Body, press: Press) -> None:
        place = replace(_place(body), origin=press.origin)
        if not press.asks:
            await self._give(place, press.line)
            return
        label, about = _label_of(action), _about(place, press.line)
        if press.asks == "sure":
            view = blocks.question(label, press.line, about)
        else:
            form = press.form or await self._look_up(place, press.line, label)
            view = blocks.modal(form, about)
        await self._open(str(body["trigger_id"]), place, view)

    async def _look_up(self, place: Place, line: str, label: str) -> Form:
        """The form as it is now; one that is not to be found, or not in time, is empty."""
        found = None
        try:
            async with asyncio.timeout(AT_MOST):
                shown = await self._commands.obeyed(place, place.origin or SHOW)
                found = blocks.form_of(shown, line)
        except TimeoutError:
            log.warning("a form was not found in time", extra={"action": "form_late"})
        return found or Form(title=label, label=sentences.WORDS, long=True)

    async def _open(self, trigger: str, place: Place, view: Mapping[str, Any]) -> None:
        """A trigger is good for three seconds."""
        try:
            await self._client.views_open(trigger_id=trigger, view=dict(view))
        except TROUBLE as error:
            log.warning("a form was not opened: %s", told(error), extra={"action": "form_late"})
            await self._say(place, sentences.NO_FORM)

    async def _submitted(self, body: Body, view: Body) -> None:
        line, origin, channel, thread, url = json.loads(view["private_metadata"])
        user = str(body["user"]["id"])
        place = Place(user=user, channel=channel, thread=thread, url=url, origin=origin)
        await self._give(place, f"{line} {blocks.typed_in(dict(view))}".strip())

    async def _remember(self, body: Body) -> None:
        """With the name of who said it, if it was somebody else."""
        message, place = body["message"], _place(body)
        text = await self._commands.words(str(message.get("text") or ""))
        if not text:
            await self._say(place, sentences.NO_WORDS)
            return
        author = str(message.get("user") or "")
        if author != place.user:
            called = str(message.get("username") or author or "?")
            text = f"{await self._directory.person(author, called) if author else called}: {text}"
        about = f"{place.channel}:{message['ts']}"
        await self._commands.give(place, f"/memory add {text}", about=about)

    async def _give(self, place: Place, line: str) -> None:
        if place.channel:
            await self._commands.pressed(place, line)
        else:
            await self._home.obey(place, line)

    async def _say(self, place: Place, sentence: str) -> None:
        if place.channel:
            await self._commands.say(place, sentence)
        else:
            await self._home.show(place.user, Shown(text=sentence))


def _place(body: Body) -> Place:
    """Where something was pressed. Slack says of a message twice in which thread it is."""
    threads = [(body.get(name) or {}).get("thread_ts") for name in ("container", "message")]
    return Place(
        user=str(body["user"]["id"]),
        channel=str((body.get("channel") or {}).get("id") or ""),
        thread=next((str(thread) for thread in threads if thread), ""),
        url=str(body.get("response_url") or ""),
    )


def _about(place: Place, line: str) -> str:
    """What a form brings back: at most 3,000 characters."""
    known = [line, place.origin, place.channel, place.thread, place.url]
    return json.dumps(known, ensure_ascii=False)


def _value_of(action: Body) -> object:
    """Of a button, or of what was chosen from a menu."""
    return action.get("value") or (action.get("selected_option") or {}).get("value")


def _label_of(action: Body) -> str:
    """What stands there."""
    named = action.get("selected_option") or action
    return str((named.get("text") or {}).get("text") or "…")
