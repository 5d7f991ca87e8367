"""Threads: opened from a message or beside the messages, joined, archived."""

from bot.testing.discord.errors import ApiError, Code
from bot.testing.discord.payloads import thread_member_json
from bot.testing.discord.records import (
    Channel,
    Intent,
    Json,
    Kind,
    Message,
    Permission,
    Said,
    User,
)
from bot.testing.discord.world import World

HAS_THREAD = 1 << 5  # flag of a message


def open_thread(
    world: World,
    channel: Channel,
    owner: User,
    name: str,
    *,
    of: Message | None = None,
    private: bool = False,
) -> Channel:
    """A new thread. of: the message it hangs on, whose id it takes over.

    Raises ApiError: 160004 if the message has one, 50013 if it is not permitted.
    """
    needed = Permission.CREATE_PRIVATE_THREADS if private else Permission.CREATE_PUBLIC_THREADS
    world.demand(owner, channel, needed)
    if of and of.thread:
        raise ApiError(Code.THREAD_EXISTS)
    thread = Channel(
        id=of.id if of else world.snowflake(),
        kind=Kind.PRIVATE_THREAD if private else Kind.THREAD,
        name=name,
        guild=channel.guild,
        parent=channel,
        owner=owner,
        people={owner.id: owner},
        archived_at=world.stamp(),
    )
    world.channels[thread.id] = thread
    world.tell_channel("THREAD_CREATE", thread, new=True)
    if of:
        of.thread = thread
        of.flags |= HAS_THREAD
        world.tell_message("MESSAGE_UPDATE", of)
    elif not private:
        system_note(world, channel, owner, thread)
    return thread


def system_note(world: World, channel: Channel, author: User, thread: Channel) -> None:
    """The line that Discord writes itself when a thread was opened beside the messages."""
    note = Message(
        id=world.snowflake(),
        channel=channel,
        author=author,
        content=thread.name,
        at=world.stamp(),
        kind=Said.THREAD_CREATED,
        reply_to=thread.id,
    )
    channel.messages[note.id] = note
    world.tell_message("MESSAGE_CREATE", note)


def update_thread(world: World, thread: Channel, body: Json) -> None:
    """Renames, archives, locks, or opens again."""
    thread.name = body.get("name", thread.name)
    thread.locked = body.get("locked", thread.locked)
    thread.archive_after = body.get("auto_archive_duration", thread.archive_after)
    if body.get("archived", thread.archived) != thread.archived:
        thread.archived = not thread.archived
        thread.archived_at = world.stamp()
    world.tell_channel("THREAD_UPDATE", thread)


def join_thread(world: World, thread: Channel, user: User) -> None:
    """Makes a user a member of a thread. The bot is told of a private one only now."""
    unseen = user is world.bot and not world.bot_sees(thread)
    thread.people[user.id] = user
    if unseen:
        world.tell_channel("THREAD_CREATE", thread)
    tell_members(world, thread, user, joined=True)


def tell_members(world: World, thread: Channel, user: User, *, joined: bool) -> None:
    """THREAD_MEMBERS_UPDATE: with the members intent, or when it is the bot's own joining."""
    data: Json = {"id": thread.id, "member_count": len(thread.people)}
    if joined:
        data["added_members"] = [thread_member_json(thread, user)]
    else:
        data["removed_member_ids"] = [user.id]
    intent = Intent.GUILDS if user is world.bot else Intent.GUILD_MEMBERS
    world.tell_place("THREAD_MEMBERS_UPDATE", thread, data, (intent, intent))


def leave_thread(world: World, thread: Channel, user: User) -> None:
    """Takes a user out of a thread; who can no longer see it is told of that first."""
    if user.id in thread.people:
        tell_members(world, thread, user, joined=False)
        del thread.people[user.id]
