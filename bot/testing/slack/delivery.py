"""How what happens reaches the app: what it subscribed to, envelopes, acknowledgements, retries."""

import asyncio
import time
import uuid
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Protocol

from bot.testing.slack.wire import Json, Kind, Tasks
from bot.testing.slack.workspace import PREFIX, TEAM, Channel, Workspace

NEEDS = {  # event -> the scope without which it is not sent
    "app_mention": "app_mentions:read",
    "assistant_thread_started": "assistant:write",
    "assistant_thread_context_changed": "assistant:write",
    "file_shared": "files:read",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
}


class Undelivered(Exception):
    """An attempt failed, and why: Slack's own words for it. final: no other shall follow."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


@dataclass(slots=True, kw_only=True)
class Delivery:
    """One event, command or interaction on its way to the app."""

    kind: Kind
    payload: Json
    attempts: int = 0
    acked: bool = False  # in time
    answer: Json = field(default_factory=dict)  # what came with the acknowledgement
    misses: list[str] = field(default_factory=list)  # why attempts failed, in order
    over: bool = False  # nothing more will be tried

    @property
    def dropped(self) -> bool:
        """Given up: the app never took it in time."""
        return self.over and not self.acked

    @property
    def event(self) -> Json:
        """The inner event; empty for commands and interactions."""
        event: Json = self.payload.get("event", {})
        return event


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """An acknowledgement, also one that came too late. took: seconds since that attempt left."""

    delivery: Delivery
    attempt: int  # 0 is the first
    took: float
    late: bool
    answer: Json


class Transport(Protocol):
    """A way to the app."""

    async def send(self, delivery: Delivery, attempt: int, reason: str) -> Json:
        """Returns what came with the acknowledgement. Raises Undelivered."""
        ...


class Record:
    """Everything that was sent, and every acknowledgement."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.deliveries: list[Delivery] = []
        self.acks: list[Ack] = []

    def acked(self, delivery: Delivery, attempt: int, sent: float, answer: Json) -> None:
        took = time.monotonic() - sent
        late = took > self._workspace.timing.ack
        ack = Ack(delivery=delivery, attempt=attempt, took=took, late=late, answer=answer)
        self.acks.append(ack)


class Courier:
    """Delivers, in the background. `duplicates`: how often each event comes again though acked."""

    def __init__(self, workspace: Workspace, record: Record, tasks: Tasks) -> None:
        self._workspace, self._record, self._tasks = workspace, record, tasks
        self.transport: Transport | None = None
        self.duplicates = 0
        self._under_way = 0

    @property
    def idle(self) -> bool:
        return self._under_way == 0

    def event(self, event: Json, channel: Channel | None) -> None:
        """Send an event if the app is subscribed to it, may see it, and is there."""
        if wanted(self._workspace, event, channel):
            self.send("events_api", wrapped(self._workspace, event))

    def send(self, kind: Kind, payload: Json) -> Delivery:
        delivery = Delivery(kind=kind, payload=deepcopy(payload))
        self._record.deliveries.append(delivery)
        self._under_way += 1
        self._tasks.start(self._deliver(delivery))
        return delivery

    async def _deliver(self, delivery: Delivery) -> None:
        """Try until it is acknowledged, or there is no other try. Only events are tried again."""
        try:
            while not await self._attempt(delivery) and delivery.kind == "events_api":
                if delivery.acked:
                    if delivery.attempts > self.duplicates:
                        break
                    continue
                waits = self._workspace.timing.retries
                if delivery.attempts > len(waits):
                    break
                await asyncio.sleep(waits[delivery.attempts - 1])
        finally:
            delivery.over = True
            self._under_way -= 1
            self._workspace.changes.tell()

    async def _attempt(self, delivery: Delivery) -> bool:
        """True where the app asked for no other."""
        number, reason = delivery.attempts, (delivery.misses or [""])[-1]
        delivery.attempts += 1
        try:
            if self.transport is None:
                raise Undelivered("no_connection")
            answer = await self.transport.send(delivery, number, reason or "timeout" * bool(number))
        except Undelivered as why:
            delivery.misses.append(str(why))
            return why.final
        finally:
            self._workspace.changes.tell()
        if not delivery.acked:
            delivery.acked, delivery.answer = True, answer
        return False


def wanted(workspace: Workspace, event: Json, channel: Channel | None) -> bool:
    """Is the app subscribed to it, has it the scope, and is the bot where it happened?"""
    app = workspace.app
    name, scope = event["type"], NEEDS.get(event["type"], "")
    if name == "message" and channel is not None:
        prefix = PREFIX[channel.room]
        name, scope = f"message.{prefix}", f"{prefix}:history"
    there = channel is None or app.user in channel.members
    allowed = not scope or scope in app.scopes
    return name in app.events and allowed and there and not app.revoked


def wrapped(workspace: Workspace, event: Json) -> Json:
    """An event as the Events API sends it."""
    app = workspace.app
    return {
        "token": "verification-token", "team_id": TEAM, "context_team_id": TEAM,
        "context_enterprise_id": None, "api_app_id": app.id, "event": event,
        "type": "event_callback", "event_id": f"Ev{uuid.uuid4().hex[:10].upper()}",
        "event_time": int(time.time()), "is_ext_shared_channel": False, "event_context": "4-fake",
        "authorizations": [
            {"enterprise_id": None, "team_id": TEAM, "user_id": app.user, "is_bot": True,
             "is_enterprise_install": False}
        ],
    }  # fmt: skip
