"""Discord as an adapter: hears through discord.py, sends, and connects again by itself."""

import asyncio
import logging
from contextlib import suppress
from typing import Final

import discord

from adapters.base import Address, Attachment, Hearing, Post, SendFailed, Shown, Unusable
from adapters.discord import files, sentences, views
from adapters.discord.client import TROUBLE, build_client, check_loopback
from adapters.discord.ears import Ears, KnownRooms
from adapters.discord.obey import whisper
from adapters.discord.receive import link_to
from adapters.discord.send import send
from adapters.discord.views import Source
from adapters.discord.waiting import Waiting

log = logging.getLogger(__name__)

FINAL: Final = {
    4004: sentences.BAD_TOKEN,
    4011: sentences.TOO_MANY_GUILDS,
    4014: sentences.NO_CONTENT,
}
FIRST_WAIT, LONGEST_WAIT = 1.0, 120.0  # seconds; Discord allows 1,000 sessions a day
STEADY: Final = 600.0  # seconds after which a connection counts as a good one
PATIENCE: Final = 60.0  # seconds that a reply waits for the connection


async def nowhere() -> list[str]:
    return []


class Discord:
    """An adapter. Makes one client after the other; what they missed is caught up with.

    api_base, gateway_url: of a simulator on loopback; ValueError for any other. auto_thread: a
    question in a channel is answered in a thread. known_rooms: in which something was said so far.
    Discord does not list direct conversations, and after a start they are caught up with.
    """

    name = "discord"

    def __init__(
        self,
        token: str,
        *,
        api_base: str | None = None,
        gateway_url: str | None = None,
        sharded: bool = False,
        auto_thread: bool = False,
        known_rooms: KnownRooms = nowhere,
    ) -> None:
        check_loopback(api_base, gateway_url)
        self._token = token
        self._api_base, self._gateway_url = api_base, gateway_url
        self._sharded = sharded
        self._auto_thread = auto_thread
        self._known_rooms = known_rooms
        self._ears: Ears | None = None
        self._client: discord.Client | None = None
        self._known: dict[int, str] = {}
        self._waiting = Waiting()

    # ---- hearing

    def client(self, hearing: Hearing) -> discord.Client:
        """A new client with all handlers in place; `client.start(token)` connects it.

        `send` goes through the last one that was made.
        """
        if self._ears is None:
            self._ears = Ears(hearing, auto_thread=self._auto_thread, known_rooms=self._known_rooms)
        self._client = build_client(
            sharded=self._sharded, api_base=self._api_base, gateway_url=self._gateway_url
        )
        self._ears.attach(self._client)
        return self._client

    async def run(self, hearing: Hearing) -> None:
        """Until cancelled. Raises Unusable when a person has to act before it can go on."""
        wait, loop = FIRST_WAIT, asyncio.get_running_loop()
        try:
            while True:
                began = loop.time()
                # Whatever ends a client, another one is made: a frame that discord.py cannot read
                # raises any error, and it dies of an AttributeError if it never got a connection.
                [ended] = await asyncio.gather(self._run_once(hearing), return_exceptions=True)
                if isinstance(ended, Unusable):
                    raise ended
                _tell(ended)
                if loop.time() - began > STEADY:
                    wait = FIRST_WAIT
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)
        finally:
            self._client = None

    async def _run_once(self, hearing: Hearing) -> None:
        """One client, until it ends."""
        client = self.client(hearing)
        try:
            async with client:
                try:
                    await self._connected(client)
                finally:
                    await self._waiting.stop()
        finally:
            if self._ears is not None:
                await self._ears.stop()

    async def _connected(self, client: discord.Client) -> None:
        try:
            await client.start(self._token)
        except discord.LoginFailure as error:
            raise Unusable(sentences.BAD_TOKEN) from error
        except discord.PrivilegedIntentsRequired as error:
            raise Unusable(sentences.NO_CONTENT) from error
        except discord.ConnectionClosed as error:
            raise Unusable(FINAL.get(error.code) or sentences.closed(error.code)) from error

    # ---- sending

    async def send(self, post: Post) -> str:
        if self._client is None or self._ears is None:
            raise SendFailed(sentences.NOT_CONNECTED)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._ears.online.wait()
        client = self._client
        if client is None or client.user is None or client.is_closed():
            raise SendFailed(sentences.NOT_CONNECTED)
        panel = views.messages(post.shown, Source(line=post.line)) if post.shown else []
        return await send(
            client, post, self._known, [(message.text, message.view) for message in panel]
        )

    async def working(self, address: Address, *, begun: bool) -> None:
        """Typing, from now on until the answer is there; the message is marked if it takes long."""
        self._waiting.end(address)
        if begun and self._client is not None and self._ears and self._ears.online.is_set():
            self._waiting.begin(self._client, address, self._ears.newest.get(address.room))

    async def whisper(self, address: Address, user: str, shown: Shown) -> None:
        """In a direct message: without a command of theirs, nothing else is for one person."""
        client = self._client
        if client is None or client.user is None or client.is_closed():
            raise SendFailed(sentences.NOT_CONNECTED)
        await whisper(client, address, user, shown)

    # ---- looking

    async def fetch(self, attachment: Attachment, most: int) -> bytes:
        return await files.fetch(attachment, most, simulated=self._api_base is not None)

    def link(self, address: Address, event: str) -> str:
        return link_to(address, event)


def _tell(ended: BaseException | None) -> None:
    """Why there is another attempt; with the place in the code where it is no plain outage."""
    known = ended is None or isinstance(ended, (*TROUBLE, AttributeError))
    log.warning(
        "Discord is away (%s); trying again.",
        type(ended).__name__ if ended else "closed",
        exc_info=None if known else ended,
        extra={"action": "discord_away"},
    )
