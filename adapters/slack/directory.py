"""What people and rooms are called, asked of Slack once in a while."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from slack_sdk.web.async_client import AsyncWebClient

from adapters.base import RoomKind
from adapters.slack.receive import Me, Room
from adapters.slack.trouble import TROUBLE, code_of, status_of

T = TypeVar("T")

LIFE: Final = 3600.0  # seconds that an answer is good for
RIGHTS: Final = 60.0  # the same, for what a person may do
PATIENCE: Final = 1.0  # seconds for a question: who asks has to acknowledge an event within three
REST: Final = 10.0  # seconds without questions after one that got no answer
MOST: Final = 10_000  # names that are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who writes. guest: they cannot read the public channels of the workspace."""

    name: str
    bot: bool = False
    guest: bool = False


class _Names(Generic[T]):
    """Answers to one kind of question, each kept for a while."""

    def __init__(self, ask: Callable[[str], Awaitable[T]], life: float = LIFE) -> None:
        self._ask = ask
        self._life = life
        self._kept: dict[str, tuple[float, T]] = {}  # good until
        self._rest = 0.0  # no questions until

    def keep(self, key: str, value: T) -> T:
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[key] = (time.monotonic() + self._life, value)
        return value

    async def get(self, key: str, unknown: T) -> T:
        """The answer; an old one, or `unknown`, where there is none to be had. Never raises."""
        until, value = self._kept.get(key, (0.0, unknown))
        now = time.monotonic()
        if now < until or now < self._rest:
            return value
        try:
            async with asyncio.timeout(PATIENCE):
                return self.keep(key, await self._ask(key))
        except TROUBLE as error:
            if code_of(error) and status_of(error) == 200:  # Slack's last word: ask no more
                return self.keep(key, value)
            self._rest = time.monotonic() + REST
            return value


class Directory:
    """Who is who. Only `me` raises."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self.known: Me | None = None  # the bot, once Slack told
        self._people: _Names[Person] = _Names(self._ask_person)
        self._rooms = _Names(self._ask_room)
        self._admins = _Names(self._ask_admin, RIGHTS)
        self._directs = _Names(self._ask_direct)

    async def me(self) -> Me:
        """The bot itself. Raises TROUBLE until Slack answered once."""
        if self.known is None:
            told = await self._client.auth_test()
            self.known = Me(
                team=str(told["team_id"]), user=str(told["user_id"]), url=str(told.get("url") or "")
            )
        return self.known

    async def person(self, user: str, unknown: str = "") -> str:
        return (await self._person(user, unknown)).name

    async def is_bot(self, user: str) -> bool:
        """Whether it is an app's or a workflow's user. False where it is not known."""
        return (await self._person(user)).bot

    async def is_guest(self, user: str) -> bool:
        """Whether somebody may read only the channels that they are in: a guest, or somebody of
        another workspace. True where it is not known: better too little is shown than too much."""
        return (await self._person(user)).guest

    async def _person(self, user: str, unknown: str = "") -> Person:
        return await self._people.get(user, Person(name=unknown or user, guest=True))

    async def names(self, users: Iterable[str], channels: Iterable[str] = ()) -> dict[str, str]:
        """What they are called; an id where that is not known."""
        people = list(users)
        called = await asyncio.gather(*(self.person(user) for user in people))
        places = {channel: await self.room(channel) for channel in channels}
        return dict(zip(people, called, strict=True)) | {
            channel: room.name for channel, room in places.items() if room.name
        }

    async def room(self, channel: str) -> Room:
        """Where it is not known: private, unless its id tells that it is direct."""
        return await self._rooms.get(
            channel, Room(kind="dm" if channel.startswith("D") else "private")
        )

    async def admin(self, user: str, channel: str) -> bool:
        """Whether a person may change how the bot behaves there: an admin of the workspace, or who
        made the channel. False where it is not known."""
        return await self.governs(user) or (await self.room(channel)).creator == user

    async def governs(self, user: str) -> bool:
        """Whether a person is an admin of the workspace. False where it is not known."""
        return await self._admins.get(user, False)

    async def direct(self, user: str) -> str:
        """The conversation of a person and the bot; "" where it is not known."""
        return await self._directs.get(user, "")

    def learn(self, conversation: Mapping[str, Any]) -> Room:
        """Keep what a list of conversations told."""
        return self._rooms.keep(str(conversation["id"]), _room(conversation))

    async def _ask_person(self, user: str) -> Person:
        me, told = await self.me(), await self._client.users_info(user=user)
        row = told["user"]
        profile = row.get("profile") or {}
        names = (
            profile.get("display_name"),
            profile.get("real_name"),
            row.get("real_name"),
            row.get("name"),
        )
        return Person(
            name=next((str(name) for name in names if name), user),
            bot=bool(row.get("is_bot") or row.get("is_workflow_bot")),
            guest=_is_guest(row, me.team),
        )

    async def _ask_admin(self, user: str) -> bool:
        row = (await self._client.users_info(user=user))["user"]
        return bool(row.get("is_admin") or row.get("is_owner"))

    async def _ask_direct(self, user: str) -> str:
        return str((await self._client.conversations_open(users=[user]))["channel"]["id"])

    async def _ask_room(self, channel: str) -> Room:
        told = await self._client.conversations_info(channel=channel)
        return _room(told["channel"])


def _is_guest(row: Mapping[str, Any], team: str) -> bool:
    """Of a user, as `users.info` tells. Who is of another workspace of the same organization may be
    a member of this one as well."""
    teams = {row.get("team_id", team), *((row.get("enterprise_user") or {}).get("teams") or ())}
    flags = ("is_restricted", "is_ultra_restricted", "is_stranger")
    return team not in teams or any(row.get(flag) for flag in flags)


def _room(conversation: Mapping[str, Any]) -> Room:
    if conversation.get("is_im"):
        return Room(kind="dm")
    if conversation.get("is_mpim"):
        return Room(kind="group")
    kind: RoomKind = "private" if conversation.get("is_private") else "public"
    return Room(
        kind=kind,
        name=str(conversation.get("name") or ""),
        creator=str(conversation.get("creator") or ""),
    )
