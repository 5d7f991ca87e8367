"""The registry of Web API methods, and what they all stand on."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.testing.slack.socket_mode import Sockets
from bot.testing.slack.surfaces import Surfaces
from bot.testing.slack.wire import Args, Json, Refused
from bot.testing.slack.workspace import PREFIX, Channel, Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """What a method may touch."""

    workspace: Workspace
    surfaces: Surfaces
    sockets: Sockets

    def need_scope(self, *any_of: str) -> None:
        """Raises Refused("missing_scope") unless the app has one of them."""
        granted = self.workspace.app.scopes
        if not granted.intersection(any_of):
            provided = ",".join(sorted(granted))
            raise Refused("missing_scope", needed=",".join(any_of), provided=provided)

    def channel(self, args: Args, *, to: str = "", name: str = "channel") -> Channel:
        """The channel that an argument names, as the bot may use it.

        to: "read" needs the scope of that kind of channel; "history" also membership; "write"
        membership. A private channel that the bot is not in does not exist for it.
        """
        channel = self.workspace.find_channel(args.need(name))
        inside = self.workspace.app.user in channel.members
        if not inside and channel.room != "channel":
            raise Refused("channel_not_found")
        if to in ("read", "history"):
            self.need_scope(f"{PREFIX[channel.room]}:{to}")
        if to in ("history", "write") and not inside:
            raise Refused("not_in_channel")
        if to == "write" and channel.archived:
            raise Refused("is_archived")
        return channel

    def message(self, args: Args, *, to: str = "", ts: str = "ts") -> Json:
        """The message that two arguments name."""
        return self.workspace.find_message(self.channel(args, to=to), args.need(ts))


Call = Callable[[Backend, Args], Json | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A Web API method. tier: of its rate limit; 0 for none."""

    call: Call
    scope: str
    tier: int


METHODS: dict[str, Method] = {}


def method(name: str, *, scope: str = "", tier: int = 4) -> Callable[[Call], Call]:
    """Serve a function as a Web API method."""

    def register(call: Call) -> Call:
        METHODS[name] = Method(call=call, scope=scope, tier=tier)
        return call

    return register


def paged(name: str, rows: list[Json] | list[str], args: Args, *, most: int = 1000) -> Json:
    """A page of a list, by `cursor` and `limit`."""
    start, count = args.number("cursor"), min(args.number("limit", 100), most)
    rest = len(rows) > start + count
    cursor = str(start + count) if rest else ""
    page = rows[start : start + count]
    return {name: page, "has_more": rest, "response_metadata": {"next_cursor": cursor}}
