"""A reply as messages of Discord: cut to size, each posted once, never ringing anybody's bell."""

import base64
import hashlib
import io
import logging
from collections.abc import Sequence
from typing import Final

import discord

from adapters.base import Address, Post, SendFailed
from adapters.discord import catchup, sentences
from adapters.discord.client import TROUBLE
from adapters.discord.receive import DIRECT, text_of
from adapters.text import split

log = logging.getLogger(__name__)

LIMIT: Final = 2000  # characters of a message
MOST: Final = 5  # messages; where the bot is no member, Discord takes no more to one command
UNTIL_MENDED: Final = 60.0  # seconds; a new token needs a person, and no reply is lost for it
KNOWN: Final = 1000  # messages of this process that are told apart
LOOK_BACK: Final = 100  # messages that are looked through for an earlier attempt
TITLE: Final = 80  # characters of a thread's name; Discord takes 100
HAS_THREAD: Final = 160004  # Discord's code: the message has a thread already


async def send(
    client: discord.Client,
    post: Post,
    known: dict[int, str],
    panel: Sequence[tuple[str, discord.ui.View | None]] = (),
) -> str:
    """Post all parts in order, and return the id of the first; "" where there is nothing to say.

    A part that Discord has already from an earlier attempt is not posted twice: its nonce is the
    same, which Discord remembers for some minutes; after that it is known by its words. Raises
    SendFailed.

    known: which reply a message is that this process posted: it is no other reply's, though the
    words are the same. panel: its messages as they are laid out, where it has buttons.
    """
    whose = nonce(post.address.room, post.key)
    parts = [text for text, _ in panel] or split(post.text, LIMIT)
    views = [view for _, view in panel] or [None] * len(parts)
    try:
        channel = await _place(client, post)
        there = await _posted(client, channel, post) if post.again else []
        there = [message for message in there if known.get(message.id, whose) == whose]
        if first := await _send_short(channel, parts, post, there):
            known[first.id] = whose
            return str(first.id)
        sent = [
            await _post(channel, part, post, number, there, view=view)
            for number, (part, view) in enumerate(zip(parts, views, strict=True))
        ]
    except TROUBLE as error:
        raise failure(error, post.address) from error
    known.update((message.id, whose) for message in sent)
    while len(known) > KNOWN:
        del known[next(iter(known))]
    return str(sent[0].id) if sent else ""


async def _posted(
    client: discord.Client, channel: discord.PartialMessageable, post: Post
) -> list[discord.Message]:
    """The bot's own messages in a reply's place since what it answers. Raises TROUBLE."""
    asked = [int(event) for event in post.answers if event.isdigit()]
    after = discord.Object(min(asked, default=catchup.oldest_of_interest()))
    assert client.user is not None, "nothing is sent before login"
    try:
        found = [message async for message in channel.history(limit=LOOK_BACK, after=after)]
    except discord.Forbidden as error:
        log.warning("an earlier reply could not be looked for: %s", error)
        return []
    return [message for message in found if message.author.id == client.user.id]


def _taken(
    there: list[discord.Message], part: str, question: discord.MessageReference | None
) -> discord.Message | None:
    """The message that a part is already, which is then no other part's."""
    for message in there:
        answers = message.reference.message_id if message.reference else None
        other = answers is not None and (question is None or question.message_id != answers)
        if not other and message.content.strip() == part.strip():
            there.remove(message)
            return message
    return None


async def _send_short(
    channel: discord.PartialMessageable,
    parts: Sequence[str],
    post: Post,
    there: list[discord.Message],
) -> discord.Message | None:
    """None where the reply is not long, or the bot may give no files there."""
    short = shortened(parts, post.text.strip("\n"))
    if short is None:
        return None
    try:
        return await _post(channel, short[0], post, 0, there, [short[1]])
    except discord.Forbidden:
        return None


async def _post(
    channel: discord.PartialMessageable,
    part: str,
    post: Post,
    number: int,
    there: list[discord.Message],
    files: Sequence[discord.File] = (),
    view: discord.ui.View | None = None,
) -> discord.Message:
    once = nonce(post.address.room, post.key, str(number))
    question = _question(post, channel.id) if number == 0 else None
    if taken := _taken(there, part, question):
        return taken
    if view is not None:
        return await channel.send(part, nonce=once, view=view, suppress_embeds=True)
    if question is None:
        return await channel.send(part, nonce=once, files=files, suppress_embeds=True)
    return await channel.send(
        part, nonce=once, files=files, reference=question, suppress_embeds=True
    )


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
        return SendFailed(sentences.BAD_TOKEN, retry_after=UNTIL_MENDED)
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
