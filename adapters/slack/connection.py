"""How Slack reaches the bot: a socket that it opens, or a port that it listens on."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from adapters.base import Unusable
from adapters.slack import sentences

SILENT: Final = logging.getLogger("adapters.slack.socket")  # its errors hold addresses of sockets
SILENT.setLevel(logging.CRITICAL)

PATIENCE: Final = 30.0  # seconds to open a socket
MISSES: Final = 5  # looks at a dead socket, which the SDK should have opened anew by then
HOST: Final = "0.0.0.0"
PATH: Final = "/slack/events"


async def by_socket(
    app: AsyncApp,
    app_token: str,
    client: AsyncWebClient,
    *,
    greeted: Callable[[], None],
    ping_interval: float,
) -> None:
    """One client of Socket Mode, until it cannot be saved. Raises TROUBLE.

    It opens new sockets by itself: when Slack asks for it, when one is closed, when no pong came
    for four intervals. Where it does not (it asks again and again for a socket by an address that
    is used up), this ends. greeted: called for each new socket.
    """
    handler = AsyncSocketModeHandler(
        app, app_token, logger=SILENT, web_client=client, ping_interval=ping_interval
    )
    sdk = handler.client
    sdk.proxy = client.proxy

    async def listen(_: object, message: dict[str, Any], __: str | None) -> None:
        if message.get("type") == "hello":
            greeted()

    sdk.message_listeners.append(listen)
    try:
        sdk.wss_uri = await sdk.issue_new_wss_url()
        async with asyncio.timeout(PATIENCE):
            await sdk.connect()  # type: ignore[no-untyped-call]
        misses = 0
        while misses < MISSES:
            await asyncio.sleep(ping_interval)
            misses = 0 if await sdk.is_connected() else misses + 1
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


async def by_http(app: AsyncApp, port: int, *, ready: Callable[[int], None]) -> None:
    """Serve Slack's signed requests until cancelled. ready: told the port. Raises Unusable."""
    runner = web.AppRunner(app.web_app(path=PATH, port=port), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        ready(int(runner.addresses[0][1]))
        await asyncio.Event().wait()
    except OSError as error:
        raise Unusable(sentences.port_taken(port, error.strerror or str(error))) from error
    finally:
        await runner.cleanup()
