"""A reply as messages of Discord: cut to size, each posted once, never ringing anybody's bell."""

import base64
import hashlib
import io
from collections.abc import Sequence
from typing import Final

import discord

from adapters.base import Address, Post, SendFailed
from adapters.discord import sentences
from adapters.discord.client import TROUBLE
from adapters.discord.receive import DIRECT, text_of
from adapters.text import split

LIMIT: Final = 2000  # characters of a message
MOST: Final = 5  # messages; where the bot is no member, Discord takes no more to one command
TITLE: Final = 80  # characters of a thread's name; Discord takes 100
HAS_THREAD: Final = 160004  # Discord's code: the message has a thread already


async def send(client: discord.Client, post: Post) -> str:
    """Post all parts in order, and return the id of the first; "" where there is nothing to say.

    A part that Discord has already from an earlier attempt is not posted twice: its nonce is the
    same, which Discord remembers for some minutes. Raises SendFailed.
    """
    parts = split(post.text, LIMIT)
    try:
        channel = await _place(client, post)
        if first := await _send_short(channel, parts, post):
            return str(first.id)
        sent = [await _post(channel, part, post, number) for number, part in enumerate(parts)]
    except TROUBLE as error:
        raise failure(error, post.address) from error
    return str(sent[0].id) if sent else ""


async def _send_short(
    channel: discord.PartialMessageable, parts: Sequence[str], post: Post
) -> discord.Message | None:
    """None where the reply is not long, or the bot may give no files there."""
    short = shortened(parts, post.text.strip("\n"))
    if short is None:
        return None
    try:
        return await _post(channel, short[0], post, 0, [short[1]])
    except discord.Forbidden:
        return None


async def _post(
    channel: discord.PartialMessageable,
    part: str,
    post: Post,
    number: int,
    files: Sequence[discord.File] = (),
) -> discord.Message:
    once = nonce(post.address.room, post.key, str(number))
    question = _question(post, channel.id) if number == 0 else None
    if question is None:
        return await channel.send(part, nonce=once, files=files)
    return await channel.send(part, nonce=once, files=files, reference=question)


def nonce(*parts: str) -> str:
    """24 characters for what is to be posted once."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=15).digest()
    return base64.b32encode(digest).decode()


def failure(error: Exception, address: Address) -> SendFailed:
    """What went wrong, and whether it is worth another attempt."""
    if isinstance(error, discord.RateLimited):
        return SendFailed("Discord limits the rate of posts.", retry_after=error.retry_after)
    if not isinstance(error, discord.HTTPException):
        return SendFailed(f"Discord cannot be reached ({type(error).__name__}).")
    if error.status == 429:
        wait = error.response.headers.get("Retry-After", "")
        after = float(wait) if wait.replace(".", "", 1).isdigit() else None
        return SendFailed("Discord limits the rate of posts.", retry_after=after)
    if error.status >= 500:
        return SendFailed(f"Discord has trouble (HTTP {error.status}).")
    if error.status == 401:
        return SendFailed(sentences.BAD_TOKEN, final=True)
    return SendFailed(sentences.refused(error.code, address), final=True)


def _question(post: Post, channel: int) -> discord.MessageReference | None:
    """The newest message that is answered: shown above the answer where several people speak."""
    question = post.answers[-1] if post.answers else ""
    if post.address.space == DIRECT or not question.isdigit() or question == str(channel):
        return None
    return discord.MessageReference(
        message_id=int(question), channel_id=channel, fail_if_not_exists=False
    )


# ---- threads


async def _place(client: discord.Client, post: Post) -> discord.PartialMessageable:
    """Where a reply goes: a thread for it is opened if it is not there yet."""
    address = post.address
    place = int(address.thread or address.channel)
    asked_by = address.thread is not None and address.thread in post.answers
    if asked_by and client.get_channel(place) is None and not await open_thread(client, address):
        place = int(address.channel)
    return client.get_partial_messageable(place)


async def open_thread(client: discord.Client, address: Address) -> bool:
    """Open the thread that hangs on a question, whose id it has. False if Discord refuses."""
    channel = client.get_partial_messageable(int(address.channel), guild_id=int(address.space))
    question = channel.get_partial_message(int(address.thread or 0))
    assert client.user is not None, "no questions come before login"
    try:
        message = await question.fetch()
        if not message.flags.has_thread:
            await message.create_thread(name=title(text_of(message, client.user)))
    except discord.HTTPException as error:
        return error.code == HAS_THREAD
    return True


def title(text: str) -> str:
    """A thread's name, from the question."""
    line = " ".join(text.split())
    return line if 0 < len(line) <= TITLE else f"{line[: TITLE - 1]}…"


# ---- long ones


def shortened(parts: Sequence[str], whole: str) -> tuple[str, discord.File] | None:
    """In place of more messages than anybody reads: the beginning, and a file with all of it."""
    if len(parts) <= MOST:
        return None
    beginning, *_ = split(whole, LIMIT - len(sentences.WHOLE_IN_FILE) - 2)
    return f"{beginning}\n\n{sentences.WHOLE_IN_FILE}", as_file("answer.md", whole)


def as_file(name: str, text: str) -> discord.File:
    return discord.File(io.BytesIO(text.encode()), filename=name)
