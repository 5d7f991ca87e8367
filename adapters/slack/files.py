"""Files that people post: fetched with the bot's token, from Slack and from nowhere else."""

import asyncio
from typing import Final

import aiohttp
import yarl
from slack_sdk.web.async_client import AsyncWebClient

from adapters.base import Attachment, FetchFailed
from adapters.slack import sentences
from adapters.slack.app import REAL

SLACK: Final = (".slack.com", ".slack-files.com")
HTML: Final = "text/html"
PATIENCE: Final = 60.0  # seconds for a file
CHUNK: Final = 1 << 16  # bytes


async def fetch(client: AsyncWebClient, attachment: Attachment, most: int) -> bytes:
    """The bytes of a file, no more than `most`. Raises FetchFailed.

    Without the scope, Slack answers with a page to sign in, or with the way to it.
    """
    if attachment.size > most:
        raise FetchFailed(sentences.file_too_large(most))
    try:
        url = yarl.URL(attachment.ref)
    except ValueError:
        raise FetchFailed(sentences.NOT_SLACKS) from None
    if not _may_have_token(url, client.base_url):
        raise FetchFailed(sentences.NOT_SLACKS)
    try:
        async with (
            asyncio.timeout(PATIENCE),
            aiohttp.ClientSession() as session,
            session.get(
                url,
                headers={"Authorization": f"Bearer {client.token}"},
                allow_redirects=False,
                proxy=client.proxy,
            ) as response,
        ):
            _check(response, attachment)
            data = await _read(response, most)
    except (aiohttp.ClientError, OSError) as error:
        raise FetchFailed(sentences.file_away(type(error).__name__)) from error
    if response.content_type == HTML and len(data) != attachment.size:
        raise FetchFailed(sentences.NO_FILES)
    return data


def _check(response: aiohttp.ClientResponse, attachment: Attachment) -> None:
    """Raises FetchFailed for what is not the file, before any of it is read."""
    is_page = response.content_type == HTML and not attachment.kind.startswith(HTML)
    if response.status in (404, 410):
        raise FetchFailed(sentences.FILE_GONE)
    if 300 <= response.status < 400 or (response.status == 200 and is_page):
        raise FetchFailed(sentences.NO_FILES)
    if response.status != 200:
        raise FetchFailed(sentences.file_away(f"HTTP {response.status}"))


def _may_have_token(url: yarl.URL, base_url: str) -> bool:
    """Whether it is Slack, or the simulator, that the bot's token goes to."""
    base = yarl.URL(base_url)
    if base_url != REAL:
        return (url.scheme, url.host, url.port) == (base.scheme, base.host, base.port)
    at_slack = f".{url.host}".endswith(SLACK)
    return at_slack and url.scheme == "https" and url.explicit_port is None


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    """Whatever size it was said to have, it is stopped where it is too large."""
    found = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK):
        found += chunk
        if len(found) > most:
            raise FetchFailed(sentences.file_too_large(most))
    return bytes(found)
