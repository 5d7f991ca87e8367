"""Discord as an adapter: hears through discord.py, sends, and connects again by itself."""

import asyncio
import logging
from contextlib import suppress
from typing import Final

import discord

from adapters.base import Address, Hearing, Post, SendFailed, Unusable
from adapters.discord import sentences
from adapters.discord.client import TROUBLE, build_client, check_loopback
from adapters.discord.ears import Ears, KnownDms
from adapters.discord.send import send

log = logging.getLogger(__name__)

FINAL: Final = {
    4004: sentences.BAD_TOKEN,
    4011: sentences.TOO_MANY_GUILDS,
    4014: sentences.NO_CONTENT,
}
FIRST_WAIT, LONGEST_WAIT = 1.0, 120.0  # seconds; Discord allows 1,000 sessions a day
STEADY: Final = 600.0  # seconds after which a connection counts as a good one
PATIENCE: Final = 60.0  # seconds that a reply waits for the connection
TYPING: Final = 8.0  # seconds; Discord shows it for ten
LONGEST_TYPING: Final = 300.0  # seconds, if nobody says that the answer is there


async def nobody() -> list[tuple[str, str]]:
    return []


class Discord:
    """An adapter. Makes one client after the other; what they missed is caught up with.

    api_base, gateway_url: of a simulator on loopback; ValueError for any other. auto_thread: a
    question in a channel is answered in a thread. known_dms: (channel id, user id) of the direct
    conversations so far: Discord does not list them, and after a start they are caught up with.
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
        known_dms: KnownDms = nobody,
    ) -> None:
        check_loopback(api_base, gateway_url)
        self._token = token
        self._api_base, self._gateway_url = api_base, gateway_url
        self._sharded = sharded
        self._auto_thread = auto_thread
        self._known_dms = known_dms
        self._ears: Ears | None = None
        self._client: discord.Client | None = None
        self._typing: dict[str, asyncio.Task[None]] = {}  # by room

    # ---- hearing

    def client(self, hearing: Hearing) -> discord.Client:
        """A new client with all handlers in place; `client.start(token)` connects it.

        `send` goes through the last one that was made.
        """
        if self._ears is None:
            self._ears = Ears(hearing, auto_thread=self._auto_thread, known_dms=self._known_dms)
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
                await self._connected(client)
        finally:
            for typing in self._typing.values():
                typing.cancel()
            self._typing.clear()
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
        return await send(client, post)

    async def working(self, address: Address, *, begun: bool) -> None:
        """Typing, from now on until the answer is there."""
        if shown := self._typing.pop(address.room, None):
            shown.cancel()
        if begun and self._client is not None and self._ears and self._ears.online.is_set():
            typing = self._type(self._client, address)
            self._typing[address.room] = self._client.loop.create_task(typing, name="typing")

    async def _type(self, client: discord.Client, address: Address) -> None:
        thread = int(address.thread or 0)
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_TYPING):
                while True:
                    place = thread if client.get_channel(thread) else int(address.channel)
                    with suppress(*TROUBLE):
                        await client.get_partial_messageable(place).typing()
                    await asyncio.sleep(TYPING)


def _tell(ended: BaseException | None) -> None:
    """Why there is another attempt; with the place in the code where it is no plain outage."""
    known = ended is None or isinstance(ended, (*TROUBLE, AttributeError))
    log.warning(
        "Discord is away (%s); trying again.",
        type(ended).__name__ if ended else "closed",
        exc_info=None if known else ended,
        extra={"action": "discord_away"},
    )
