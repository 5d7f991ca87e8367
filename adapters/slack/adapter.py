"""Slack as an adapter: hears through Bolt, sends, and connects again by itself."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import ClientSession, ClientTimeout
from slack_bolt.async_app import AsyncApp

from adapters.base import Address, Attachment, Hearing, Post, Shown, Unusable
from adapters.slack import files, sentences
from adapters.slack.app import Json, build_app, build_client
from adapters.slack.blocks import messages
from adapters.slack.connection import by_http, by_socket
from adapters.slack.directory import Directory
from adapters.slack.ears import Ears
from adapters.slack.send import failure, send, ts_of
from adapters.slack.status import Status
from adapters.slack.trouble import BAD_TOKEN, TROUBLE, code_of, told

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds between two attempts to connect
STEADY: Final = 600.0  # seconds after which a connection counts as a good one
PORT: Final = 3000
TIMEOUT: Final = ClientTimeout(total=30)  # seconds for a call


class Slack:
    """An adapter: by Socket Mode where there is an app_token, else by HTTP with a signing_secret.

    api_base: of a simulator on loopback; ValueError for any other. port: for HTTP; 0 takes any free
    one, which `port` then tells. ping_interval: seconds; a dead socket is noticed after four.
    """

    name = "slack"

    def __init__(
        self,
        bot_token: str,
        app_token: str | None = None,
        signing_secret: str | None = None,
        *,
        api_base: str | None = None,
        port: int | None = None,
        ping_interval: float = 5.0,
    ) -> None:
        self._app_token = app_token
        self._signing_secret = signing_secret
        self._ping_interval = ping_interval
        self.port = PORT if port is None else port
        self._client = build_client(bot_token, api_base=api_base)
        self._poster = build_client(bot_token, api_base=api_base, repeats=False)
        self._directory = Directory(self._client)
        self._status = Status(self._poster)
        self._ears: Ears | None = None

    # ---- hearing

    def app(self, hearing: Hearing) -> AsyncApp:
        """Bolt's app with everything in place, for whoever gives it requests."""
        if self._ears is None:
            self._ears = Ears(hearing, self._client, self._poster, self._directory)
        return build_app(self._client, self._ears.take, signing_secret=self._signing_secret or "")

    async def run(self, hearing: Hearing) -> None:
        """Until cancelled. Raises Unusable when a person has to act before it can go on."""
        if not (self._app_token or self._signing_secret):
            raise Unusable(sentences.NO_WAY_IN)
        app = self.app(hearing)
        assert self._ears is not None
        async with self._session():
            await self._introduce(self._ears)
            try:
                if self._app_token:
                    await self._by_socket(app, self._app_token, self._ears)
                else:
                    await by_http(app, self.port, ready=self._serving)
            finally:
                await self._ears.stop()

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[None]:
        """One HTTP session for all calls: one for each costs so much that events come late."""
        async with ClientSession(timeout=TIMEOUT) as session:
            self._client.session = self._poster.session = session
            try:
                yield
            finally:
                self._client.session = self._poster.session = None

    async def _introduce(self, ears: Ears) -> None:
        """Learn who we are, and how far all was heard, before anything new is."""
        wait = FIRST_WAIT
        while True:
            try:
                await ears.survey()
            except TROUBLE as error:
                if code_of(error) in BAD_TOKEN:
                    raise Unusable(sentences.BAD_TOKEN) from error
                _away(error)
            else:
                return
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    async def _by_socket(self, app: AsyncApp, app_token: str, ears: Ears) -> None:
        wait, loop = FIRST_WAIT, asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await by_socket(
                    app,
                    app_token,
                    self._client,
                    greeted=ears.connected,
                    ping_interval=self._ping_interval,
                )
            except TROUBLE as error:
                _check_usable(error)
                _away(error)
            else:
                log.warning("Slack's socket is dead.", extra={"action": "slack_away"})
            if loop.time() - began > STEADY:
                wait = FIRST_WAIT
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    def _serving(self, port: int) -> None:
        self.port = port
        if self._ears is not None:
            self._ears.connected()

    # ---- sending

    async def send(self, post: Post) -> str:
        return await send(self._poster, post)

    async def whisper(self, address: Address, user: str, shown: Shown) -> None:
        """Where they wrote, as a message that only they see; in a DM, as one that stays."""
        place: Json = {"channel": address.channel, "thread_ts": address.thread}
        try:
            for message in messages(shown):
                if address.channel.startswith("D"):
                    await self._poster.chat_postMessage(
                        **place, **message, unfurl_links=False, unfurl_media=False
                    )
                else:
                    await self._poster.chat_postEphemeral(user=user, **place, **message)
        except TROUBLE as error:
            raise failure(error, address) from error

    async def fetch(self, attachment: Attachment, most: int) -> bytes:
        return await files.fetch(self._client, attachment, most)

    def link(self, address: Address, event: str) -> str:
        """As chat.getPermalink has it; "" until Slack told where the workspace is."""
        me, ts = self._directory.known, ts_of(event)
        if me is None or not me.url:
            return ""
        channel, thread = address.channel, address.thread
        url = f"{me.url.rstrip('/')}/archives/{channel}/p{ts.replace('.', '')}"
        return f"{url}?thread_ts={thread}&cid={channel}" if thread not in (None, ts) else url

    async def working(self, address: Address, *, begun: bool) -> None:
        """In the thread; for a DM without one, under the person's last message."""
        asked = self._ears.asked(address) if self._ears else None
        await self._status.show(address, asked, begun=begun)


def _check_usable(error: Exception) -> None:
    """Raises Unusable where only a person can help."""
    code = code_of(error)
    if code == "socket_mode_not_enabled":
        raise Unusable(sentences.NO_SOCKETS) from error
    if code in BAD_TOKEN or code == "missing_scope":
        raise Unusable(sentences.BAD_APP_TOKEN) from error


def _away(error: Exception) -> None:
    log.warning("Slack is away (%s); trying again.", told(error), extra={"action": "slack_away"})
