"""A small bot of the real slack-bolt and slack-sdk, over either transport, for the tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient

from bot.testing.slack import FakeSlack, Timing

QUICK = Timing(ack=0.3, retries=(0.01, 0.02, 0.03), trigger=0.3, response_url=30, status=30)


class Bot:
    """The app, its client, and every event that it got."""

    def __init__(self, slack: FakeSlack, session: ClientSession) -> None:
        self.client = AsyncWebClient(
            token=slack.app.bot_token,
            base_url=slack.api_url,
            session=session,
            retry_handlers=[
                AsyncRateLimitErrorRetryHandler(max_retry_count=3),
                AsyncServerErrorRetryHandler(),
            ],
        )
        self.app = AsyncApp(
            client=self.client,
            signing_secret=slack.app.signing_secret,
            process_before_response=True,
            ignoring_self_events_enabled=False,
        )
        self.events: list[dict[str, Any]] = []
        self.ids: list[str] = []  # event ids, as often as they came
        self.retries: list[str] = []  # of each event, the number of its attempt
        self.app.event({"type": "message"})(self._keep)
        self.keep("app_mention", "reaction_added", "reaction_removed", "file_shared")
        self.keep("member_joined_channel", "member_left_channel", "channel_left")
        self.keep("channel_archive", "channel_deleted", "agent_session_stopped")

    def keep(self, *kinds: str) -> None:
        """Take these events too."""
        for kind in kinds:
            self.app.event(kind)(self._keep)

    async def _keep(self, event: dict[str, Any], body: dict[str, Any], request: Any) -> None:
        self.events.append(event)
        self.ids.append(body["event_id"])
        self.retries.append(request.headers.get("x-slack-retry-num", [""])[0])

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The events of a type, or of a subtype of messages."""
        return [event for event in self.events if kind in (event["type"], event.get("subtype"))]


@asynccontextmanager
async def bot_of(slack: FakeSlack) -> AsyncIterator[Bot]:
    """A bot that only calls."""
    async with ClientSession() as session:
        yield Bot(slack, session)


@asynccontextmanager
async def by_socket(slack: FakeSlack) -> AsyncIterator[Bot]:
    async with bot_of(slack) as bot:
        handler = AsyncSocketModeHandler(bot.app, slack.app.app_token, ping_interval=0.2)
        await handler.connect_async()  # type: ignore[no-untyped-call]
        await slack.connected()
        try:
            yield bot
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def by_http(slack: FakeSlack) -> AsyncIterator[Bot]:
    async with bot_of(slack) as bot, served(bot.app) as url:
        await slack.use_http(url)
        yield bot


@asynccontextmanager
async def served(app: AsyncApp) -> AsyncIterator[str]:
    """The request URL of an app in HTTP mode."""

    async def events(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    site = web.Application()
    site.router.add_post("/slack/events", events)
    runner = web.AppRunner(site, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    finally:
        await runner.cleanup()
