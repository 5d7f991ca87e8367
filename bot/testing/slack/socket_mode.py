"""Socket Mode: the app calls in, and gets envelopes over a WebSocket."""

import asyncio
import json
import time
import uuid
from dataclasses import dataclass

from aiohttp import WSMsgType, web

from bot.testing.slack.delivery import Delivery, Record, Undelivered
from bot.testing.slack.wire import Json
from bot.testing.slack.workspace import Workspace

MOST = 10  # connections of one app


@dataclass(slots=True, kw_only=True)
class Pending:
    """An envelope that waits for its acknowledgement. It is kept when that is late."""

    delivery: Delivery
    attempt: int
    sent: float
    socket: web.WebSocketResponse
    answer: "asyncio.Future[Json]"


class Sockets:
    """The app's connections; each envelope goes to one of them in turn."""

    def __init__(self, workspace: Workspace, record: Record) -> None:
        self._workspace, self._record = workspace, record
        self.open: list[web.WebSocketResponse] = []
        self.opened = 0  # how often the app connected
        self.tickets: set[str] = set()
        self._pending: dict[str, Pending] = {}
        self._turn = 0
        self._transports: dict[web.WebSocketResponse, asyncio.BaseTransport | None] = {}

    def ticket(self) -> str:
        """The URL of a new connection; it can be used once."""
        ticket = uuid.uuid4().hex
        self.tickets.add(ticket)
        base = self._workspace.base.replace("http", "ws", 1)
        return f"{base}/link/?ticket={ticket}&app_id={self._workspace.app.id}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """A connection, from hello to its end."""
        ticket = request.query.get("ticket", "")
        if ticket not in self.tickets:
            return web.Response(status=404)
        self.tickets.discard(ticket)
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        if len(self.open) >= MOST:
            await socket.send_json(_goodbye("too_many_websockets"))
            await socket.close()
            return socket
        await self._welcome(socket)
        self._transports[socket] = request.transport
        self.open.append(socket)
        self._workspace.changes.tell()
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    self._acknowledge(json.loads(message.data))
        finally:
            self._forget(socket)
        return socket

    async def _welcome(self, socket: web.WebSocketResponse) -> None:
        self.opened += 1
        debug = {"host": "applink-fake", "build_number": 1, "approximate_connection_time": 18060}
        info = {"app_id": self._workspace.app.id}
        count = len(self.open) + 1
        hello = {"type": "hello", "num_connections": count, "connection_info": info}
        await socket.send_json({**hello, "debug_info": debug})

    def _acknowledge(self, frame: Json) -> None:
        pending = self._pending.pop(frame.get("envelope_id", ""), None)
        if pending is None:
            return
        answer = frame.get("payload") or {}
        self._record.acked(pending.delivery, pending.attempt, pending.sent, answer)
        if not pending.answer.done():
            pending.answer.set_result(answer)
        self._workspace.changes.tell()

    def _forget(self, socket: web.WebSocketResponse) -> None:
        self._transports.pop(socket, None)
        if socket in self.open:
            self.open.remove(socket)
        for envelope, pending in list(self._pending.items()):
            if pending.socket is socket:
                del self._pending[envelope]
                if not pending.answer.done():
                    pending.answer.set_exception(Undelivered("connection_closed"))
        self._workspace.changes.tell()

    async def send(self, delivery: Delivery, attempt: int, reason: str) -> Json:
        """See Transport. Waits for a connection as long as for an acknowledgement."""
        socket = await self._next()
        envelope = {
            "envelope_id": str(uuid.uuid4()),
            "type": delivery.kind,
            "payload": delivery.payload,
            "accepts_response_payload": delivery.kind != "events_api",
        }
        if delivery.kind == "events_api":  # a first delivery says 0, which is no retry
            envelope |= {"retry_attempt": attempt, "retry_reason": reason}
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._pending[str(envelope["envelope_id"])] = Pending(
            delivery=delivery, attempt=attempt, sent=time.monotonic(), socket=socket, answer=answer
        )
        try:
            await socket.send_json(envelope)
            async with asyncio.timeout(self._workspace.timing.ack):
                return await answer
        except TimeoutError:
            raise Undelivered("timeout") from None
        except ConnectionError:
            raise Undelivered("connection_closed") from None

    async def _next(self) -> web.WebSocketResponse:
        changes, within = self._workspace.changes, self._workspace.timing.ack
        try:
            await changes.until(lambda: self.open, within=within)
        except TimeoutError:
            raise Undelivered("no_connection") from None
        self._turn += 1
        return self.open[self._turn % len(self.open)]

    async def disconnect(self, reason: str) -> None:
        """Tell the app to connect anew: warning, refresh_requested or link_disabled."""
        leaving, self.open = self.open, []
        for socket in leaving:
            await socket.send_json(_goodbye(reason))

    def drop(self) -> None:
        """Cut every connection, without a word."""
        for socket in list(self.open):
            transport = self._transports.get(socket)
            if isinstance(transport, asyncio.Transport):
                transport.abort()
            self._forget(socket)


def _goodbye(reason: str) -> Json:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-fake"}}
