"""What there is in a Discord: people, guilds, channels, messages. Ids are snowflakes, as text.

They change as people and the bot act on them: a test that holds a message sees it edited.
"""

from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Any

Json = dict[str, Any]  # the wire, whose shapes are Discord's

EPHEMERAL, LOADING, COMPONENTS_V2 = 1 << 6, 1 << 7, 1 << 15  # flags of a message
FILE_LIMIT = 10 << 20  # bytes of one file


class Kind(IntEnum):
    """Types of a channel."""

    TEXT = 0
    DM = 1
    THREAD = 11
    PRIVATE_THREAD = 12


class Said(IntEnum):
    """Types of a message. All but the first two and COMMAND are the platform's own words."""

    PLAIN = 0
    REPLY = 19
    COMMAND = 20
    THREAD_CREATED = 18


class Permission(IntFlag):
    """The permissions that this Discord looks at."""

    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    SEND_MESSAGES_IN_THREADS = 1 << 38


NOTHING = Permission(0)
EVERYTHING = Permission((1 << 50) - 1)
ORDINARY = (
    Permission.ADD_REACTIONS
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.CREATE_PUBLIC_THREADS
    | Permission.CREATE_PRIVATE_THREADS
    | Permission.SEND_MESSAGES_IN_THREADS
)


class Intent(IntFlag):
    """What a session asks to be told of. Three of them are privileged."""

    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_REACTIONS = 1 << 10
    GUILD_TYPING = 1 << 11
    DIRECT_MESSAGES = 1 << 12
    DIRECT_REACTIONS = 1 << 13
    DIRECT_TYPING = 1 << 14
    MESSAGE_CONTENT = 1 << 15


PRIVILEGED = Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT


@dataclass(slots=True, kw_only=True, eq=False)
class User:
    """A person, or a bot. closed: takes no direct messages. locale: of the person's client."""

    id: str
    name: str
    bot: bool = False
    closed: bool = False
    locale: str = "en-US"

    @property
    def mention(self) -> str:
        """The text that calls this user."""
        return f"<@{self.id}>"


@dataclass(slots=True, kw_only=True, eq=False)
class Role:
    id: str
    name: str
    permissions: Permission
    position: int
    managed: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class Member:
    user: User
    joined: str
    roles: set[str] = field(default_factory=set)


@dataclass(slots=True, kw_only=True, eq=False)
class Guild:
    id: str
    name: str
    owner: User
    joined: str
    roles: dict[str, Role] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class Overwrite:
    """What a channel gives to, and takes from, one user or role."""

    of_user: bool
    allow: Permission = NOTHING
    deny: Permission = NOTHING


@dataclass(slots=True, kw_only=True, eq=False)
class Channel:
    """A text channel, a thread or a direct conversation.

    people: the two of a DM, or who joined a thread. parent: the channel of a thread.
    """

    id: str
    kind: Kind
    name: str = ""
    guild: Guild | None = None
    parent: "Channel | None" = None
    owner: User | None = None
    people: dict[str, User] = field(default_factory=dict)
    overwrites: dict[str, Overwrite] = field(default_factory=dict)
    messages: "dict[str, Message]" = field(default_factory=dict)
    archived: bool = False
    locked: bool = False
    archived_at: str = ""
    archive_after: int = 1440  # minutes
    gone: bool = False

    @property
    def is_thread(self) -> bool:
        return self.kind in (Kind.THREAD, Kind.PRIVATE_THREAD)


@dataclass(slots=True, kw_only=True, eq=False)
class Attachment:
    id: str
    name: str
    data: bytes
    content_type: str
    url: str
    description: str | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Message:
    """What stands in a channel. pings: ids of the users who got a notification of it.

    only_for: the one person who sees it, if it is ephemeral. edited: when, if ever. reply_to: id of
    what it answers, or of the thread whose opening it tells of.
    """

    id: str
    channel: Channel
    author: User
    content: str
    at: str
    kind: Said = Said.PLAIN
    edited: str | None = None
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    mentions: list[User] = field(default_factory=list)
    mention_roles: list[str] = field(default_factory=list)
    mention_everyone: bool = False
    pings: set[str] = field(default_factory=set)
    reactions: dict[str, list[User]] = field(default_factory=dict)
    reply_to: str | None = None
    thread: Channel | None = None
    flags: int = 0
    nonce: str | None = None
    only_for: User | None = None
    interaction: Json | None = None
    deleted: bool = False

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & EPHEMERAL)

    @property
    def loading(self) -> bool:
        """It only says that the bot is thinking."""
        return bool(self.flags & LOADING)
