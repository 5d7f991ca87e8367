"""Commands, and what they answer, for one person's eyes: /memory, and !memory as a message."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from adapters.base import Address, Event, Hearing, Invocation, Shown
from adapters.commands import origin_of, typed
from adapters.slack import sentences
from adapters.slack.app import LIBRARY
from adapters.slack.blocks import messages
from adapters.slack.directory import Directory
from adapters.slack.receive import PLATFORM, Room, ids_in, plain
from adapters.slack.trouble import TROUBLE, told

log = logging.getLogger(__name__)

Json = dict[str, Any]

LOST: Final = {"action": "command_unanswered"}

_MODE = re.compile(r"\s*[/!！](?:mode|模式)(?=\s|\Z)", re.IGNORECASE)
_RULED = re.compile(r"\s*[/!！](?:policy|规则|memory|记忆)(?=\s|\Z)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a person gave a command, and sees its answer.

    channel: "" for the Home tab. url: Slack's response_url, which takes five posts within half an
    hour; "" where there is none. origin: see blocks.Press; of what was pressed there.
    """

    user: str
    channel: str
    thread: str = ""
    url: str = ""
    origin: str = ""


class Commands:
    """Obeys commands, and answers them."""

    def __init__(self, hearing: Hearing, client: AsyncWebClient, directory: Directory) -> None:
        self._hearing = hearing
        self._client = client
        self._directory = directory

    async def slash(self, body: Mapping[str, Any]) -> None:
        """Never raises TROUBLE."""
        place = Place(
            user=str(body["user_id"]),
            channel=str(body["channel_id"]),
            url=str(body["response_url"]),
        )
        text, name = str(body.get("text") or ""), str(body.get("user_name") or "")
        try:
            line = f"{body['command']} {await self.words(text)}".strip()
            direct = body.get("channel_name") == "directmessage"
            await self.give(place, line, name=name, direct=direct)
        except TROUBLE as error:
            unanswered(error)

    async def typed(self, event: Event) -> None:
        """In a DM the answer stays; in a channel only the person sees it. Never raises TROUBLE."""
        channel, thread = event.address.channel, event.address.thread
        admin = await self._may_change(event.user, channel, event.text)
        governs = await self._governs(event.user, event.text)
        shown = await self._hearing.command(typed(event, admin=admin, governs=governs))
        place = Place(user=event.user, channel=channel, thread=thread or "")
        made = messages(await self.delivered(shown, event.user), origin_of(event.text))
        await self._show(made, place, lasting=event.room_kind == "dm")

    async def give(
        self, place: Place, line: str, *, name: str = "", about: str = "", direct: bool = False
    ) -> None:
        """Obey a line, and answer. direct: it is known to be a DM. Raises TROUBLE where Slack does
        not tell who the bot is."""
        shown = await self.obeyed(place, line, name=name, about=about, direct=direct)
        await self._show(messages(shown, origin_of(line)), place)

    async def pressed(self, place: Place, line: str) -> None:
        """The same, of a button: what may have changed takes the place of what it was in."""
        shown = await self.obeyed(place, line)
        if origin := origin_of(line):
            await self._show(messages(shown, origin), place)
        elif place.origin:
            anew = await self.obeyed(place, place.origin)
            await self._show(messages(anew, place.origin, shown), place, instead=True)
        else:
            await self._show(messages(shown), place, instead=True)

    async def obeyed(
        self, place: Place, line: str, *, name: str = "", about: str = "", direct: bool = False
    ) -> Shown:
        """What a line answers, without its document. Raises TROUBLE where Slack does not tell who
        the bot is."""
        home = not place.channel
        me, channel = await self._directory.me(), place.channel
        channel = channel or await self._directory.direct(place.user)
        room = Room(kind="dm") if direct or home else await self._directory.room(channel)
        invocation = Invocation(
            address=Address(
                platform=PLATFORM, space=me.team, channel=channel, thread=place.thread or None
            ),
            user=place.user,
            name=await self._directory.person(place.user, name),
            line=line,
            room_kind=room.kind,
            room_name=room.name,
            admin=await self._may_change(place.user, channel, line),
            own=home,
            guest=await self._directory.is_guest(place.user),
            about=about,
            governs=await self._governs(place.user, line),
            aside=room.kind != "dm" and not place.thread,
        )
        return await self.delivered(await self._hearing.command(invocation), place.user)

    async def _may_change(self, user: str, channel: str, line: str) -> bool:
        """Asked only where it makes a difference."""
        return bool(_MODE.match(line)) and await self._directory.admin(user, channel)

    async def _governs(self, user: str, line: str) -> bool:
        ruled = _RULED.match(line) and not origin_of(line)
        return bool(ruled) and await self._directory.governs(user)

    async def words(self, text: str) -> str:
        """A text of Slack's in plain words. Raises TROUBLE."""
        me, names = await self._directory.me(), await self._directory.names(*ids_in(text))
        return plain(text, me, names)

    # ---- answering

    async def say(self, place: Place, sentence: str) -> None:
        """Never raises TROUBLE."""
        await self._show(messages(Shown(text=sentence)), place)

    async def delivered(self, shown: Shown, user: str) -> Shown:
        """The same without its document, which goes to the person's direct messages. Never raises
        TROUBLE."""
        if not shown.file_name:
            return shown
        try:
            await self._client.files_upload_v2(
                channel=await self._directory.direct(user),
                filename=shown.file_name,
                content=shown.file_text,
            )
            said = sentences.SENT
        except TROUBLE as error:
            unanswered(error)
            said = sentences.NOT_SENT
        text = f"{shown.text}\n\n{said}".strip()
        return replace(shown, text=text, file_name="", file_text="")

    async def _show(
        self, made: Sequence[Json], place: Place, *, lasting: bool = False, instead: bool = False
    ) -> None:
        """lasting: as messages, in a DM. instead: the first takes the place of what was pressed.
        Never raises TROUBLE."""
        try:
            for message in made:
                await self._post(message, place, lasting=lasting, instead=instead)
                instead = False
        except TROUBLE as error:
            unanswered(error)

    async def _post(self, message: Json, place: Place, *, lasting: bool, instead: bool) -> None:
        """Where a response_url is used up, as a message that only the person sees."""
        if place.url and await self._by_url(message, place, instead):
            return
        here: Json = {"channel": place.channel, "thread_ts": place.thread or None, **message}
        if lasting:
            await self._client.chat_postMessage(**here, unfurl_links=False, unfurl_media=False)
        else:
            await self._client.chat_postEphemeral(user=place.user, **here)

    async def _by_url(self, message: Json, place: Place, instead: bool) -> bool:
        webhook = AsyncWebhookClient(place.url, session=self._client.session, logger=LIBRARY)
        webhook.proxy = self._client.proxy
        thread = {"thread_ts": place.thread} if place.thread else {}
        how = {"replace_original": True} if instead else {"replace_original": False, **thread}
        answer = await webhook.send_dict({**message, "response_type": "ephemeral", **how})
        return bool(answer.status_code == 200)


def unanswered(error: Exception) -> None:
    log.warning("an answer was not taken: %s", told(error), extra=LOST)
