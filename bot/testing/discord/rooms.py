"""The REST routes of channels: messages, reactions, threads."""

from bot.testing.discord import posts, threads
from bot.testing.discord.call import Call, Reply
from bot.testing.discord.errors import ApiError, Code
from bot.testing.discord.payloads import channel_json, thread_member_json, user_json
from bot.testing.discord.records import Channel, Guild, Json, Kind, Permission


def get_channel(call: Call) -> Reply:
    return channel_json(call.channel, joined=call.world.bot)


def change_channel(call: Call) -> Reply:
    channel = call.channel
    if not channel.is_thread or channel.owner is not call.world.bot:
        needed = Permission.MANAGE_THREADS if channel.is_thread else Permission.MANAGE_CHANNELS
        call.demand(needed)
    if channel.is_thread:
        threads.update_thread(call.world, channel, call.body)
    else:
        channel.name = call.body.get("name", channel.name)
        call.world.tell_channel("CHANNEL_UPDATE", channel)
    return channel_json(channel, joined=call.world.bot)


def delete_channel(call: Call) -> Reply:
    channel = call.channel
    data = channel_json(channel)
    if channel.kind is not Kind.DM:
        call.demand(Permission.MANAGE_THREADS if channel.is_thread else Permission.MANAGE_CHANNELS)
        call.world.remove_channel(channel)
    return data


def typing(call: Call) -> Reply:
    _may_send(call)
    posts.tell_typing(call.world, call.channel, call.world.bot)
    return None


def history(call: Call) -> Reply:
    """Newest first; before, after or around a message that need not exist any more."""
    channel, query = call.channel, call.query
    if Permission.READ_MESSAGE_HISTORY not in call.world.permissions(call.world.bot, channel):
        return []
    ids = [id_ for id_, message in channel.messages.items() if not message.only_for]
    if "before" in query:
        ids = [id_ for id_ in ids if int(id_) < int(query["before"])][-call.limit :]
    elif "after" in query:
        ids = [id_ for id_ in ids if int(id_) > int(query["after"])][: call.limit]
    elif "around" in query:
        middle, half = int(query["around"]), call.limit // 2
        older = [id_ for id_ in ids if int(id_) < middle][-half:] if half else []
        newer = [id_ for id_ in ids if int(id_) > middle][:half]
        ids = [*older, *([str(middle)] if str(middle) in ids else []), *newer]
    else:
        ids = ids[-call.limit :]
    return [call.shown(channel.messages[id_]) for id_ in reversed(ids)]


def create_message(call: Call) -> Reply:
    _may_send(call)
    channel = call.channel
    if channel.kind is Kind.DM and any(person.closed for person in channel.people.values()):
        raise ApiError(Code.CANNOT_DM)
    if call.files:
        call.demand(Permission.ATTACH_FILES)
    draft = posts.Draft(body=call.body, files=call.files)
    return call.shown(posts.post(call.world, channel, call.world.bot, draft))


def get_message(call: Call) -> Reply:
    call.demand(Permission.READ_MESSAGE_HISTORY)
    return call.shown(call.message)


def edit_message(call: Call) -> Reply:
    message = call.message
    if message.author is not call.world.bot:
        raise ApiError(Code.NOT_YOURS)
    if message.channel.archived:
        raise ApiError(Code.THREAD_ARCHIVED)
    return call.shown(posts.edit(call.world, message, call.body, call.files))


def delete_message(call: Call) -> Reply:
    message = call.message
    if message.author is not call.world.bot:
        if message.channel.kind is Kind.DM:
            raise ApiError(Code.NOT_IN_DM)
        call.demand(Permission.MANAGE_MESSAGES)
    posts.delete(call.world, [message])
    return None


def add_reaction(call: Call) -> Reply:
    call.demand(Permission.READ_MESSAGE_HISTORY)
    if call.params["emoji"] not in call.message.reactions:
        call.demand(Permission.ADD_REACTIONS)
    if call.channel.archived:
        raise ApiError(Code.THREAD_ARCHIVED)
    posts.react(call.world, call.message, call.world.bot, call.params["emoji"])
    return None


def remove_reaction(call: Call) -> Reply:
    user = call.user
    if user is not call.world.bot:
        call.demand(Permission.MANAGE_MESSAGES)
    posts.unreact(call.world, call.message, user, call.params["emoji"])
    return None


def get_reactions(call: Call) -> Reply:
    who = call.message.reactions.get(call.params["emoji"], [])
    return [user_json(user) for user in who]


def _may_send(call: Call) -> None:
    inside = call.channel.is_thread
    call.demand(Permission.SEND_MESSAGES_IN_THREADS if inside else Permission.SEND_MESSAGES)


# ---- threads


def thread_from_message(call: Call) -> Reply:
    name = str(call.body.get("name"))
    made = threads.open_thread(call.world, call.channel, call.world.bot, name, of=call.message)
    return channel_json(made, joined=call.world.bot)


def thread_beside(call: Call) -> Reply:
    name, private = str(call.body.get("name")), call.body.get("type") != int(Kind.THREAD)
    made = threads.open_thread(call.world, call.channel, call.world.bot, name, private=private)
    return channel_json(made, joined=call.world.bot)


def active_threads(call: Call) -> Reply:
    return _threads(call, [c for c in _seen_threads(call, call.guild) if not c.archived])


def archived_threads(call: Call) -> Reply:
    parent = call.channel
    assert parent.guild is not None
    found = [c for c in _seen_threads(call, parent.guild) if c.archived and c.parent is parent]
    return {**_threads(call, found), "has_more": False}


def _seen_threads(call: Call, guild: Guild) -> list[Channel]:
    rooms = [c for c in call.world.channels.values() if c.guild is guild and c.is_thread]
    return [c for c in rooms if call.world.bot_sees(c)]


def _threads(call: Call, found: list[Channel]) -> Json:
    bot = call.world.bot
    mine = [thread_member_json(c, bot) for c in found if bot.id in c.people]
    return {"threads": [channel_json(c, joined=bot) for c in found], "members": mine}


def join_thread(call: Call) -> Reply:
    if call.channel.archived:
        raise ApiError(Code.THREAD_ARCHIVED)
    threads.join_thread(call.world, call.channel, call.user)
    return None


def leave_thread(call: Call) -> Reply:
    if call.user is not call.world.bot and call.channel.owner is not call.world.bot:
        call.demand(Permission.MANAGE_THREADS)
    threads.leave_thread(call.world, call.channel, call.user)
    return None


def thread_members(call: Call) -> Reply:
    return [thread_member_json(call.channel, user) for user in call.channel.people.values()]
