"""What command lines mean: one record for each, made by bot/commands/line.py."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from memory.policy import Name


class Command:
    """What a command line means."""

    __slots__ = ()


class Verb(Command):
    """A verb of `/memory`."""

    __slots__ = ()


class Reading(Verb):
    """A verb that changes nothing."""

    __slots__ = ()


class Writing(Verb):
    """A verb that changes memory."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Show(Reading):
    """What is in core memory, or was at the end of a day."""

    as_of: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Find(Reading):
    query: str
    page: int = 1
    since: date | None = None
    until: date | None = None  # the last day of it
    by: str = ""  # a speaker's name
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class History(Reading):
    page: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Why(Reading):
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Export(Reading):
    """Everything, as a document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent(Reading):
    """What model calls took, on each of the last days."""

    days: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Add(Writing):
    text: str
    block: str = "human"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit(Writing):
    number: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep(Writing):
    """A fact is right: it was looked at."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin(Writing):
    number: int
    pinned: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget(Writing):
    """By number, or by words that one fact has, or else one message of whoever asks."""

    target: int | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clear(Writing):
    """confirmed: the person typed that they mean it."""

    block: str = "human"
    confirmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Share(Writing):
    """Let everybody in the workspace know a fact, or keep it to where it was said again."""

    number: int
    shared: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Writing):
    """Learn nothing, until it is resumed."""

    paused: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Incognito(Command):
    """Learn nothing from this one conversation. None: ask whether it is so."""

    on: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Command):
    """A rule of the workspace. name None: see them all. value None: the default again.

    confirmed: the admin typed that they mean it.
    """

    name: "Name | None" = None
    value: int | None = None
    confirmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona(Writing):
    """Who the agent is, in other words. Shown, where there are none."""

    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo(Writing):
    number: int | None = None  # None: the last change


@dataclass(frozen=True, slots=True, kw_only=True)
class Help(Command):
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAgents(Command):
    """The agents of this home."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Create(Command):
    name: str
    persona: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quit(Command):
    """Leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetMe(Command):
    """Remove every trace of whoever asks. confirmed: they typed that they mean it."""

    confirmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Link(Command):
    """Join two accounts: ask for a code, see what it would do, and do it."""

    code: str = ""
    confirmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlink(Command):
    """Part accounts that were joined. account: which one, by its platform or name."""

    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Command):
    """End the turn that is running here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMode(Command):
    """Which messages of this room are answered. None: ask which."""

    mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDigest(Command):
    """How often a person is told what was learned about them. None: ask how."""

    every: Literal["daily", "weekly", "off"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned(Command):
    """What was learned about a person between two numbers; None: since they were told last."""

    between: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetQuiet(Command):
    """When a person is left alone, and where they live. Nothing: ask. off: never."""

    hours: str = ""
    zone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choose(Command):
    """Answer a question of an agent; the line of a button, not typed."""

    agent: str
    number: int
    choice: str
