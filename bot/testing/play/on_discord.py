"""The simulated Discord as a stage."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from bot.testing.discord import Channel, FakeDiscord, Human, Interaction, Message
from bot.testing.discord.checks import walk
from bot.testing.discord.commands import GROUP, MESSAGE, NUMBER, SUB, TRUTH, WHOLE, Value
from bot.testing.discord.forms import BUTTON, LINK, SELECT, TEXT_INPUT
from bot.testing.discord.interactions import words
from bot.testing.discord.records import Json
from bot.testing.play.parts import Choice, Form, Kind, Place, Seen, Unable, Watch, called

TYPING: Final = "POST /channels/{}/typing"


class DiscordStage:
    """Implements Stage (bot/testing/play/parts.py)."""

    name = "discord"

    def __init__(self, discord: FakeDiscord) -> None:
        self._discord = discord
        self._people: dict[str, Human] = {}
        self._said: dict[str, Message] = {}  # the last message of each person
        self._forms: dict[str, Interaction] = {}  # what opened the form before each person
        self._watch = Watch()
        self._asked = 0  # requests that were looked at

    # ---- who and where

    def meet(self, who: str, room: str, *, admin: bool = False) -> None:
        if who not in self._people:
            self._people[who] = self._discord.human(who, admin=admin)
        if room:
            self._discord.channel(room)

    def thread_at(self, who: str, room: str) -> str:
        """Opens it on the message; the caller is in it then."""
        there = self._channel(who, Place(room=room))
        known = [there, *self._threads(there)]
        rows = [row for place in known for row in self._discord.messages(place)]
        rows.sort(key=lambda row: int(row.id))
        mine = [row for row in rows if row.author is self._discord.bot and not row.only_for]
        if not mine and not rows:
            raise Unable("There is nothing here yet that a thread could hang on.")
        last = (mine or rows)[-1]
        return last.channel.id if last.channel.is_thread else f"on {last.id}"

    def _threads(self, channel: Channel) -> list[Channel]:
        return [m.thread for m in self._discord.messages(channel) if m.thread is not None]

    def _channel(self, who: str, place: Place) -> Channel:
        return self._discord.channel(place.room) if place.room else self._people[who].dms

    async def _place(self, who: str, place: Place) -> Channel:
        channel = self._channel(who, place)
        if not place.thread:
            return channel
        for thread in self._threads(channel):
            if thread.id == place.thread:
                return thread
        on = place.thread.removeprefix("on ")
        message = next(row for row in self._discord.messages(channel) if row.id == on)
        return message.thread or await self._people[who].thread(message, "Thread")

    # ---- acting

    async def say(self, who: str, place: Place, text: str) -> str:
        there = await self._place(who, place)
        self._said[who] = await self._people[who].say(there, called(text, self._people))
        return self._said[who].id

    async def edit(self, who: str, text: str) -> str:
        message = self._last(who)
        await self._people[who].edit(message, called(text, self._people))
        return message.id

    async def delete(self, who: str) -> str:
        message = self._last(who)
        await self._people[who].delete(message)
        del self._said[who]
        return message.id

    def _last(self, who: str) -> Message:
        if who not in self._said:
            raise Unable(f"{who} has said nothing here yet.")
        return self._said[who]

    async def react(self, who: str, place: Place, emoji: str) -> None:
        there = self._discord.messages(await self._place(who, place))
        mine = [row for row in there if row.author is self._discord.bot and not row.only_for]
        if not mine:
            raise Unable("Reverie has said nothing here yet.")
        await self._people[who].react(mine[-1], emoji)

    async def command(self, who: str, place: Place, line: str) -> None:
        there = await self._place(who, place)
        name, path, options = self._filled(line)
        self._opened(who, await self._people[who].command(name, *path, where=there, **options))

    def _filled(self, line: str) -> tuple[str, list[str], dict[str, Value]]:
        """(command, subcommands, options) of what somebody typed as one line."""
        name, _, rest = line.removeprefix("/").partition(" ")
        found = next((row for row in self._discord.commands if row["name"] == name), {})
        path: list[str] = []
        while inner := {o["name"]: o for o in _options(found) if o["type"] in (SUB, GROUP)}:
            word, _, after = rest.strip().partition(" ")
            if word not in inner:
                break
            path.append(word)
            found, rest = inner[word], after
        return name, path, _values(_options(found), rest.strip())

    async def menu(self, who: str, name: str) -> None:
        known = [row["name"] for row in self._discord.commands if row["type"] == MESSAGE]
        found = [one for one in known if name.casefold() in one.casefold()]
        if not found:
            raise Unable(f"There is no {name!r} in the menu, only: {', '.join(known) or 'nothing'}")
        self._opened(who, await self._people[who].menu(found[0], self._last(who)))

    async def home(self, who: str) -> None:
        raise Unable("Discord has no page of the bot. /memory shows the same.")

    def _opened(self, who: str, done: Interaction) -> None:
        if done.failed or done.late:
            raise Unable("Discord shows: The application did not respond.")
        if done.form is not None:
            self._forms[who] = done

    def form(self, who: str) -> Form | None:
        done = self._forms.get(who)
        if done is None or done.form is None:
            return None
        fields = [_field(part) for part in done.form["components"]]
        label, field = next(one for one in fields if one[1]["type"] == TEXT_INPUT)

        async def send(text: str) -> None:
            sent = await self._people[who].submit(done, {field["custom_id"]: text})
            del self._forms[who]
            self._opened(who, sent)

        async def close() -> None:
            del self._forms[who]

        return Form(
            title=str(done.form["title"]), label=label, value=str(field.get("value") or ""),
            send=send, close=close,
        )  # fmt: skip

    async def drop(self) -> None:
        await self._discord.drop_sockets()

    async def restart(self) -> None:
        await self._discord.restart()

    # ---- seeing

    def look(self) -> list[Seen]:
        return [*self._statuses(), *self._watch.news(self._showing())]

    def _showing(self) -> Iterator[tuple[str, Seen]]:
        for message in self._discord.messages():
            if message.author is self._discord.bot and not message.loading:
                yield message.id, self._seen(message, "private" if message.only_for else "reply")
            for emoji, users in message.reactions.items():
                if self._discord.bot in users:
                    seen = self._seen(message, "reaction")
                    yield (
                        f"{message.id} {emoji}",
                        replace(seen, text=f"reacts with {emoji}", choices=()),
                    )

    def _seen(self, message: Message, kind: Kind) -> Seen:
        text = "\n".join([*words(message), *(f"(file {a.name})" for a in message.attachments)])
        return Seen(
            platform=self.name, place=self._where(message.channel), text=self._named(text),
            kind=kind, at=datetime.fromisoformat(message.at), who=self._readers(message),
            choices=tuple(self._choices(message)),
        )  # fmt: skip

    def _statuses(self) -> Iterator[Seen]:
        requests = self._discord.requests[self._asked :]
        self._asked += len(requests)
        channels = {row.channel.id: row.channel for row in self._discord.messages()}
        for request in requests:
            channel = channels.get(request.path.split("/")[-2]) if request.route == TYPING else None
            if channel is not None:
                yield Seen(
                    platform=self.name, place=self._where(channel), text="is typing…",
                    kind="status", at=datetime.fromtimestamp(request.at, UTC),
                    who=self._members(channel),
                )  # fmt: skip

    def _where(self, channel: Channel) -> str:
        if channel.parent is not None:
            return f"#{channel.parent.name} thread"
        if channel.guild is None:
            return "dm " + ", ".join(sorted(self._members(channel) or ()))
        return f"#{channel.name}"

    def _readers(self, message: Message) -> frozenset[str] | None:
        if message.only_for is not None:
            return frozenset({message.only_for.name})
        return self._members(message.channel)

    def _members(self, channel: Channel) -> frozenset[str] | None:
        if channel.guild is not None:
            return None
        people = {user.id for user in channel.people.values()}
        return frozenset(who for who, human in self._people.items() if human.id in people)

    def _named(self, text: str) -> str:
        names = {human.id: who for who, human in self._people.items()}
        names[self._discord.bot.id] = self._discord.bot.name
        return re.sub(r"<@!?(\d+)>", lambda m: f"@{names.get(m[1], m[1])}", text)

    def _choices(self, message: Message) -> Iterator[Choice]:
        """A button whose label begins as a line does stands beside that line."""
        lines = {line[:1]: line for line in message.content.splitlines()}
        for part in walk(message.components):
            if part["type"] == BUTTON and part.get("style") != LINK and not part.get("disabled"):
                press = Press(stage=self, message=message, which=part["custom_id"], values=())
                label = str(part.get("label") or "")
                about = "" if label[:1].isalpha() else lines.get(label[:1], "")
                yield Choice(label=label, about=about, press=press)
            for option in part.get("options") or () if part["type"] == SELECT else ():
                values = (str(option["value"]),)
                press = Press(stage=self, message=message, which=part["custom_id"], values=values)
                yield Choice(label=str(option["label"]), about="", press=press)

    async def click(self, who: str, press: "Press") -> None:
        """Press a button as this person."""
        done = await self._people[who].click(press.message, press.which, *press.values)
        self._opened(who, done)


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A click that may be made: on a button, or with values of a menu."""

    stage: DiscordStage
    message: Message
    which: str
    values: tuple[str, ...]

    async def __call__(self, who: str) -> None:
        await self.stage.click(who, self)


def _options(command: Mapping[str, object]) -> list[Json]:
    found = command.get("options")
    return found if isinstance(found, list) else []


def _values(options: list[Json], rest: str) -> dict[str, Value]:
    """A word for each option in order, and all that is left for the last one."""
    given: dict[str, Value] = {}
    for number, option in enumerate(options, 1):
        if not rest:
            break
        word, rest = (rest, "") if number == len(options) else _head(rest)
        given[option["name"]] = _typed(option["type"], word)
    return given


def _head(text: str) -> tuple[str, str]:
    word, _, rest = text.partition(" ")
    return word, rest.strip()


def _typed(kind: int, word: str) -> Value:
    """Raises ValueError where a number is wanted."""
    if kind in (WHOLE, NUMBER):
        return int(word.lstrip("#")) if kind == WHOLE else float(word)
    return word.casefold() in ("true", "yes", "是") if kind == TRUTH else word


def _field(part: Json) -> tuple[str, Json]:
    """(label, field) of a row of a form."""
    field = part.get("component") or part["components"][0]
    return str(part.get("label") or field.get("label") or ""), field
