"""The records as JSON: with every field that a client library reads, and no other."""

from typing import Any

from bot.testing.discord.records import (
    Attachment,
    Channel,
    Guild,
    Json,
    Kind,
    Member,
    Message,
    Permission,
    Role,
    Said,
    User,
)


def user_json(user: User) -> Json:
    return {
        "id": user.id,
        "username": user.name if user.bot else user.name.lower(),
        "discriminator": "0000" if user.bot else "0",
        "global_name": None if user.bot else user.name,
        "avatar": None,
        "bot": user.bot,
        "public_flags": 0,
    }


def member_json(member: Member, permissions: Permission | None = None) -> Json:
    """Without its user: with it, `{**member_json(m), "user": user_json(m.user)}`."""
    data: Json = {
        "roles": sorted(member.roles),
        "nick": None,
        "avatar": None,
        "joined_at": member.joined,
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
        "communication_disabled_until": None,
    }
    return data if permissions is None else {**data, "permissions": bits(permissions)}


def full_member_json(member: Member) -> Json:
    return {**member_json(member), "user": user_json(member.user)}


def role_json(role: Role) -> Json:
    return {
        "id": role.id,
        "name": role.name,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "position": role.position,
        "permissions": bits(role.permissions),
        "managed": role.managed,
        "mentionable": False,
        "flags": 0,
    }


def guild_json(guild: Guild) -> Json:
    """A guild as REST tells it: without its channels and members."""
    return {
        "id": guild.id,
        "name": guild.name,
        "owner_id": guild.owner.id,
        "icon": None,
        "roles": [role_json(role) for role in guild.roles.values()],
        "emojis": [],
        "stickers": [],
        "features": [],
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "premium_tier": 0,
        "preferred_locale": "en-US",
        "afk_timeout": 300,
        "afk_channel_id": None,
        "system_channel_id": None,
        "system_channel_flags": 0,
    }


