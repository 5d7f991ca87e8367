"""Files that people post: fetched from Discord and from nowhere else."""

import asyncio
from typing import Final

import aiohttp
import yarl

from adapters.base import Attachment, FetchFailed
from adapters.discord import sentences
from adapters.discord.client import LOOPBACK

HOSTS: Final = frozenset({"cdn.discordapp.com", "media.discordapp.net"})
PATIENCE: Final = 60.0  # seconds for a file
CHUNK: Final = 1 << 16  # bytes


async def fetch(attachment: Attachment, most: int, *, simulated: bool) -> bytes:
    """The bytes of a file, no more than `most`. simulated: it may lie on this machine.

    Raises FetchFailed.
    """
    if attachment.size > most:
        raise FetchFailed(sentences.file_too_large(most))
    url = yarl.URL(attachment.ref)
    at_discord = url.scheme == "https" and url.host in HOSTS and url.explicit_port is None
    if not at_discord and not (simulated and url.host in LOOPBACK):
        raise FetchFailed(sentences.NOT_DISCORDS)
    try:
        async with (
            asyncio.timeout(PATIENCE),
            aiohttp.ClientSession() as session,
            session.get(url, allow_redirects=False) as response,
        ):
            if response.status in (403, 404, 410):
                raise FetchFailed(sentences.FILE_GONE)
            if response.status != 200:
                raise FetchFailed(sentences.file_away(f"HTTP {response.status}"))
            return await _read(response, most)
    except (aiohttp.ClientError, OSError) as error:
        raise FetchFailed(sentences.file_away(type(error).__name__)) from error


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    """Whatever size it was said to have, it is stopped where it is too large."""
    found = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK):
        found += chunk
        if len(found) > most:
            raise FetchFailed(sentences.file_too_large(most))
    return bytes(found)
