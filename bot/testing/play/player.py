"""Plays the steps of a script, or of somebody at a terminal."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from bot.testing import discord, slack
from bot.testing.play.ear import Ear
from bot.testing.play.parts import Choice, Form, Place, Seen, Stage, Unable
from bot.testing.play.script import Step

LATE: Final = 3.0  # seconds that the rest of an answer may take, once the bot is done
TICK: Final = 0.01  # seconds until one looks again at what the bot is doing
ADMIN: Final = frozenset({"admin", "管理员"})
DIRECT: Final = frozenset({"dm", "私聊"})
THREAD: Final = frozenset({"thread", "话题"})
REFUSED: Final = (
    Unable, LookupError, PermissionError, ValueError, discord.Refused, slack.Refused,
)  # fmt: skip


COUNTED: Final[Mapping[str, str]] = {  # what a summary calls a step, in its order
    "say": "messages by people",
    "reply": "replies",
    "private": "answers for one person",
    "command": "commands",
    "press": "buttons",
    "fill": "modals",
    "edit": "edits",
    "delete": "deletions",
    "react": "reactions",
    "menu": "menu entries",
    "home": "visits to App Home",
}


class Show(Protocol):
    """Where a play is shown."""

    def acted(self, who: str, platform: str, place: str, step: Step) -> None:
        """Somebody is about to do something."""
        ...

    def seen(self, seen: Seen) -> None: ...

    def opened(self, who: str, form: Form) -> None: ...

    def met(self, who: str, step: Step) -> None:
        """An expectation was met."""
        ...

    def remark(self, text: str) -> None: ...

    def help(self) -> None: ...


@dataclass(slots=True, kw_only=True)
class Role:
    """Somebody who is played."""

    name: str
    platform: str
    place: Place = field(default_factory=Place)

    @property
    def where(self) -> str:
        """As the place is shown with what is seen there."""
        told = str(self.place)
        return told if self.place.room else told.replace("dm", f"dm {self.name}", 1)


class Player:
    """Acts as one person after another. A step ends when the bot has done what it wants to do.

    stages: by the platforms' names. idle: returns when the bot has nothing left to do. patience:
    seconds that one waits for the bot. sent: how often something was done, by platform and key of
    COUNTED. met: how many expectations were.
    """

    def __init__(
        self, stages: Mapping[str, Stage], ear: Ear, idle: Callable[[], Awaitable[None]],
        show: Show, *, patience: float,
    ) -> None:  # fmt: skip
        self._stages = stages
        self._ear = ear
        self._idle = idle
        self._show = show
        self._patience = patience
        self.sent: Counter[tuple[str, str]] = Counter()
        self.met = 0
        self._roles: dict[tuple[str, str], Role] = {}  # by name and platform
        self._role: Role | None = None
        self._log: list[Seen] = []
        self._since = 0  # the length of the log when somebody acted last
        # of each role, the buttons of every message that had some, the newest first
        self._choices: dict[tuple[str, str], list[Sequence[Choice]]] = {}
        self._form: Form | None = None
        self._acts: Mapping[str, Callable[[str], Awaitable[None]]] = {
            "say": self._say, "press": self._press, "fill": self._fill, "edit": self._edit,
            "delete": self._delete, "react": self._react, "menu": self._menu, "home": self._home,
            "drop": self._drop, "restart": self._restart, "close": self._close,
        }  # fmt: skip
        self._directions: Mapping[str, Callable[[str], Awaitable[None]]] = {
            "as": self._as, "in": self._in, "expect": self._expect,
            "expect-not": self._expect_not, "who": self._who, "help": self._help,
        }  # fmt: skip

    # ---- steps

    @property
    def prompt(self) -> str:
        if self._role is None:
            return "> "
        if self._form is not None:
            return f"{self._role.name}, {self._form.label}> "
        return f"{self._role.name}@{self._role.platform} {self._role.place}> "

    async def step(self, step: Step) -> bool:
        """Play a step; False after the last one. Raises Unable for what cannot be played."""
        if step.verb == "quit":
            return False
        if step.verb == "say" and not step.text:
            return True
        try:
            if step.verb in self._directions:
                await self._directions[step.verb](step.text)
            else:
                await self._act(step)
        except TimeoutError as error:
            raise Unable(f"Nothing came of it within {self._patience:g} s.") from error
        except REFUSED as error:
            raise Unable(_sentence(error)) from error
        return True

    async def _act(self, step: Step) -> None:
        role = self._me()
        self._show.acted(role.name, role.platform, role.where, step)
        self.look()
        self._since = len(self._log)
        if step.verb == "say" and self._form is not None:
            step = replace(step, verb="fill")
        async with asyncio.timeout(self._patience):
            await self._acts[step.verb](step.text)
            await self._idle()
        self.sent[role.platform, "command" if step.text.startswith("/") else step.verb] += 1
        self.look()

    def look(self) -> None:
        """Show what is new."""
        for stage in self._stages.values():
            for seen in stage.look():
                self._note(seen)
        if self._role is None:
            return
        form = self._stages[self._role.platform].form(self._role.name)
        if form is not None and (self._form is None or form.title != self._form.title):
            self._show.opened(self._role.name, form)
        self._form = form

    def _note(self, seen: Seen) -> None:
        self._log.append(seen)
        if seen.kind in ("reply", "private"):
            self.sent[seen.platform, seen.kind] += 1
        if seen.choices:
            for name, platform in self._roles:
                if platform == seen.platform and seen.visible_to(name):
                    self._choices.setdefault((name, platform), []).insert(0, seen.choices)
        self._show.seen(seen)

    async def _until(self, look: Callable[[], bool]) -> None:
        self.look()
        while not look():
            await asyncio.sleep(TICK)
            self.look()

    def _news(self) -> Callable[[], bool]:
        """Whether something came since now: to be read, or a form where there was none."""
        before, stage, role = len(self._log), self._stage(), self._me()
        free = stage.form(role.name) is None
        return lambda: (
            any(seen.kind != "status" for seen in self._log[before:])
            or (free and stage.form(role.name) is not None)
        )

    # ---- who and where

    def _me(self) -> Role:
        if self._role is None:
            raise Unable("Nobody is played yet. For example: :as anna slack dm")
        return self._role

    def _stage(self) -> Stage:
        return self._stages[self._me().platform]

    async def _as(self, text: str) -> None:
        if not text:
            raise Unable("Who? For example: :as bob discord general")
        name, *words = text.split()
        places = [word for word in words if word not in ADMIN]
        admin = len(places) < len(words)
        if places and places[0].lower() in self._stages:
            platform = places.pop(0).lower()
        else:
            platform = self._last_platform(name)
        role = self._roles.pop((name, platform), None) or Role(name=name, platform=platform)
        self._stages[platform].meet(name, role.place.room, admin=admin)
        self._roles[name, platform] = self._role = role  # the last one now
        await self._in(" ".join(places))
        self.look()

    def _last_platform(self, name: str) -> str:
        known = [platform for one, platform in self._roles if one == name]
        return (known or [self._role.platform if self._role else next(iter(self._stages))])[-1]

    async def _in(self, text: str) -> None:
        role, stage = self._me(), self._stage()
        for word in text.split():
            if word.lower() in THREAD:
                thread = role.place.thread or stage.thread_at(role.name, role.place.room)
                role.place = replace(role.place, thread=thread)
            else:
                room = "" if word.lower() in DIRECT else word.lstrip("#")
                stage.meet(role.name, room)
                role.place = Place(room=room)

    async def _who(self, text: str) -> None:
        for role in self._roles.values():
            self._show.remark(f"{role.name}: {role.platform}, {role.place}")

    async def _help(self, text: str) -> None:
        self._show.help()

    # ---- what people do

    async def _say(self, text: str) -> None:
        role, news, commands = self._me(), self._news(), self._ear.commands
        if text.startswith("/"):
            await self._stage().command(role.name, role.place, text)
            await self._until(news)
            return
        event = await self._stage().say(role.name, role.place, text)
        if not event:
            self._show.remark("Reverie is not in this channel.")
            return
        taken = self._ear.taken
        await self._until(lambda: event in taken or self._ear.commands > commands)
        if event not in taken:
            await self._until(news)

    async def _press(self, text: str) -> None:
        role, news = self._me(), self._news()
        choice = self._chosen(text)
        if choice.asks:
            self._show.remark(f"{choice.asks} {role.name} confirms.")
        await choice.press(role.name)
        await self._until(news)

    def _chosen(self, text: str) -> Choice:
        """By number, of the newest message with buttons; by words, the newest of all."""
        offers = self._choices.get((self._me().name, self._me().platform))
        if not offers:
            raise Unable("There is no button to press here.")
        if text.isdecimal() and 1 <= int(text) <= len(offers[0]):
            return offers[0][int(text) - 1]
        for choices in offers:
            best = max(choices, key=lambda choice: choice.fit(text))
            if best.fit(text):
                return best
        there = ", ".join(f"{n} {choice.label}" for n, choice in enumerate(offers[0], 1))
        raise Unable(f"There is no button {text!r}. There are: {there}.")

    async def _fill(self, text: str) -> None:
        news = self._news()
        await self._open().send(text)
        await self._until(news)

    async def _close(self, text: str) -> None:
        await self._open().close()

    def _open(self) -> Form:
        form = self._stage().form(self._me().name)
        if form is None:
            raise Unable("No form is open.")
        return form

    async def _edit(self, text: str) -> None:
        await self._changed(self._stage().edit(self._me().name, text))

    async def _delete(self, text: str) -> None:
        await self._changed(self._stage().delete(self._me().name))

    async def _changed(self, act: Awaitable[str]) -> None:
        before = dict(self._ear.changes)
        event = await act
        await self._until(lambda: self._ear.changes.get(event, 0) > before.get(event, 0))

    async def _react(self, text: str) -> None:
        await self._stage().react(self._me().name, self._me().place, text)

    async def _menu(self, text: str) -> None:
        news = self._news()
        await self._stage().menu(self._me().name, text)
        await self._until(news)

    async def _home(self, text: str) -> None:
        news = self._news()
        await self._stage().home(self._me().name)
        await self._until(news)

    # ---- faults

    async def _drop(self, text: str) -> None:
        await self._named(text).drop()

    async def _restart(self, text: str) -> None:
        await self._named(text).restart()

    def _named(self, text: str) -> Stage:
        name = text.strip().lower() or self._me().platform
        if name not in self._stages:
            raise Unable(f"There is no {text!r}, only: {', '.join(self._stages)}.")
        return self._stages[name]

    # ---- expectations

    async def _expect(self, text: str) -> None:
        """In what was seen since somebody acted last; waits for more while it is not there.
        Without a text, anything will do."""
        try:
            async with asyncio.timeout(min(self._patience, LATE)):
                await self._until(lambda: self._sees(text))
        except TimeoutError:
            told = self._visible() or "nothing"
            raise Unable(f"{self._me().name} does not see “{text}”, but: {told}") from None
        self._met("expect", text)

    async def _expect_not(self, text: str) -> None:
        self.look()
        if self._sees(text):
            raise Unable(f"{self._me().name} sees “{text}” in: {self._visible()}")
        self._met("expect-not", text)

    def _met(self, verb: str, text: str) -> None:
        self.met += 1
        self._show.met(self._me().name, Step(verb=verb, text=text))

    def _sees(self, text: str) -> bool:
        visible = self._visible().casefold()
        return bool(visible) and text.casefold() in visible

    def _visible(self) -> str:
        """What the person of the moment saw of it, as one text."""
        role = self._me()
        seen = [
            one.words
            for one in self._log[self._since :]
            if one.platform == role.platform
            and one.visible_to(role.name)
            and one.kind not in ("status", "gone")
        ]
        form = f"{self._form.title} {self._form.label} {self._form.value}" if self._form else ""
        return "\n".join(filter(None, [*seen, form]))


def _sentence(error: Exception) -> str:
    """KeyError would put its text into quotes."""
    return str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