def guild_create_json(guild: Guild, channels: list[Channel], bot: User) -> Json:
    """GUILD_CREATE. Without presences only the bot is listed; the others are asked for by op 8."""
    rooms = [c for c in channels if c.guild is guild]
    threads = [c for c in rooms if c.is_thread and not c.archived]
    return {
        **guild_json(guild),
        "joined_at": guild.joined,
        "large": False,
        "member_count": len(guild.members),
        "members": [full_member_json(guild.members[bot.id])],
        "channels": [channel_json(c) for c in rooms if not c.is_thread],
        "threads": [channel_json(c, joined=bot) for c in threads],
        "presences": [],
        "voice_states": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def channel_json(channel: Channel, joined: User | None = None) -> Json:
    """joined: the reader, whose membership is told with a thread that they joined."""
    last = next(reversed(channel.messages), None)
    data: Json = {
        "id": channel.id,
        "type": int(channel.kind),
        "last_message_id": last,
        "flags": 0,
    }
    if channel.kind is Kind.DM:
        people = [user_json(user) for user in channel.people.values() if not user.bot]
        return {**data, "recipients": people}
    assert channel.guild is not None
    data |= {
        "name": channel.name,
        "guild_id": channel.guild.id,
        "parent_id": channel.parent.id if channel.parent else None,
        "rate_limit_per_user": 0,
    }
    if channel.is_thread:
        return {**data, **_thread_json(channel, joined)}
    return {
        **data,
        "position": 0,
        "topic": None,
        "nsfw": False,
        "permission_overwrites": [
            {
                "id": who,
                "type": int(overwrite.of_user),
                "allow": bits(overwrite.allow),
                "deny": bits(overwrite.deny),
            }
            for who, overwrite in channel.overwrites.items()
        ],
    }


def _thread_json(thread: Channel, joined: User | None) -> Json:
    data: Json = {
        "owner_id": thread.owner.id if thread.owner else None,
        "message_count": len(thread.messages),
        "total_message_sent": len(thread.messages),
        "member_count": len(thread.people),
        "thread_metadata": {
            "archived": thread.archived,
            "auto_archive_duration": thread.archive_after,
            "archive_timestamp": thread.archived_at,
            "locked": thread.locked,
        },
    }
    if joined and joined.id in thread.people:
        data["member"] = thread_member_json(thread, joined)
    return data


def thread_member_json(thread: Channel, user: User) -> Json:
    joined = thread.archived_at
    return {"id": thread.id, "user_id": user.id, "join_timestamp": joined, "flags": 0}


def attachment_json(attachment: Attachment) -> Json:
    data: Json = {
        "id": attachment.id,
        "filename": attachment.name,
        "size": len(attachment.data),
        "url": attachment.url,
        "proxy_url": attachment.url,
        "content_type": attachment.content_type,
    }
    return {**data, "description": attachment.description} if attachment.description else data


def emoji_json(emoji: str) -> Json:
    """From the form that is in an address: a character, or name:id."""
    name, _, id_ = emoji.partition(":")
    return {"id": id_ or None, "name": name}


def message_json(message: Message, bot: User, *, content: bool, nested: bool = False) -> Json:
    """content: the reader may read everything. Else the text of strangers is blank, but for
    direct messages to the bot and what mentions it (Gateway: Message Content Intent)."""
    shown = content or message.author is bot or bot in message.mentions
    shown = shown or message.channel.kind is Kind.DM
    data: Json = {
        "id": message.id,
        "type": int(message.kind),
        "channel_id": message.channel.id,
        "author": user_json(message.author),
        "content": message.content if shown else "",
        "timestamp": message.at,
        "edited_timestamp": message.edited,
        "tts": False,
        "mention_everyone": message.mention_everyone,
        "mentions": [user_json(user) for user in message.mentions],
        "mention_roles": list(message.mention_roles),
        "attachments": [attachment_json(a) for a in message.attachments] if shown else [],
        "embeds": message.embeds if shown else [],
        "components": message.components if shown else [],
        "pinned": False,
        "flags": message.flags,
    }
    return data | _extras(message, bot, content, nested)


def _extras(message: Message, bot: User, content: bool, nested: bool) -> Json:
    data: Json = {}
    if message.nonce:
        data["nonce"] = message.nonce
    if message.reactions:
        data["reactions"] = [_reaction(e, who, bot) for e, who in message.reactions.items()]
    if message.interaction:
        data |= message.interaction
    if message.thread:
        data["thread"] = channel_json(message.thread, joined=bot)
    if message.kind is Said.THREAD_CREATED and message.reply_to:
        data["message_reference"] = _reference(message, message.reply_to)
    elif message.reply_to:
        data["message_reference"] = _reference(message, message.channel.id)
        data["message_reference"]["message_id"] = message.reply_to
        target = message.channel.messages.get(message.reply_to)
        if not nested:
            quoted = message_json(target, bot, content=content, nested=True) if target else None
            data["referenced_message"] = quoted
    return data


def _reference(message: Message, channel_id: str) -> Json:
    guild = message.channel.guild
    place = {"type": 0, "channel_id": channel_id}
    return {**place, "guild_id": guild.id} if guild else place


def _reaction(emoji: str, who: list[User], bot: User) -> Json:
    return {
        "emoji": emoji_json(emoji),
        "count": len(who),
        "count_details": {"burst": 0, "normal": len(who)},
        "me": bot in who,
        "me_burst": False,
        "burst_colors": [],
    }


def placed(data: Json, channel: Channel, author: User | None = None) -> Json:
    """What an event adds to an object: where it is, and who its author is there."""
    extra: dict[str, Any] = {"channel_type": int(channel.kind)}
    if channel.guild:
        extra["guild_id"] = channel.guild.id
        member = channel.guild.members.get(author.id) if author else None
        if member:
            extra["member"] = member_json(member)
    return {**data, **extra}


def bits(permissions: Permission) -> str:
    return str(int(permissions))
