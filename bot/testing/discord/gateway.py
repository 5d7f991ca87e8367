"""The gateway: sessions that outlive their sockets, events in order, and all that can break."""

import asyncio
import json
import zlib
from collections import deque
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from bot.testing.discord.faults import Faults
from bot.testing.discord.payloads import full_member_json, guild_json, user_json
from bot.testing.discord.records import PRIVILEGED, Guild, Intent, Json
from bot.testing.discord.world import Event, World

DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT, MEMBERS = 0, 1, 2, 6, 7, 8
INVALID_SESSION, HELLO, ACK, PRESENCE, VOICE = 9, 10, 11, 3, 4
UNKNOWN_OP, DECODE_ERROR, NOT_IDENTIFIED, BAD_TOKEN, IDENTIFIED = 4001, 4002, 4003, 4004, 4005
TOO_FAST, BAD_SHARD, BAD_INTENTS, DISALLOWED = 4008, 4010, 4013, 4014

FRAME_LIMIT = 4096  # bytes of what a client sends
SENDS = 120  # of a client, in a minute
STARTS = 1000  # IDENTIFYs of a bot, in a day
CLEAN = (1000, 1001)  # a client that closes with these gives its session up
KNOWN_INTENTS = (1 << 26) - 1
CONTENT_FLAG, MEMBERS_FLAG, PRESENCE_FLAG = 1 << 19, 1 << 15, 1 << 13  # "limited": few guilds


@dataclass(slots=True, kw_only=True, eq=False)
class Session:
    """What a client may resume. sent: the frames so far, for replay."""

    id: str
    shard: tuple[int, int]
    intents: Intent
    sent: list[Json] = field(default_factory=list)
    connection: "Connection | None" = None
    lost_at: float = 0.0

    def send(self, name: str, data: Json) -> None:
        frame = {"op": DISPATCH, "t": name, "s": len(self.sent) + 1, "d": data}
        self.sent.append(frame)
        if self.connection:
            self.connection.send(frame)

    def covers(self, guild: Guild | None) -> bool:
        """Whether events of this guild belong to its shard; direct messages are of shard 0."""
        number, count = self.shard
        return number == ((int(guild.id) >> 22) % count if guild else 0)


