"""Messages: written, edited, deleted, reacted to. One set of rules for people and for the bot."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from bot.testing.discord.checks import PERSON_TEXT, TEXT, check_allowed, check_message
from bot.testing.discord.errors import ApiError, Code, invalid
from bot.testing.discord.payloads import emoji_json, full_member_json
from bot.testing.discord.records import (
    COMPONENTS_V2,
    FILE_LIMIT,
    LOADING,
    Attachment,
    Channel,
    Intent,
    Json,
    Message,
    Permission,
    Said,
    User,
)
from bot.testing.discord.threads import join_thread
from bot.testing.discord.world import World

NONCE_SECONDS = 300  # "the past few minutes"

_MESSAGES = (Intent.GUILD_MESSAGES, Intent.DIRECT_MESSAGES)
_REACTIONS = (Intent.GUILD_REACTIONS, Intent.DIRECT_REACTIONS)
_TYPING = (Intent.GUILD_TYPING, Intent.DIRECT_TYPING)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    name: str
    data: bytes
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is to be posted. body: as the API takes it. reply_to is in body["message_reference"].

    kind, only_for, interaction: of answers to interactions.
    """

    body: Json
    files: Sequence[File] = ()
    kind: Said = Said.PLAIN
    only_for: User | None = None
    interaction: Json | None = None


def post(world: World, channel: Channel, author: User, draft: Draft) -> Message:
    """Posts, and tells. Raises ApiError for what Discord does not take."""
    body = draft.body
    flags = int(body.get("flags") or 0)
    if not flags & LOADING:
        check_message(body, len(draft.files), TEXT if author.bot else PERSON_TEXT)
    check_allowed(body.get("allowed_mentions"))
    target = _target(channel, body.get("message_reference"))
    earlier = _earlier(world, author, body)
    if earlier:
        return earlier
    _wake(world, channel, author)
    message = Message(
        id=world.snowflake(),
        channel=channel,
        author=author,
        content=body.get("content") or "",
        at=world.stamp(),
        kind=Said.REPLY if target else draft.kind,
        embeds=body.get("embeds") or [],
        components=_numbered(body.get("components") or []),
        attachments=_attached(world, channel, body, draft.files),
        reply_to=target,
        flags=flags,
        nonce=body.get("nonce"),
        only_for=draft.only_for,
        interaction=draft.interaction,
    )
    _mention(world, message, body.get("allowed_mentions"))
    channel.messages[message.id] = message
    if message.nonce and author is world.bot:
        world.app.nonces[message.nonce] = (world.now(), message)
    _invite_mentioned(world, message)
    world.tell_message("MESSAGE_CREATE", message)
    return message


def edit(world: World, message: Message, body: Json, files: Sequence[File] = ()) -> Message:
    """Changes what body names, and tells. Raises ApiError for what Discord does not take."""
    merged: Json = {
        "content": body.get("content", message.content),
        "embeds": body.get("embeds", message.embeds),
        "components": body.get("components", message.components),
        "flags": (message.flags & COMPONENTS_V2) | int(body.get("flags") or 0),
    }
    kept = _kept(message, body)
    limit = TEXT if message.author.bot else PERSON_TEXT
    check_message(merged, len(kept) + len(files), limit)
    check_allowed(body.get("allowed_mentions"))
    added = _attached(world, message.channel, body, files)
    message.content = merged["content"] or ""
    message.embeds = merged["embeds"] or []
    message.components = _numbered(merged["components"] or [])
    message.attachments = kept + added
    message.edited = message.edited if message.loading else world.stamp()
    message.flags = (message.flags & ~LOADING) | (merged["flags"] & COMPONENTS_V2)
    rung = message.pings
    _mention(world, message, body.get("allowed_mentions"))
    message.pings = rung  # an edit notifies nobody
    world.tell_message("MESSAGE_UPDATE", message)
    return message


def unfurl(world: World, message: Message, embed: Json) -> None:
    """A link gets its preview: an update that is no edit."""
    message.embeds = [*message.embeds, embed]
    world.tell_message("MESSAGE_UPDATE", message)


def delete(world: World, messages: Sequence[Message]) -> None:
    """Deletes messages of one channel; several at once are told of by one event."""
    channel = messages[0].channel
    for message in messages:
        message.deleted = True
        del channel.messages[message.id]
    if len(messages) == 1:
        world.tell_place("MESSAGE_DELETE", channel, {"id": messages[0].id}, _MESSAGES)
    else:
        ids = [message.id for message in messages]
        world.tell_place("MESSAGE_DELETE_BULK", channel, {"ids": ids}, _MESSAGES)


def react(world: World, message: Message, user: User, emoji: str) -> None:
    """Adds a reaction, once. emoji: a character, or name:id."""
    if emoji.isascii() and not re.fullmatch(r"\w+:\d+", emoji):
        raise ApiError(Code.UNKNOWN_EMOJI)
    who = message.reactions.setdefault(emoji, [])
    if user not in who:
        who.append(user)
        _tell_reaction(world, "MESSAGE_REACTION_ADD", message, user, emoji)


def unreact(world: World, message: Message, user: User, emoji: str) -> None:
    """Takes a reaction back, if it is there."""
    who = message.reactions.get(emoji, [])
    if user in who:
        who.remove(user)
        if not who:
            del message.reactions[emoji]
        _tell_reaction(world, "MESSAGE_REACTION_REMOVE", message, user, emoji)


