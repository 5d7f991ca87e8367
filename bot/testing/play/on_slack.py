"""The simulated Slack as a stage."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from bot.testing.play.parts import BOT, Choice, Form, Kind, Place, Seen, Unable, Watch, called
from bot.testing.slack import FakeSlack, Human, Interaction, Json
from bot.testing.slack import blocks as kit
from bot.testing.slack.workspace import SLACKBOT, Channel, root_ts

BUTTONS: Final = frozenset({"actions", "divider", "context_actions"})  # blocks without words
_TOKEN = re.compile(r"<([@#!]?)([^<>|\n]+)(?:\|([^<>\n]*))?>")


class SlackStage:
    """Implements Stage (bot/testing/play/parts.py)."""

    name = "slack"

    def __init__(self, slack: FakeSlack) -> None:
        self._slack = slack
        self._space = slack.workspace
        self._people: dict[str, Human] = {}
        self._said: dict[str, Json] = {}  # the last message of each person
        self._watch = Watch()
        self._at_home: set[str] = set()  # who opened the Home tab
        self._asked = 0  # requests that were looked at

    # ---- who and where

    def meet(self, who: str, room: str, *, admin: bool = False) -> None:
        if who not in self._people:
            self._people[who] = self._slack.human(who, admin=admin)
        if room:
            self._slack.channel(room).members.add(self._people[who].id)

    def thread_at(self, who: str, room: str) -> str:
        rows = [row for row in self._there(who, room) if "subtype" not in row]
        if not rows:
            raise Unable("There is nothing here yet that a thread could hang on.")
        mine = [row for row in rows if row["user"] == self._space.app.user]
        return root_ts((mine or rows)[-1])

    def _there(self, who: str, room: str) -> list[Json]:
        return self._slack.messages(self._channel(who, room))

    def _channel(self, who: str, room: str) -> Channel:
        if room:
            return self._space.find_channel(f"#{room}")
        return self._space.im(self._people[who].id)

    # ---- acting

    async def say(self, who: str, place: Place, text: str) -> str:
        channel, human = self._channel(who, place.room), self._people[who]
        row = await human.say(channel, self._call(text), thread=place.thread or None)
        self._said[who] = row
        return _id(row) if self._space.app.user in channel.members else ""

    def _call(self, text: str) -> str:
        return called(text, self._people)

    async def edit(self, who: str, text: str) -> str:
        row = self._last(who)
        await self._people[who].edit(row, self._call(text))
        return _id(row)

    async def delete(self, who: str) -> str:
        row = self._last(who)
        await self._people[who].delete(row)
        del self._said[who]
        return _id(row)

    def _last(self, who: str) -> Json:
        if who not in self._said:
            raise Unable(f"{who} has said nothing here yet.")
        return self._said[who]

    async def react(self, who: str, place: Place, emoji: str) -> None:
        await self._people[who].react(self._answer(who, place), emoji.strip(":"))

    def _answer(self, who: str, place: Place) -> Json:
        """What the bot said last there."""
        rows = self._there(who, place.room)
        mine = [row for row in rows if row["user"] == self._space.app.user]
        if not mine:
            raise Unable("Reverie has said nothing here yet.")
        return mine[-1]

    async def command(self, who: str, place: Place, line: str) -> None:
        name, _, text = line.partition(" ")
        if place.thread:
            raise Unable("Slack has no slash commands in threads. Write ! in place of the /.")
        channel = self._channel(who, place.room)
        told = self._call(text.strip())
        _check(await self._people[who].command(name, self._space.typed(told), where=channel))

    async def menu(self, who: str, name: str) -> None:
        known = self._space.app.shortcuts or set()
        found = [one for one in sorted(known) if name.casefold() in one.casefold()]
        if not found:
            raise Unable(f"There is no {name!r} in the menu, only: {', '.join(known) or 'nothing'}")
        _check(await self._people[who].shortcut(found[0], self._last(who)))

    async def home(self, who: str) -> None:
        if not self._space.app.home_tab:
            raise Unable("This app has no Home tab.")
        self._watch.forget(f"home {who}")  # it is looked at, so it is shown
        await self._people[who].open_home()
        self._at_home.add(who)

    def form(self, who: str) -> Form | None:
        human = self._people[who]
        if not human.modals:
            return None
        view = human.modals[-1]

        async def send(text: str) -> None:
            field = _field(view)
            done = await human.submit(view, {} if field is None else {field["action_id"]: text})
            _check(done)
            if done.errors:
                raise Unable("; ".join(done.errors.values()))

        async def close() -> None:
            await human.close(view)

        element = _field(view) or {}
        return Form(
            title=_plain(view["title"]),
            label="; ".join(
                _plain(block["label"]) for block in view["blocks"] if block["type"] == "input"
            ),
            value=str(element.get("initial_value") or ""),
            send=send,
            close=close,
        )

    async def drop(self) -> None:
        self._slack.drop_sockets()

    async def restart(self) -> None:
        await self._slack.restart()

    # ---- seeing

    def look(self) -> list[Seen]:
        return [*self._statuses(), *self._watch.news(self._showing())]

    def _showing(self) -> Iterator[tuple[str, Seen]]:
        """All that the bot and Slackbot say at present, and how the bot reacts."""
        for channel in list(self._space.channels.values()):
            for row in list(self._space.messages[channel.id].values()):
                if row.get("user") == self._space.app.user and "subtype" not in row:
                    yield _id(row), self._message(row, "reply")
                yield from self._reactions(row)
        for row in list(self._space.ephemerals):
            yield f"{_id(row)} {row['to']}", self._message(row, "private")
        for who, human in self._people.items():
            view = self._slack.surfaces.homes.get(human.id)
            if view is not None and who in self._at_home:
                yield f"home {who}", self._seen(view, "App Home", "home", frozenset({who}))

    def _reactions(self, row: Json) -> Iterator[tuple[str, Seen]]:
        for reaction in row.get("reactions", ()):
            if self._space.app.user in reaction["users"]:
                text = f"reacts with :{reaction['name']}:"
                seen = replace(self._message(row, "reaction"), text=text, choices=())
                yield f"{_id(row)} :{reaction['name']}:", seen

    def _message(self, row: Json, kind: Kind) -> Seen:
        by = "Slackbot" if row.get("user") == SLACKBOT else BOT
        return self._seen(row, self._place(row), kind, self._readers(row), by=by)

    def _seen(
        self, row: Json, place: str, kind: Kind, who: frozenset[str], *, by: str = BOT
    ) -> Seen:
        at = datetime.fromtimestamp(float(row.get("ts") or row["hash"]), UTC)
        return Seen(
            platform=self.name, place=place, text=self._words(row), kind=kind, at=at, who=who,
            by=by, choices=tuple(self._choices(row)),
        )  # fmt: skip

    def _statuses(self) -> Iterator[Seen]:
        requests = self._slack.requests[self._asked :]
        self._asked += len(requests)
        for request in requests:
            begins = request.args.get("status") not in ("", "active", None)
            if request.method.endswith("setStatus") and begins and not request.error:
                channel = request.args.get("channel_id") or request.args.get("channel")
                row = {"channel": channel, "thread_ts": request.args.get("thread_ts")}
                yield Seen(
                    platform=self.name, place=self._place(row), text="is working…", kind="status",
                    at=datetime.now(UTC), who=self._readers(row),
                )  # fmt: skip

    def _place(self, row: Json) -> str:
        channel = self._space.channels[row["channel"]]
        if channel.room == "im":
            return "dm " + ", ".join(sorted(self._readers(row)))
        return f"#{channel.name}" + (" thread" if row.get("thread_ts") else "")

    def _readers(self, row: Json) -> frozenset[str]:
        ids = {row["to"]} if "to" in row else self._space.channels[row["channel"]].members
        return frozenset(who for who, human in self._people.items() if human.id in ids)

    # ---- words and buttons

    def _words(self, row: Json) -> str:
        blocks = [block for block in row.get("blocks") or () if block["type"] not in BUTTONS]
        words = [_block_words(block) for block in blocks] or [str(row.get("text") or "")]
        words += [f"(file {file['name']})" for file in row.get("files") or ()]
        return self._named("\n".join(word for word in words if word))

    def _named(self, text: str) -> str:
        """Ids as names, and the escapes undone."""
        users = {user: str(data["real_name"]) for user, data in self._space.users.items()}

        def shown(token: re.Match[str]) -> str:
            sign, what, label = token[1], token[2], token[3]
            if sign == "@":
                return f"@{users.get(what, what)}"
            return f"{label} ({what})" if label and not sign else f"{sign}{label or what}"

        text = _TOKEN.sub(shown, text)
        return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")

    def _choices(self, place: Json) -> Iterator[Choice]:
        about, rows = "", 0  # buttons are about the words before them, but the next row is not
        for block in place.get("blocks") or ():
            if block["type"] in BUTTONS:
                rows += 1
            else:
                about, rows = self._named(_block_words(block)), 0
            for block_id, element in kit.elements([block]):
                for label, value in _offers(element):
                    press = Press(
                        people=self._people, place=place, action=element["action_id"],
                        value=value, block=block_id,
                    )  # fmt: skip
                    confirm = element.get("confirm") or {}
                    asks = " ".join(_plain(confirm[name]) for name in ("title", "text") if confirm)
                    beside = about if rows < 2 else ""
                    yield Choice(label=label, about=beside, press=press, asks=asks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A click that may be made. It is a button of `place`, or the line `value` of a menu."""

    people: Mapping[str, Human]
    place: Json
    action: str
    value: str
    block: str

    async def __call__(self, who: str) -> None:
        click = self.people[who].click
        _check(await click(self.place, self.action, self.value, block_id=self.block))


def _id(row: Json) -> str:
    """As the bot knows a message."""
    return f"{row['channel']}:{row['ts']}"


def _check(done: Interaction) -> None:
    if done.error:
        raise Unable(f"Slack shows that this failed: {done.error}.")


def _block_words(block: Json) -> str:
    return kit.text_of({"blocks": [{**block, "accessory": None}]})


def _plain(text: Json | None) -> str:
    return str((text or {}).get("text") or "")


def _field(view: Json) -> Json | None:
    """The first field of text."""
    fields = [element for _, element in kit.elements(view["blocks"])]
    return next((field for field in fields if field["type"] in kit.TEXT_INPUTS), None)


def _offers(element: Json) -> Iterator[tuple[str, str]]:
    """(label, value) of a button or of each line of a menu; links are no choice."""
    if element["type"] == "button" and "url" not in element:
        yield _plain(element["text"]), str(element.get("value") or "")
    elif element["type"] in kit.ONE_OF:
        for option in kit.options_of(element):
            yield _plain(option["text"]), str(option["value"])
