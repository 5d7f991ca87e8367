"""What Slack and Discord have in common for somebody who plays people there."""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Protocol

BOT = "Reverie"

# reply: for all who are there. private: for one person's eyes. change, gone: of either.
Kind = Literal["reply", "private", "change", "gone", "reaction", "status", "home", "form"]


class Unable(Exception):
    """What was to be played cannot be done; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where somebody is. room: "" is the direct conversation with the bot. thread: as the platform
    knows it, "" outside of one."""

    room: str = ""
    thread: str = ""

    def __str__(self) -> str:
        return (f"#{self.room}" if self.room else "dm") + (" thread" if self.thread else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A button, or one line of a menu. about: the words that it stands beside. asks: what people
    have to confirm when they press it."""

    label: str
    about: str
    press: Callable[[str], Awaitable[None]]  # by the person of this name
    asks: str = ""

    def fit(self, text: str) -> int:
        """0 where some of the words are neither on it nor beside it; the more, the better."""
        words, beside = text.casefold().split(), f"{self.label} {self.about}".casefold()
        if not all(word in beside for word in words):
            return 0
        return 1 + sum(word in self.label.casefold().split() for word in words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """An open form with a field of text. Its parts may be more; they stay as they are."""

    title: str
    label: str
    value: str
    send: Callable[[str], Awaitable[None]]
    close: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Something that people got to see. who: the people; None means everybody on the platform."""

    platform: str
    place: str
    text: str
    kind: Kind
    at: datetime
    who: frozenset[str] | None = None
    by: str = BOT
    choices: tuple[Choice, ...] = ()

    def visible_to(self, name: str) -> bool:
        return self.who is None or name in self.who

    @property
    def words(self) -> str:
        """All that can be read, buttons too."""
        return "\n".join((self.text, *(choice.label for choice in self.choices)))


class Watch:
    """Tells what is new among all that can be seen."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, Seen]] = {}

    def forget(self, key: str) -> None:
        """It counts as new when it is seen again."""
        self._known.pop(key, None)

    def news(self, showing: Iterable[tuple[str, Seen]]) -> list[Seen]:
        """showing: all that there is now, under keys that stay while it changes."""
        now = {key: (_sign(seen), seen) for key, seen in showing}
        found = []
        for key, (sign, seen) in now.items():
            before = self._known.get(key)
            if before is None or before[0] != sign:
                found.append(seen if before is None else replace(seen, kind="change"))
        for key, (_, seen) in self._known.items():
            if key not in now and seen.kind in ("reply", "private"):
                found.append(replace(seen, kind="gone", choices=()))
        self._known = now
        return [seen for seen in found if seen.text or seen.choices]


def _sign(seen: Seen) -> str:
    return "\0".join((seen.text, *(f"{choice.label} {choice.about}" for choice in seen.choices)))


def called(text: str, people: Iterable[str]) -> str:
    """`@anna` and `@bot` (or `@Reverie`), as the simulators want them: `<@anna>`, `<@bot>`."""
    names = {name.casefold(): name for name in people} | {"bot": "bot", BOT.casefold(): "bot"}
    listed = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    pattern = rf"(?<![\w<])@({listed})(?![a-z0-9_])"
    return re.sub(pattern, lambda m: f"<@{names[m[1].casefold()]}>", text, flags=re.IGNORECASE)


class Stage(Protocol):
    """A platform with its people. What it does not allow raises Unable, LookupError, ValueError,
    PermissionError or its own Refused, each a sentence."""

    @property
    def name(self) -> str: ...

    def meet(self, who: str, room: str, *, admin: bool = False) -> None:
        """Let there be this person and this room, with the person in it."""
        ...

    def thread_at(self, who: str, room: str) -> str:
        """The thread of what the bot said last there; it is opened where there is none."""
        ...

    async def say(self, who: str, place: Place, text: str) -> str:
        """Returns the id that the bot knows it by; "" where the bot cannot hear it."""
        ...

    async def edit(self, who: str, text: str) -> str:
        """Change what this person said last; returns its id as `say` does."""
        ...

    async def delete(self, who: str) -> str: ...

    async def react(self, who: str, place: Place, emoji: str) -> None:
        """To what the bot said last there."""
        ...

    async def command(self, who: str, place: Place, line: str) -> None: ...

    async def menu(self, who: str, name: str) -> None:
        """Choose an entry of the menu of what this person said last."""
        ...

    async def home(self, who: str) -> None:
        """Open the page that the bot has for this person."""
        ...

    def form(self, who: str) -> Form | None:
        """What is open before this person."""
        ...

    def look(self) -> list[Seen]:
        """What is new since the last look, in order."""
        ...

    async def drop(self) -> None:
        """The bot's connection breaks."""
        ...

    async def restart(self) -> None:
        """The platform goes away, and comes back."""
        ...