class Connection:
    """One socket. frozen: it is there, and nothing comes any more."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket = socket
        self.session: Session | None = None
        self.frozen = False
        self.closing = False
        self._transport = request.transport
        self._queue: asyncio.Queue[Json | int] = asyncio.Queue()
        self._heard: deque[float] = deque(maxlen=SENDS)
        compressed = request.query.get("compress") == "zlib-stream"
        self._deflate = zlib.compressobj() if compressed else None  # one for the whole stream

    def send(self, frame: Json) -> None:
        if not self.frozen:
            self._queue.put_nowait(frame)

    def close(self, code: int) -> None:
        """After what is already on its way."""
        self._queue.put_nowait(code)

    def abort(self) -> None:
        """As when a cable is pulled: no closing frame."""
        if self._transport:
            self._transport.abort()

    def too_fast(self, now: float) -> bool:
        self._heard.append(now)
        return len(self._heard) == SENDS and now - self._heard[0] < 60

    async def write(self) -> None:
        """Sends what is queued, in order, until closed."""
        while True:
            frame = await self._queue.get()
            try:
                if isinstance(frame, int):
                    self.closing = True
                    await self.socket.close(code=frame)
                    return
                await self._write(json.dumps(frame))
            except ConnectionError:
                return

    async def _write(self, text: str) -> None:
        if self._deflate is None:
            await self.socket.send_str(text)
            return
        data = self._deflate.compress(text.encode()) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        await self.socket.send_bytes(data)


class Gateway:
    """Accepts sockets, and tells sessions what happens. heartbeat: milliseconds.

    resume_within: seconds for which a session waits for its client. heard: ops from clients.
    """

    def __init__(
        self, world: World, faults: Faults, *, heartbeat: int, resume_within: float
    ) -> None:
        self.world = world
        self.faults = faults
        self.heartbeat = heartbeat
        self.resume_within = resume_within
        self.sessions: dict[str, Session] = {}
        self.connections: set[Connection] = set()
        self.heard: list[int] = []
        self.started = 0
        self.resumed = 0
        world.listener = self.tell

    def tell(self, event: Event) -> None:
        """To each session that asked for such events."""
        for session in self.sessions.values():
            if event.intent in session.intents and session.covers(event.guild):
                blank = event.hidden is not None and Intent.MESSAGE_CONTENT not in session.intents
                session.send(event.name, event.hidden if blank and event.hidden else event.data)

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """One socket, from HELLO to its end."""
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        connection = Connection(socket, request)
        self.connections.add(connection)
        hello = {"heartbeat_interval": self.heartbeat, "_trace": []}
        connection.send({"op": HELLO, "t": None, "s": None, "d": hello})
        try:
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(connection.write(), name="discord gateway writer")
                async for message in socket:
                    if message.type is WSMsgType.TEXT:
                        self._hear(connection, message.data)
                if not connection.closing:
                    writer.cancel()
        finally:
            self._gone(connection)
        return socket

    def _gone(self, connection: Connection) -> None:
        self.connections.discard(connection)
        session = connection.session
        if session and session.connection is connection:
            session.connection = None
            session.lost_at = self.world.now()
            if connection.socket.close_code in CLEAN and not connection.closing:
                self.sessions.pop(session.id, None)
        self.world.changes.happened()

    def _hear(self, connection: Connection, text: str) -> None:
        try:
            frame = json.loads(text)
            op, data = frame["op"], frame.get("d")
        except (ValueError, KeyError, TypeError):
            connection.close(DECODE_ERROR)
            return
        self.heard.append(op)
        self.world.changes.happened()
        if connection.frozen:
            return
        if len(text.encode()) > FRAME_LIMIT:
            connection.close(DECODE_ERROR)
        elif connection.too_fast(self.world.now()):
            connection.close(TOO_FAST)
        else:
            self._obey(connection, op, data)

    def _obey(self, connection: Connection, op: int, data: Json) -> None:
        if op == HEARTBEAT:
            connection.send({"op": ACK, "t": None, "s": None, "d": None})
        elif op in (IDENTIFY, RESUME) and connection.session:
            connection.close(IDENTIFIED)
        elif op == IDENTIFY:
            self._identify(connection, data)
        elif op == RESUME:
            self._resume(connection, data)
        elif op not in (PRESENCE, VOICE, MEMBERS):
            connection.close(UNKNOWN_OP)
        elif connection.session is None:
            connection.close(NOT_IDENTIFIED)
        elif op == MEMBERS:
            self._members(connection.session, data)

    def _identify(self, connection: Connection, data: Json) -> None:
        wrong = self._refusal(data)
        if wrong:
            connection.close(wrong)
            return
        self.world.app.starts_left -= 1
        self.started += 1
        number, count = data.get("shard") or (0, 1)
        session = Session(
            id=f"session-{self.started}",
            shard=(number, count),
            intents=Intent(data["intents"]),
            connection=connection,
        )
        connection.session = session
        self.sessions[session.id] = session
        mine = [g for g in self._guilds() if session.covers(g)]
        session.send("READY", self._ready(session, mine))
        if Intent.GUILDS in session.intents:
            for guild in mine:
                session.send("GUILD_CREATE", self.world.guild_create(guild))

    def _refusal(self, data: Json) -> int:
        """The code to close with, or 0. A bot that used up its starts has lost its token."""
        fault = self.faults.take("IDENTIFY")
        if fault:
            return fault.status
        app = self.world.app
        if data.get("token") != app.token or app.starts_left <= 0:
            return BAD_TOKEN
        intents = data.get("intents")
        if not isinstance(intents, int) or not 0 <= intents <= KNOWN_INTENTS:
            return BAD_INTENTS
        number, count = data.get("shard") or (0, 1)
        if not 0 <= number < count:
            return BAD_SHARD
        return DISALLOWED if Intent(intents) & PRIVILEGED & ~app.granted else 0

    def _ready(self, session: Session, guilds: list[Guild]) -> Json:
        app = self.world.app
        return {
            "v": 10,
            "user": {**user_json(app.user), "verified": True, "mfa_enabled": False, "flags": 0},
            "guilds": [{"id": guild.id, "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "resume_gateway_url": app.gateway_url,
            "session_type": "normal",
            "private_channels": [],
            "shard": list(session.shard),
            "application": {"id": app.id, "flags": application_flags(app.granted)},
        }

    def _resume(self, connection: Connection, data: Json) -> None:
        """Replays what was missed; or says that the session is over."""
        if data.get("token") != self.world.app.token:
            connection.close(BAD_TOKEN)
            return
        session = self.sessions.get(data.get("session_id") or "")
        seq = data.get("seq")
        if session is None or not isinstance(seq, int) or self._expired(session, seq):
            connection.send({"op": INVALID_SESSION, "t": None, "s": None, "d": False})
            return
        if session.connection:
            session.connection.session = None
            session.connection.abort()
        session.connection = connection
        connection.session = session
        self.resumed += 1
        for frame in session.sent[seq:]:
            connection.send(frame)
        session.send("RESUMED", {"_trace": []})

    def _expired(self, session: Session, seq: int) -> bool:
        late = self.world.now() - session.lost_at > self.resume_within
        return seq > len(session.sent) or (session.connection is None and late)

    def _members(self, session: Session, data: Json) -> None:
        """The members that op 8 asks for: by id, or by the beginning of a name."""
        guild = self.world.guilds[str(data["guild_id"])]
        wanted = data.get("user_ids")
        ids = {str(i) for i in (wanted if isinstance(wanted, list) else [wanted])}
        start = str(data.get("query") or "").lower()
        found = [
            full_member_json(member)
            for member in guild.members.values()
            if (member.user.id in ids if wanted else member.user.name.lower().startswith(start))
        ]
        answer = {"guild_id": guild.id, "members": found, "chunk_index": 0, "chunk_count": 1}
        session.send("GUILD_MEMBERS_CHUNK", {**answer, "nonce": data.get("nonce")})

    def _guilds(self) -> list[Guild]:
        bot = self.world.bot.id
        return [guild for guild in self.world.guilds.values() if bot in guild.members]

    # ---- on demand

    def ask(self, op: int, data: bool | None = None) -> None:
        """Sends an op to everybody: RECONNECT, INVALID_SESSION, or HEARTBEAT to ask for one."""
        for connection in self.connections:
            connection.send({"op": op, "t": None, "s": None, "d": data})

    def forget(self) -> None:
        """No session can be resumed."""
        self.sessions.clear()


def application_flags(granted: Intent) -> int:
    """What an application's flags say of its privileged intents."""
    flags = {
        Intent.MESSAGE_CONTENT: CONTENT_FLAG,
        Intent.GUILD_MEMBERS: MEMBERS_FLAG,
        Intent.GUILD_PRESENCES: PRESENCE_FLAG,
    }
    return sum(flag for intent, flag in flags.items() if intent in granted)


def partial_guild(guild: Guild) -> Json:
    """A guild in the list of the bot's guilds."""
    data = guild_json(guild)
    return {key: data[key] for key in ("id", "name", "icon", "features")}
