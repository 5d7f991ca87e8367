"""What Slack tells, on its way to the hearing: each conversation in order, nothing left out."""

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine, Mapping
from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_delay,
    wait_exponential,
)

from adapters.base import Address, Event, Hearing
from adapters.commands import is_command
from adapters.slack.catchup import Json, Lane, conversations, missed
from adapters.slack.commands import Commands
from adapters.slack.directory import Directory
from adapters.slack.home import Home
from adapters.slack.presses import KINDS, Presses
from adapters.slack.receive import (
    PLATFORM,
    Change,
    Room,
    change_in,
    ids_in,
    is_said,
    kind_of,
    to_changed,
    to_event,
)
from adapters.slack.send import ts_of
from adapters.slack.status import Asked
from adapters.slack.trouble import told
from adapters.slack.twins import Twins

log = logging.getLogger(__name__)

PATIENCE: Final = 1.0  # seconds that a new message waits for those before it; Slack waits for three
LONGEST: Final = 600.0  # seconds for which a history is asked for
LONGEST_WAIT: Final = 30.0  # seconds between two attempts
REMEMBERED: Final = 1000  # commands, so that none is obeyed twice; rooms, with their last question
TITLE: Final = 60  # characters of a question, as a thread's title


class Ears:
    """Takes payloads, and knows how far each conversation was heard. It outlives connections."""

    def __init__(
        self, hearing: Hearing, client: AsyncWebClient, poster: AsyncWebClient, directory: Directory
    ) -> None:
        self._hearing = hearing
        self._client = client
        self._directory = directory
        self._commands = Commands(hearing, poster, directory)
        self._home = Home(poster, self._commands)
        self._presses = Presses(poster, directory, self._commands, self._home)
        self._twins = Twins()
        self._asked: dict[str, Asked] = {}  # by room, the last one at the end
        self._lanes: dict[str, Lane] = {}
        self._connection = 0  # the number of the present one
        self._surveyed = 0  # the one in which all conversations were listed
        self._floor = ""  # the newest ts before it: somebody listened then
        self._obeyed: deque[str] = deque(maxlen=REMEMBERED)
        self._tasks: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """Ends what is still being done; history has it at the next start."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def asked(self, address: Address) -> Asked | None:
        """The last message that was said there, to us or not."""
        return self._asked.get(address.room)

    async def take(self, body: Json) -> None:
        """Any payload; returns when it may be acknowledged. Raises what `deliver` raises."""
        if "command" in body:
            self._start(self._commands.slash(body), "slash command")
        elif body.get("type") in KINDS:
            self._start(self._presses.take(body), "button or form")
        elif body.get("type") == "event_callback":
            await self._event(body["event"])

    async def _event(self, event: Json) -> None:
        if event.get("type") == "app_home_opened":
            self._start(self._home.opened(event), "slack home")
            return
        me = await self._directory.me()
        if event.get("type") == "member_left_channel" and {"channel", "user"} <= event.keys():
            room = Address(platform=PLATFORM, space=me.team, channel=str(event["channel"]))
            await self._hearing.left(room, str(event["user"]))
        elif is_said(event, me):
            await self._message(event)
        elif change := change_in(event, me):
            lane = await self._caught_up(str(event["channel"]))
            await self._change(lane, change)

    # ---- messages

    async def _message(self, message: Json) -> None:
        await self._twins.complete(message)
        lane = await self._caught_up(str(message["channel"]))
        event = await self._hear(lane, message)
        if event and is_command(event) and event.id not in self._obeyed:
            self._obeyed.append(event.id)
            self._start(self._commands.typed(event), "typed command")

    async def _caught_up(self, channel: str) -> Lane:
        """Its lane, with what was said before, if that does not take too long."""
        lane = self._lane(channel)
        await asyncio.wait([self._gap(lane)], timeout=PATIENCE)
        return lane

    async def _hear(self, lane: Lane, message: Json) -> Event | None:
        """Deliver a message, unless it is a command. None: it is a bot's."""
        async with lane.lock:
            event = await self._as_event(message)
            if event and not is_command(event):
                self._note(event, str(message["ts"]))
                await self._hearing.deliver(event)
            lane.newest = max(lane.newest, str(message["ts"]))
        return event

    def _note(self, event: Event, ts: str) -> None:
        room, title = event.address.room, " ".join(event.text.split())[:TITLE]
        begins = event.address.thread in (None, ts) or room not in self._asked
        self._asked.pop(room, None)
        self._asked[room] = Asked(ts=ts, title=title, begins=begins)
        if len(self._asked) > REMEMBERED:
            del self._asked[next(iter(self._asked))]

    async def _as_event(self, message: Json) -> Event | None:
        """None for a bot's: the files that bots share do not always tell that they are theirs."""
        user, (users, channels) = str(message["user"]), ids_in(str(message.get("text") or ""))
        names = await self._directory.names([user, *users], channels)
        if await self._directory.is_bot(user):
            return None
        me, room = await self._directory.me(), await self._room(message)
        guest = await self._directory.is_guest(user)
        return to_event(message, me, room, names, guest=guest)

    async def _change(self, lane: Lane, change: Change) -> None:
        """An edit or a deletion, after the message itself."""
        async with lane.lock:
            names = await self._directory.names(*ids_in(change.text or ""))
            me, room = await self._directory.me(), await self._room(change.was)
            await self._hearing.changed(to_changed(change, me, room, names))
            lane.edited = max(lane.edited, change.edited)

    async def _room(self, message: Mapping[str, Any]) -> Room:
        direct = kind_of(message) == "dm"
        return Room(kind="dm") if direct else await self._directory.room(str(message["channel"]))

    # ---- the gap

    def connected(self) -> None:
        """A new connection: what happened before is only in the history."""
        self._connection += 1
        self._floor = max((lane.newest for lane in self._lanes.values()), default="")
        self._start(self._sweep(), "slack catch-up")

    async def survey(self) -> None:
        """List all conversations, and find out how far each was heard. Raises TROUBLE."""
        me = await self._directory.me()
        for row in await conversations(self._client):
            self._directory.learn(row)
            lane = self._lanes.setdefault(row["id"], Lane(channel=row["id"], connection=-1))
            if not lane.newest:
                address = Address(platform=PLATFORM, space=me.team, channel=lane.channel)
                seen = await self._hearing.last_seen(address)
                lane.newest = ts_of(seen or "")
        self._surveyed = self._connection

    async def _sweep(self) -> None:
        async for attempt in _again():
            with attempt:
                await self.survey()
        for lane in sorted(self._lanes.values(), key=lambda lane: lane.newest, reverse=True):
            await asyncio.wait([self._gap(lane)])

    def _lane(self, channel: str) -> Lane:
        """A conversation that was not there when all were listed has no gap."""
        if channel not in self._lanes:
            new = self._surveyed == self._connection
            number = self._connection if new else -1
            self._lanes[channel] = Lane(channel=channel, connection=number)
        return self._lanes[channel]

    def _gap(self, lane: Lane) -> "asyncio.Task[None]":
        """Closes it, once in a connection. A new conversation is read from where we know that
        somebody listened."""
        if lane.gap is None or lane.connection != self._connection:
            since = lane.newest or self._floor
            known = lane.connection == self._connection
            lane.connection = self._connection
            lane.gap = self._start(self._close(lane, "" if known else since), "slack history")
        return lane.gap

    async def _close(self, lane: Lane, since: str) -> None:
        if not since:
            return
        me = await self._directory.me()
        async for attempt in _again():
            with attempt:
                for event in await missed(self._client, lane.channel, since, lane.edited):
                    if is_said(event, me):
                        await self._hear(lane, event)
                    elif change := change_in(event, me):
                        await self._change(lane, change)

    # ---- inside

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
        """Beside what Slack waits for."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            note = {"action": "slack_task_failed"}
            log.error("%s failed: %s", task.get_name(), told(error), extra=note)


def _again() -> AsyncRetrying:
    """Attempts until it goes well, as Slack would deliver again; the last error is raised."""
    return AsyncRetrying(
        retry=retry_if_exception_type(Exception),
        wait=wait_exponential(multiplier=0.5, max=LONGEST_WAIT),
        stop=stop_after_delay(LONGEST),
        before_sleep=_tell,
        reraise=True,
    )


def _tell(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("once more, after: %s", told(error), extra={"action": "slack_again"})
