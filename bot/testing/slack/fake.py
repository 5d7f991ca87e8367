"""The fake Slack: one workspace with one app, served on loopback."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Literal, Self, TypeVar

from aiohttp import ClientSession, web

from bot.testing.slack.delivery import Ack, Courier, Delivery, Record, wrapped
from bot.testing.slack.faults import Fault
from bot.testing.slack.http_events import HttpEvents
from bot.testing.slack.humans import Human
from bot.testing.slack.methods import Backend
from bot.testing.slack.socket_mode import Sockets
from bot.testing.slack.surfaces import Surfaces
from bot.testing.slack.web_api import Request, WebApi
from bot.testing.slack.wire import Json, Kind, Tasks, Timing
from bot.testing.slack.workspace import App, Channel, Workspace, root_ts

T = TypeVar("T")


class FakeSlack:
    """A workspace, its people, and the app that is tested.

    app: tokens, scopes, subscriptions; take things away from it at any time.
    requests: every Web API call. deliveries: every event, command and interaction. acks: every
    acknowledgement, with how long it took. duplicates: how often each event is sent again though
    it was acknowledged. rate_limits: off, unless set.
    """

    def __init__(self, *, timing: Timing | None = None) -> None:
        self.app = App()
        self.timing = timing or Timing()
        self.workspace = Workspace(self.app, self.timing)
        self.surfaces = Surfaces(self.workspace)
        self._record = Record(self.workspace)
        self._tasks = Tasks()
        self._courier = Courier(self.workspace, self._record, self._tasks)
        self.sockets = Sockets(self.workspace, self._record)
        self._courier.transport = self.sockets
        backend = Backend(workspace=self.workspace, surfaces=self.surfaces, sockets=self.sockets)
        self._web = WebApi(backend)
        self.workspace.emit = self._courier.event
        self._runner: web.AppRunner | None = None
        self._session: ClientSession | None = None

    # ---- serving -------------------------------------------------------------------------------

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[Self]:
        """Serve on loopback; `api_url` is the base URL for clients. Port 0 takes any free one."""
        self._session = ClientSession()
        try:
            await self.listen(port)
            yield self
        finally:
            await self.go_away()
            await self._session.close()
            await self._tasks.close()

    async def listen(self, port: int = 0) -> None:
        app = web.Application(client_max_size=1 << 26)
        app.add_routes([*self._web.routes(), web.get("/link/", self.sockets.serve)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.workspace.base = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def go_away(self) -> None:
        """Slack is down: nothing listens, every connection is cut. What it knows it keeps."""
        self.sockets.drop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def come_back(self) -> None:
        """Listen again, where it was."""
        await self.listen(int(self.workspace.base.rpartition(":")[2]))

    async def restart(self) -> None:
        await self.go_away()
        await self.come_back()

    @property
    def api_url(self) -> str:
        """For `AsyncWebClient(base_url=…)`."""
        return f"{self.workspace.base}/api/"

    # ---- the app -------------------------------------------------------------------------------

    def install(self, manifest: Json) -> None:
        """Configure the app as its manifest says: scopes, events, commands, shortcuts, tabs."""
        features, settings = manifest.get("features", {}), manifest.get("settings", {})
        home = features.get("app_home", {})
        app = self.app
        app.scopes = set(manifest["oauth_config"]["scopes"]["bot"])
        app.events = set(settings.get("event_subscriptions", {}).get("bot_events", ()))
        app.commands = {row["command"] for row in features.get("slash_commands", ())}
        app.shortcuts = {row["callback_id"] for row in features.get("shortcuts", ())}
        app.agent_view = "agent_view" in features
        app.home_tab = bool(home.get("home_tab_enabled"))
        writable = not home.get("messages_tab_read_only_enabled", True)
        app.messages_tab = bool(home.get("messages_tab_enabled")) and writable
        app.interactivity = bool(settings.get("interactivity", {}).get("is_enabled"))

    async def use_http(self, url: str) -> None:
        """Deliver to a request URL from now on, once it echoed a challenge. Raises ValueError."""
        http = self._http()
        await http.verify(url)
        self._courier.transport = http

    async def knock(
        self, url: str, payload: Json, *, kind: Kind = "events_api", secret: str = "",
        age: float = 0.0,
    ) -> tuple[int, str]:  # fmt: skip
        """One signed request to a URL, its status and body. secret: sign with another one.

        age: seconds that its timestamp lies back.
        """
        return await self._http().knock(payload, url=url, kind=kind, secret=secret, age=age)

    def _http(self) -> HttpEvents:
        if self._session is None:
            raise RuntimeError("the fake Slack is not running")
        return HttpEvents(self.workspace, self._record, self._session)

    # ---- people and places ---------------------------------------------------------------------

    def human(self, name: str, *, admin: bool = False) -> Human:
        """The person of that name, who is new if there is none; a member of #general, #random."""
        return Human(self.workspace, self.surfaces, self._courier, self._user(name, "", admin))

    def other_bot(self, name: str) -> Human:
        """Another app's bot. It says things as people do, marked with its bot_id."""
        user = self._user(name, self.workspace.id("B"), False)
        self.channel("general").members.add(user)
        return Human(self.workspace, self.surfaces, self._courier, user)

    def _user(self, name: str, bot: str, admin: bool) -> str:
        for user, row in self.workspace.users.items():
            if row["real_name"] == name and user != self.app.user:
                return user
        return str(self.workspace.add_user(name, bot=bot, admin=admin)["id"])

    def channel(
        self, name: str, *, private: bool = False, members: Iterable[Human] = (), bot: bool = True
    ) -> Channel:
        """The channel of that name, made with these members if there is none. bot: it is in it."""
        people = [human.id for human in members]
        room: Literal["group", "channel"] = "group" if private else "channel"
        return self.workspace.channel(name, room=room, members=people, bot=bot)

    def messages(self, where: str | Channel, *, thread: Json | None = None) -> list[Json]:
        """What stands in a channel, or in a thread of it, oldest first."""
        channel = where if isinstance(where, Channel) else self.workspace.find_channel(where)
        if thread is not None:
            return self.workspace.thread(channel, root_ts(thread))
        return list(self.workspace.messages[channel.id].values())

    def status(self, message: Json) -> Json:
        """What a message's thread shows of the bot at work: `status` and `title` of its session,
        `text` of the older status line. Empty where there is nothing."""
        held = self.workspace.statuses.get((message["channel"], root_ts(message)), {})
        fresh = float(self.workspace.ts()) - float(held.get("text_at", 0)) < self.timing.status
        unseen = {"text_at"} if held.get("text") and fresh else {"text_at", "text"}
        return {name: value for name, value in held.items() if name not in unseen}

    def unfurl(self, message: Json, title: str) -> None:
        """Slack adds the preview of a link: a change of a message that nobody edited."""
        self.workspace.change(message, {"attachments": [{"id": 1, "title": title}]})

    # ---- a bad day -----------------------------------------------------------------------------

    def fail(
        self, method: str, *, status: int = 200, error: str = "", retry_after: int | None = None,
        hang: bool = False, drop: bool = False, applied: bool = False, times: int = 1,
    ) -> None:  # fmt: skip
        """Let the next calls of a method go wrong; see Fault. "upload", "download" and
        "response_url" are methods too; "*" is any; times=-1 is for good."""
        self._web.faults.waiting.append(
            Fault(
                method=method, status=status, error=error, retry_after=retry_after, hang=hang,
                drop=drop, applied=applied, times=times,
            )
        )  # fmt: skip

    def mend(self) -> None:
        """Nothing goes wrong any more."""
        self._web.faults.waiting.clear()

    @property
    def rate_limits(self) -> bool:
        return self._web.limits.on

    @rate_limits.setter
    def rate_limits(self, on: bool) -> None:
        self._web.limits.on = on

    @property
    def duplicates(self) -> int:
        return self._courier.duplicates

    @duplicates.setter
    def duplicates(self, times: int) -> None:
        self._courier.duplicates = times

    async def disconnect(
        self, reason: Literal["warning", "refresh_requested", "link_disabled"] = "refresh_requested"
    ) -> None:
        """Ask the app to connect anew."""
        await self.sockets.disconnect(reason)

    def drop_sockets(self) -> None:
        """Cut every Socket Mode connection, without a word."""
        self.sockets.drop()

    # ---- deliveries and what was recorded ------------------------------------------------------

    def send_event(self, event: Json) -> Delivery:
        """Deliver an event of any shape, subscribed or not."""
        return self._courier.send("events_api", wrapped(self.workspace, event))

    def send(self, kind: Kind, payload: Json) -> Delivery:
        """Deliver any payload."""
        return self._courier.send(kind, payload)

    @property
    def requests(self) -> list[Request]:
        return self._web.requests

    @property
    def deliveries(self) -> list[Delivery]:
        return self._record.deliveries

    @property
    def acks(self) -> list[Ack]:
        return self._record.acks

    def calls(self, method: str) -> list[Json]:
        """The arguments of the calls of a method that went well, in order."""
        return [row.args for row in self.requests if row.method == method and not row.error]

    async def until(self, look: Callable[[], T], *, within: float = 10.0) -> T:
        """What `look` returns, once that is true. Looks whenever something happens here.

        Raises TimeoutError.
        """
        return await self.workspace.changes.until(look, within=within)

    async def connected(self, count: int = 1, *, within: float = 10.0) -> None:
        """Waits until the app has `count` sockets open. Raises TimeoutError."""
        await self.until(lambda: len(self.sockets.open) >= count, within=within)

    async def settled(self, *, within: float = 30.0) -> None:
        """Waits until every delivery was acknowledged or given up. Raises TimeoutError."""
        await self.until(lambda: self._courier.idle, within=within)
