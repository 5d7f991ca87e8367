"""The contract between a platform and the rest: words in, words out."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal, Protocol


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
    """A message from a person. `id` is the same when the platform delivers it again."""

    id: str
    address: Address
    user: str
    name: str  # what people call the user
    text: str
    at: datetime
    kind: Literal["direct", "mention", "ambient"] = "direct"
    agent: str | None = None  # the named agent it is meant for, where one can be chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A reply on its way to a platform. `key` is the same when it is sent again."""

    key: str
    address: Address
    text: str
    answers: tuple[str, ...] = ()  # "platform:id" of the events that it answers


class SendFailed(Exception):
    """The platform did not take a reply. final: it never will."""

    def __init__(
        self, message: str, *, retry_after: float | None = None, final: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds
        self.final = final


Deliver = Callable[[Event], Awaitable[bool]]  # returns once it is on disk; False: known already


class Adapter(Protocol):
    """A platform. Two verbs: what it hears it delivers, what it is given it sends."""

    @property
    def name(self) -> str: ...

    async def run(self, deliver: Deliver) -> None:
        """Receive until cancelled, or until there is nothing more to receive."""
        ...

    async def send(self, post: Post) -> str:
        """Send, and return the platform's id of what was sent. Raises SendFailed."""
        ...
