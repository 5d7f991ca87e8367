"""The contract between a platform and the rest: words in, words out."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal, Protocol

RoomKind = Literal["dm", "group", "private", "public"]  # who can read along: from few to many


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a message was written, and where its answer goes."""

    platform: str
    space: str  # Slack team, Discord guild, the machine
    channel: str
    thread: str | None = None

    @property
    def room(self) -> str:
        """The conversation's name: its parts, joined so that no two addresses share one."""
        parts = (self.platform, self.space, self.channel, self.thread or "")
        return "/".join(part.replace("%", "%25").replace("/", "%2F") for part in parts).rstrip("/")

    def plain(self) -> Mapping[str, str | None]:
        """As it is kept with a reply; `Address(**plain)` is the way back."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A message from a person. `id` is the same when the platform delivers it again.

    An adapter drops what is not a message of a person: its own posts, edits, joins, other bots. The
    text is in plain words: mentions as names, the bot's own mention taken out.
    """

    id: str
    address: Address
    user: str
    name: str  # what people call the user
    text: str
    at: datetime
    room_kind: RoomKind = "dm"
    room_name: str = ""  # what people call the channel
    mentioned: bool = False  # the bot was addressed: by a mention, or by a reply to it
    elsewhere: bool = False  # it opens by addressing somebody else
    agent: str | None = None  # the named agent it is meant for, where one can be chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A reply on its way to a platform. `key` is the same when it is sent again."""

    key: str
    address: Address
    text: str
    answers: tuple[str, ...] = ()  # ids of the events that it answers
    again: bool = False  # an earlier attempt may have gone through: look before sending


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """A command that a person gave, such as `/memory show`: not a message, and not kept."""

    address: Address
    user: str
    name: str
    line: str
    room_kind: RoomKind = "dm"
    room_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a command answers, in Markdown, for the eyes of whoever gave it alone."""

    text: str
    file_name: str = ""  # of a document that goes along
    file_text: str = ""


class SendFailed(Exception):
    """The platform did not take a reply. final: it never will."""

    def __init__(
        self, message: str, *, retry_after: float | None = None, final: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds
        self.final = final


class Unusable(Exception):
    """The platform does not let the bot in; the sentence says what a person has to do."""


class Hearing(Protocol):
    """Who listens to a platform."""

    async def deliver(self, event: Event) -> bool:
        """Take an event; returns once it is on disk, and only then may it be acknowledged.

        False: it was known already, or is not for us.
        """
        ...

    async def command(self, invocation: Invocation) -> Shown:
        """Obey a command. Never raises: what cannot be done is said."""
        ...

    async def last_seen(self, address: Address, user: str | None = None) -> str | None:
        """The id of the newest event of this channel that was taken: where to catch up from.

        user: with whom, where the channel is a DM.
        """
        ...


class Adapter(Protocol):
    """A platform. Two verbs: what it hears it delivers, what it is given it sends."""

    @property
    def name(self) -> str: ...

    async def run(self, hearing: Hearing) -> None:
        """Receive until cancelled, or until there is nothing more to receive.

        Raises Unusable when a person has to act before it can go on.
        """
        ...

    async def send(self, post: Post) -> str:
        """Send, and return the platform's id of what was sent. Raises SendFailed."""
        ...

    async def working(self, address: Address, *, begun: bool) -> None:
        """Show, or stop showing, that an answer is being made. Never raises; may do nothing."""
        ...
