"""Makes Slack's client and Bolt's app: an event is taken first, and acknowledged after."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit

from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import sentences
from adapters.slack.trouble import told

log = logging.getLogger(__name__)
LIBRARY: Final = logging.getLogger("adapters.slack.library")  # of Bolt and the SDK
LIBRARY.setLevel(logging.ERROR)

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
REAL: Final = "https://slack.com/api/"

Json = dict[str, Any]
Take = Callable[[Json], Awaitable[None]]  # a payload; returns once it may be acknowledged


def build_client(
    token: str, *, api_base: str | None = None, repeats: bool = True
) -> AsyncWebClient:
    """A client of the Web API that waits where Slack asks it to.

    api_base: of a simulator on loopback, such as "http://127.0.0.1:8080/api/"; ValueError for any
    other host. repeats: what got no answer, or a server's error, is asked once more; not for posts,
    which may have gone through.
    """
    if api_base and urlsplit(api_base).hostname not in LOOPBACK:
        raise ValueError(sentences.only_loopback(api_base))
    handlers: list[AsyncRetryHandler] = [AsyncRateLimitErrorRetryHandler(max_retry_count=2)]
    if repeats:
        handlers += [AsyncServerErrorRetryHandler(), AsyncConnectionErrorRetryHandler()]
    base = f"{api_base.rstrip('/')}/" if api_base else REAL
    client = AsyncWebClient(token=token, base_url=base, retry_handlers=handlers, logger=LIBRARY)
    if api_base:
        client.proxy = None  # the SDK takes HTTPS_PROXY for loopback too
    return client


def build_app(client: AsyncWebClient, take: Take, *, signing_secret: str = "") -> AsyncApp:
    """Bolt's app: what `take` took is acknowledged, whatever it is; where it raises, it is not.

    It runs before Bolt's own authorization, which would acknowledge an event although `auth.test`
    failed. So nothing is ever answered with 404, which Slack would send again.
    """

    async def take_first(body: Json, next_: Callable[[], Awaitable[None]]) -> BoltResponse | None:
        if body.get("type") == "url_verification":
            await next_()
            return None
        await take(body)
        return BoltResponse(status=200)

    app = AsyncApp(
        name="reverie",
        logger=LIBRARY,
        client=client,
        signing_secret=signing_secret,
        before_authorize=take_first,
        process_before_response=True,
    )
    app.error(_not_taken)
    return app


async def _not_taken(error: Exception) -> None:
    note = {"action": "slack_not_taken"}
    log.error("not taken, Slack will send it again: %s", told(error), extra=note)