def tell_typing(world: World, channel: Channel, user: User) -> None:
    data: Json = {"user_id": user.id, "timestamp": int(world.now())}
    if channel.guild:
        data["member"] = full_member_json(channel.guild.members[user.id])
    world.tell_place("TYPING_START", channel, data, _TYPING)


def _tell_reaction(world: World, name: str, message: Message, user: User, emoji: str) -> None:
    data: Json = {
        "user_id": user.id,
        "message_id": message.id,
        "emoji": emoji_json(emoji),
        "burst": False,
        "type": 0,
    }
    if name.endswith("ADD"):
        data["message_author_id"] = message.author.id
        if message.channel.guild:
            data["member"] = full_member_json(message.channel.guild.members[user.id])
    world.tell_place(name, message.channel, data, _REACTIONS)


def _target(channel: Channel, reference: Json | None) -> str | None:
    """The id of the message that is answered."""
    if not reference:
        return None
    id_ = str(reference.get("message_id"))
    if id_ in channel.messages:
        return id_
    if reference.get("fail_if_not_exists", True):
        raise invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
    return None


def _earlier(world: World, author: User, body: Json) -> Message | None:
    """The message that was sent with the same nonce, if the sender wants it to be the same."""
    nonce = body.get("nonce")
    if not nonce or not body.get("enforce_nonce") or author is not world.bot:
        return None
    at, message = world.app.nonces.get(nonce, (0.0, None))
    return message if world.now() - at <= NONCE_SECONDS else None


def _wake(world: World, channel: Channel, author: User) -> None:
    """A message opens an archived thread again, if it is not locked."""
    if not channel.archived:
        return
    allowed = world.permissions(author, channel)
    if channel.locked and Permission.MANAGE_THREADS not in allowed:
        raise ApiError(Code.THREAD_ARCHIVED)
    channel.archived = False
    world.tell_channel("THREAD_UPDATE", channel)


def _invite_mentioned(world: World, message: Message) -> None:
    """Who is mentioned in a thread joins it."""
    thread = message.channel
    if not thread.is_thread:
        return
    for user in (message.author, *message.mentions):
        if user.id not in thread.people and world.permissions(user, thread):
            join_thread(world, thread, user)


def _mention(world: World, message: Message, allowed: Json | None) -> None:
    """Sets who is mentioned. What allowed_mentions leaves out is text, and rings nowhere."""
    content = message.content
    users = [world.users[i] for i in re.findall(r"<@!?(\d+)>", content) if i in world.users]
    roles = re.findall(r"<@&(\d+)>", content)
    target = message.channel.messages.get(message.reply_to or "")
    replied = target.author if target else None
    parse = {"users", "roles", "everyone"} if allowed is None else set(allowed.get("parse") or [])
    only = allowed or {}
    named = {str(id_) for id_ in only.get("users") or []}
    message.mentions = list(dict.fromkeys(u for u in users if "users" in parse or u.id in named))
    if replied and only.get("replied_user", allowed is None) and replied not in message.mentions:
        message.mentions.append(replied)
    named = {str(id_) for id_ in only.get("roles") or []}
    message.mention_roles = [r for r in roles if "roles" in parse or r in named]
    loud = Permission.MENTION_EVERYONE in world.permissions(message.author, message.channel)
    calls = re.search(r"@(everyone|here)\b", content) is not None
    message.mention_everyone = calls and loud and "everyone" in parse
    message.pings = _pings(message)


def _pings(message: Message) -> set[str]:
    pinged = {user.id for user in message.mentions}
    if message.channel.guild:
        for id_, member in message.channel.guild.members.items():
            if message.mention_everyone or member.roles & set(message.mention_roles):
                pinged.add(id_)
    return pinged - {message.author.id}


def _kept(message: Message, body: Json) -> list[Attachment]:
    if "attachments" not in body:
        return message.attachments
    ids = {str(a.get("id")) for a in body["attachments"] or []}
    return [a for a in message.attachments if a.id in ids]


def _attached(
    world: World, channel: Channel, body: Json, files: Sequence[File]
) -> list[Attachment]:
    about = {str(a.get("id")): a for a in body.get("attachments") or []}
    found = [keep_file(world, channel, file) for file in files]
    for number, attachment in enumerate(found):
        attachment.description = about.get(str(number), {}).get("description")
    return found


def keep_file(world: World, channel: Channel, file: File) -> Attachment:
    """Puts a file where it can be fetched from. Raises ApiError if it is too large."""
    if len(file.data) > FILE_LIMIT:
        raise ApiError(Code.TOO_LARGE)
    id_ = world.snowflake()
    kept = Attachment(
        id=id_,
        name=file.name,
        data=file.data,
        content_type=file.content_type,
        url=f"{world.app.files_url}/{channel.id}/{id_}/{quote(file.name)}",
    )
    world.files[id_] = kept
    return kept


def _numbered(components: list[Json]) -> list[Json]:
    """Discord gives each component an id, in the order in which one reads them."""
    count = 0

    def number(component: Json) -> Json:
        nonlocal count
        count += 1
        copy = {"id": count, **component}
        for key in ("components", "component", "accessory"):
            inner = component.get(key)
            if isinstance(inner, list):
                copy[key] = [number(part) for part in inner]
            elif isinstance(inner, dict):
                copy[key] = number(inner)
        return copy

    return [number(component) for component in components]
