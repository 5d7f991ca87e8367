"""What Slack tells, on its way to the hearing: each conversation in order, nothing left out."""

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
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
from adapters.slack import commands
from adapters.slack.catchup import Json, Lane, conversations, missed
from adapters.slack.directory import Directory
from adapters.slack.receive import PLATFORM, Room, ids_in, is_said, kind_of, to_event
from adapters.slack.send import ts_of
from adapters.slack.trouble import told

log = logging.getLogger(__name__)

PATIENCE: Final = 1.0  # seconds that a new message waits for those before it; Slack waits for three
LONGEST: Final = 600.0  # seconds for which a history is asked for
LONGEST_WAIT: Final = 30.0  # seconds between two attempts
REMEMBERED: Final = 1000  # commands, so that none is obeyed twice


class Ears:
    """Takes payloads, and knows how far each conversation was heard. It outlives connections."""

    def __init__(
        self, hearing: Hearing, client: AsyncWebClient, poster: AsyncWebClient, directory: Directory
    ) -> None:
        self._hearing = hearing
        self._client = client
        self._poster = poster
        self._directory = directory
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

    def newest(self, channel: str) -> str:
        """The ts of the last message of a conversation; "" if there is none."""
        lane = self._lanes.get(channel)
        return lane.newest if lane else ""

    async def take(self, body: Json) -> None:
        """Any payload; returns when it may be acknowledged. Raises what `deliver` raises."""
        if "command" in body:
            answer = commands.obey_slash(body, self._hearing, self._poster, self._directory)
            self._start(answer, "slash command")
        elif body.get("type") == "event_callback":
            await self._event(body["event"])

    # ---- messages

    async def _event(self, message: Json) -> None:
        if not is_said(message, await self._directory.me()):
            return
        lane = self._lane(str(message["channel"]))
        await asyncio.wait([self._gap(lane)], timeout=PATIENCE)
        event = await self._hear(lane, message)
        if commands.is_command(event) and event.id not in self._obeyed:
            self._obeyed.append(event.id)
            answer = commands.obey_typed(event, self._hearing, self._poster)
            self._start(answer, "typed command")

    async def _hear(self, lane: Lane, message: Json) -> Event:
        """Deliver a message, unless it is a command."""
        async with lane.lock:
            event = await self._as_event(message)
            if not commands.is_command(event):
                await self._hearing.deliver(event)
            lane.newest = max(lane.newest, str(message["ts"]))
        return event

    async def _as_event(self, message: Json) -> Event:
        users, channels = ids_in(str(message.get("text") or ""))
        names = await self._directory.names([str(message["user"]), *users], channels)
        direct = kind_of(message) == "dm"
        room = Room(kind="dm") if direct else await self._directory.room(str(message["channel"]))
        return to_event(message, await self._directory.me(), room, names)

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
                seen = await self._hearing.last_seen(address, row.get("user"))
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
                for message in await missed(self._client, lane.channel, since):
                    if is_said(message, me):
                        await self._hear(lane, message)

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
