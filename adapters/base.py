"""The contract between a platform and the rest: words in, words out."""

from collections.abc import Mapping, Sequence
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

    @classmethod
    def of(cls, room: str) -> "Address":
        """The way back from `room`."""
        platform, space, channel, *thread = (
            part.replace("%2F", "/").replace("%25", "%") for part in room.split("/")
        )
        return cls(platform=platform, space=space, channel=channel, thread=next(iter(thread), None))

    @property
    def workspace(self) -> str:
        """The name of the Slack team, the Discord guild or the machine, as `room` begins."""
        return "/".join(self.room.split("/")[:2])

    def plain(self) -> Mapping[str, str | None]:
        """As it is kept with a reply; `Address(**plain)` is the way back."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes with a message. `ref` is what the adapter fetches it by."""

    name: str
    kind: str  # MIME type, as the platform tells; "" if it does not
    size: int  # bytes, as the platform tells
    ref: str


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
    realm: str | None = None  # where `user` is one person; None: in the address's space
    guest: bool = False  # the person cannot read the public rooms of the workspace
    files: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A person edited a message that was said before, or deleted it.

    user: who had said it; "" for a deletion where the platform does not tell.
    """

    event: str  # the id of the Event that it was
    address: Address
    room_kind: RoomKind
    user: str
    text: str | None  # in plain words, as in an Event; None: it was deleted
    at: datetime
    realm: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A reply on its way to a platform. `key` is the same when it is sent again.

    shown: the same with buttons, for platforms that have them; it is what `line`, a command that
    only reads, answers: so what a button needs can be looked up again.
    """

    key: str
    address: Address
    text: str
    answers: tuple[str, ...] = ()  # ids of the events that it answers
    again: bool = False  # an earlier attempt may have gone through: look before sending
    shown: "Shown | None" = None
    line: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """A command that a person gave, such as `/memory show`: not a message, and not kept.

    A pressed button gives one too: its `line`, with what was typed into its form behind it.
    """

    address: Address
    user: str
    name: str
    line: str
    room_kind: RoomKind = "dm"
    room_name: str = ""
    realm: str | None = None
    admin: bool = False  # the person may change how the bot behaves in this room
    own: bool = False  # about the person's own memory, though it was given in a room
    guest: bool = False  # as in an Event
    about: str = ""  # the id of the Event that it is about, as with "Remember this"
    agent: str | None = None  # as in an Event
    governs: bool = (
        False  # they may change the whole workspace's rules, and what is known of others
    )
    aside: bool = False  # given outside of all conversations, as Slack's commands in channels are


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a button asks for before it gives its command: one field of text."""

    title: str
    label: str
    value: str = ""  # what stands in the field at first
    long: bool = False  # several lines are welcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """Gives the command `line` when it is pressed, as the person who presses it."""

    label: str
    line: str
    danger: bool = False
    form: Form | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a list, in Markdown, and what can be done about it."""

    text: str
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A list with a title."""

    title: str = ""
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a command answers, in Markdown, for the eyes of whoever gave it alone.

    In this order: text, parts, end, buttons. Where there are no buttons, `plain` is all of it.
    """

    text: str = ""
    parts: tuple[Part, ...] = ()
    end: str = ""
    buttons: tuple[Button, ...] = ()  # about the whole
    file_name: str = ""  # of a document that goes along
    file_text: str = ""

    def plain(self) -> str:
        """All of its words, as one Markdown text."""
        texts = [self.text]
        for part in self.parts:
            texts.append(f"**{part.title}**" if part.title else "")
            texts.append("\n".join(f"- {line.text}" for line in part.lines))
        return "\n\n".join(text for text in (*texts, self.end) if text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of several things to choose from, as people read it and as a command line has it."""

    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What `reverie doctor` saw of a platform, and what a person can do about it."""

    name: str
    ok: bool | None  # None: it works, but less well
    said: str
    remedy: str = ""


class SendFailed(Exception):
    """The platform did not take a reply. final: it never will."""

    def __init__(
        self, message: str, *, retry_after: float | None = None, final: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds
        self.final = final


class FetchFailed(Exception):
    """A file cannot be had; the sentence says why."""


class Unusable(Exception):
    """The platform does not let the bot in; the sentence says what a person has to do."""


class Hearing(Protocol):
    """Who listens to a platform."""

    async def deliver(self, event: Event) -> bool:
        """Take an event; returns once it is on disk, and only then may it be acknowledged.

        False: it was known already, or is not for us.
        """
        ...

    async def changed(self, changed: Changed) -> bool:
        """Take an edit or a deletion, as `deliver` takes an event. False: it is of no concern."""
        ...

    async def command(self, invocation: Invocation) -> Shown:
        """Obey a command. Never raises: what cannot be done is said."""
        ...

    async def facts(self, invocation: Invocation) -> Sequence[Choice]:
        """The facts whose words, or number, the line of the invocation begins; pinned first."""
        ...

    async def left(self, address: Address, user: str, realm: str | None = None) -> None:
        """Somebody can no longer read a channel; realm as in an Event. Returns once it is on
        disk."""
        ...

    async def last_seen(self, address: Address) -> str | None:
        """The id of the latest event of this channel, threads included, that was taken: where to
        catch up from."""
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

    async def fetch(self, attachment: Attachment, most: int) -> bytes:
        """The bytes of a file. Raises FetchFailed, also where it has more than `most` bytes."""
        ...

    def link(self, address: Address, event: str) -> str:
        """Where the message of an event can be read, as a URL; "" where there is no such place."""
        ...

    async def whisper(self, address: Address, user: str, shown: Shown) -> None:
        """Show something to one person alone: where they wrote, or in a direct message where a
        platform has no other way. Raises SendFailed."""
        ...

    async def working(self, address: Address, *, begun: bool) -> None:
        """Show, or stop showing, that an answer is being made. Never raises; may do nothing."""
        ...
