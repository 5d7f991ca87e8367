"""The workspace: people, channels, messages and files, and what happens to them.

Web API methods and human verbs both act here, and every act tells the app by `emit`.
"""

import re
import time
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Literal

from bot.testing.slack.wire import Changes, Json, Refused, Timing

TEAM, DOMAIN = "T0FAKE", "fake"
SLACKBOT = "USLACKBOT"
Room = Literal["channel", "group", "im", "mpim"]  # public, private, direct, group direct
PREFIX = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}
SCOPES = (
    "app_mentions:read", "assistant:write", "channels:history", "channels:read", "chat:write",
    "commands", "files:read", "files:write", "groups:history", "groups:read", "im:history",
    "im:read", "im:write", "mpim:history", "mpim:read", "reactions:read", "reactions:write",
    "users:read",
)  # fmt: skip
EVENTS = (
    "agent_session_stopped", "app_context_changed", "app_home_opened", "app_mention",
    "assistant_thread_context_changed", "assistant_thread_started", "channel_archive",
    "channel_deleted", "channel_left", "file_shared", "group_left", "member_joined_channel",
    "member_left_channel", "message.channels", "message.groups", "message.im", "message.mpim",
    "reaction_added", "reaction_removed",
)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class App:
    """The app as it is configured and installed. Take things away to see the bot complain."""

    id: str = "A0FAKE"
    name: str = "reverie"
    user: str = "U0BOT"
    bot: str = "B0BOT"
    bot_token: str = "xoxb-fake-bot-token"
    app_token: str = "xapp-1-A0FAKE-fake-app-token"
    signing_secret: str = "fake-signing-secret"
    scopes: set[str] = field(default_factory=lambda: set(SCOPES))
    app_scopes: set[str] = field(default_factory=lambda: {"connections:write"})
    events: set[str] = field(default_factory=lambda: set(EVENTS))
    commands: set[str] | None = None  # None: every slash command is known
    shortcuts: set[str] | None = None  # callback ids; None: every one
    agent_view: bool = True
    messages_tab: bool = True  # people may write to it
    home_tab: bool = True
    interactivity: bool = True
    revoked: bool = False  # the workspace took the tokens back


@dataclass(slots=True, kw_only=True)
class Channel:
    """A conversation of any kind."""

    id: str
    name: str
    room: Room
    members: set[str]
    archived: bool = False
    creator: str = SLACKBOT

    def json(self, viewer: str) -> Json:
        """As the Web API tells it to a user."""
        other = sorted(self.members - {viewer})
        named = {"user": other[0] if other else viewer} if self.room == "im" else {}
        return {
            "id": self.id, "created": 1, "is_archived": self.archived,
            "creator": self.creator,
            "is_channel": self.room == "channel", "is_group": self.room == "group",
            "is_im": self.room == "im", "is_mpim": self.room == "mpim",
            "is_private": self.room != "channel", "is_member": viewer in self.members,
            "is_general": self.name == "general", "context_team_id": TEAM,
            **({} if self.room == "im" else {"name": self.name, "name_normalized": self.name}),
            **named,
        }  # fmt: skip


class Workspace:
    """State, and the acts that change it. Nothing here waits or touches the network."""

    def __init__(self, app: App, timing: Timing) -> None:
        self.app, self.timing = app, timing
        self.base = ""  # where the server listens, once it does
        self.changes = Changes()
        self.emit: Callable[[Json, Channel | None], None] = lambda event, channel: None
        self.users: dict[str, Json] = {}
        self.channels: dict[str, Channel] = {}
        self.messages: dict[str, dict[str, Json]] = {}  # channel -> ts -> message
        self.ephemerals: list[Json] = []  # each with `to`, the only user who sees it
        self.files: dict[str, Json] = {}
        self.contents: dict[str, bytes] = {}
        self.statuses: dict[tuple[str, str], Json] = {}  # (channel, thread) -> status, title, …
        self.prompts: dict[str, list[Json]] = {}  # DM -> suggested prompts
        self._last_ts = self._last_id = 0
        self.add_user(app.name, bot=app.bot, user=app.user)
        self.channel("general", bot=True)
        self.channel("random")

    def ts(self) -> str:
        """A message's id: the time, unique and growing."""
        self._last_ts = max(self._last_ts + 1, int(time.time() * 1e6))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def id(self, letter: str) -> str:
        self._last_id += 1
        return f"{letter}0{self._last_id:05d}"

    # ---- who and where -------------------------------------------------------------------------

    def add_user(self, name: str, *, bot: str = "", user: str = "", admin: bool = False) -> Json:
        """A person, or another app's bot user where `bot` is its bot id."""
        user = user or self.id("U")
        profile = {"display_name": name, "real_name": name, **({"bot_id": bot} if bot else {})}
        self.users[user] = {
            "id": user, "team_id": TEAM, "name": name.lower().replace(" ", "."), "deleted": False,
            "real_name": name, "is_bot": bool(bot), "is_app_user": False, "is_admin": admin,
            "is_owner": admin, "tz": "UTC", "tz_label": "UTC", "tz_offset": 0, "updated": 1,
            "profile": profile,
        }  # fmt: skip
        if not bot:
            for channel in self.channels.values():
                if channel.name in ("general", "random"):
                    channel.members.add(user)
        return self.users[user]

    def channel(
        self, name: str, *, room: Room = "channel", members: Iterable[str] = (), bot: bool = False
    ) -> Channel:
        """The channel of that name, made if it is not there. bot: ours is in it."""
        name = name.lstrip("#")
        for channel in self.channels.values():
            if channel.name == name:
                return channel
        joined = {*members, *({self.app.user} if bot else ())}
        letter = {"im": "D", "channel": "C"}.get(room, "G")
        channel = Channel(id=self.id(letter), name=name, room=room, members=joined)
        self.channels[channel.id] = channel
        self.messages[channel.id] = {}
        return channel

    def im(self, user: str) -> Channel:
        """The direct messages of a user and the bot."""
        return self.channel(f"im-{user}", room="im", members=[user], bot=True)

    def mpim(self, users: Iterable[str]) -> Channel:
        names = sorted(users)
        return self.channel(f"mpdm-{'--'.join(names)}-1", room="mpim", members=names, bot=True)

    def find_channel(self, name: str) -> Channel:
        """By id, `#name`, or a user's id for the direct messages with them. Raises Refused."""
        if name in self.users and name != self.app.user:
            return self.im(name)
        for channel in self.channels.values():
            if name in (channel.id, f"#{channel.name}"):
                return channel
        raise Refused("channel_not_found")

    def find_message(self, channel: Channel, ts: str) -> Json:
        message = self.messages[channel.id].get(ts)
        if message is None:
            raise Refused("message_not_found")
        return message

    def thread(self, channel: Channel, ts: str) -> list[Json]:
        """A message and the replies to it, oldest first."""
        rows = self.messages[channel.id].values()
        return [row for row in rows if ts in (row["ts"], row.get("thread_ts"))]

    # ---- messages ------------------------------------------------------------------------------

    def post(
        self, channel: Channel, message: Json, *, thread: str = "", broadcast: bool = False
    ) -> Json:
        """Add a message and tell the app. Raises Refused("thread_not_found")."""
        message = {"type": "message", **message, "team": TEAM, "channel": channel.id}
        message["ts"] = self.ts()
        if thread:
            root = self.messages[channel.id].get(thread)
            if root is None:
                raise Refused("thread_not_found")
            self._reply(channel, root, message)
        if thread and broadcast:
            message["subtype"] = "thread_broadcast"
        self.messages[channel.id][message["ts"]] = message
        self.tell(channel, message)
        return message

    def _reply(self, channel: Channel, root: Json, message: Json) -> None:
        root = self.messages[channel.id].get(root.get("thread_ts", ""), root)
        message["thread_ts"] = root["thread_ts"] = root["ts"]
        message["parent_user_id"] = root.get("user", "")
        root["reply_count"] = root.get("reply_count", 0) + 1
        root["latest_reply"] = message["ts"]
        root["reply_users"] = sorted({*root.get("reply_users", ()), message.get("user", "")})

    def tell(self, channel: Channel, message: Json) -> None:
        """The events of a new message: itself, and that the bot was mentioned."""
        kind = {"channel_type": channel.room, "event_ts": message["ts"]}
        event = {**message, **kind}
        event.pop("metadata", None)
        self.emit(event, channel)
        mentioned = f"<@{self.app.user}>" in (message.get("text") or "")
        if mentioned and channel.room != "im" and message.get("user") != self.app.user:
            unsaid = ("files", "channel_type", "subtype", "upload")
            mention = {key: value for key, value in event.items() if key not in unsaid}
            self.emit({**mention, "type": "app_mention"}, channel)
        self.changes.tell()

    def change(self, message: Json, new: Json, *, editor: str = "") -> None:
        """Edit a message in place and tell the app; without an editor it is Slack's own doing."""
        before = deepcopy(message)
        message.update(new)
        if editor:
            message["edited"] = {"user": editor, "ts": self.ts()}
        self._tell_hidden("message_changed", message, {"message": message}, before)

    def delete(self, message: Json) -> None:
        """Take a message away. A thread's first one leaves a tombstone while it has replies."""
        channel = self.channels[message["channel"]]
        replies = [row for row in self.thread(channel, message["ts"]) if row is not message]
        if replies:
            before = deepcopy(message)
            for name in ("blocks", "files", "client_msg_id", "reactions", "metadata", "bot_id"):
                message.pop(name, None)
            gone = {"subtype": "tombstone", "text": "This message was deleted.", "user": SLACKBOT}
            message.update(gone, hidden=True)
            self._tell_hidden("message_changed", message, {"message": message}, before)
            return
        del self.messages[channel.id][message["ts"]]
        self._tell_hidden("message_deleted", message, {"deleted_ts": message["ts"]}, message)

    def _tell_hidden(self, subtype: str, message: Json, what: Json, before: Json) -> None:
        channel, ts = self.channels[message["channel"]], self.ts()
        event = {
            "type": "message", "subtype": subtype, "hidden": True, "channel": channel.id,
            "ts": ts, "event_ts": ts, "channel_type": channel.room, **what,
            "previous_message": before,
        }  # fmt: skip
        self.emit(event, channel)
        self.changes.tell()

    def react(self, user: str, message: Json, name: str, *, remove: bool = False) -> None:
        """Add or take back a reaction. Raises Refused("already_reacted" or "no_reaction")."""
        rows = message.setdefault("reactions", [])
        row = next((row for row in rows if row["name"] == name), None)
        if (row is not None and user in row["users"]) != remove:
            raise Refused("no_reaction" if remove else "already_reacted")
        if row is None:
            row = {"name": name, "users": [], "count": 0}
            rows.append(row)
        if remove:
            row["users"].remove(user)
        else:
            row["users"].append(user)
        row["count"] = len(row["users"])
        message["reactions"] = [row for row in rows if row["users"]]
        channel = self.channels[message["channel"]]
        event = {
            "type": "reaction_removed" if remove else "reaction_added", "user": user,
            "reaction": name, "item_user": message.get("user", ""), "event_ts": self.ts(),
            "item": {"type": "message", "channel": channel.id, "ts": message["ts"]},
        }  # fmt: skip
        self.emit(event, channel)
        self.changes.tell()

    def show(self, user: str, channel: Channel, message: Json, thread: str = "") -> Json:
        """Something that only `user` sees, and that no history keeps."""
        threaded = {"thread_ts": thread} if thread else {}
        shown = {
            "type": "message", **message, **threaded, "channel": channel.id, "to": user,
            "ts": self.ts(), "is_ephemeral": True,
        }  # fmt: skip
        self.ephemerals.append(shown)
        self.changes.tell()
        return shown

    # ---- coming and going ----------------------------------------------------------------------

    def join(self, user: str, channel: Channel, *, inviter: str = "") -> None:
        if user in channel.members:
            return
        channel.members.add(user)
        by = {"inviter": inviter} if inviter else {}
        event = {
            "type": "member_joined_channel", "user": user, "channel": channel.id, "team": TEAM,
            "channel_type": channel.id[0], "event_ts": self.ts(), **by,
        }  # fmt: skip
        self.emit(event, channel)
        text = f"<@{user}> has joined the channel"
        self.post(channel, {"subtype": f"{channel.room}_join", "user": user, "text": text, **by})

    def leave(self, user: str, channel: Channel) -> None:
        """A member goes. The bot is only told that it is out, never that it left."""
        channel.members.discard(user)
        if user == self.app.user:
            gone = {"type": f"{channel.room}_left", "channel": channel.id, "event_ts": self.ts()}
            self.emit(gone, None)
        else:
            event = {
                "type": "member_left_channel", "user": user, "channel": channel.id, "team": TEAM,
                "channel_type": channel.id[0], "event_ts": self.ts(),
            }  # fmt: skip
            self.emit(event, channel)
        text = f"<@{user}> has left the channel"
        self.post(channel, {"subtype": f"{channel.room}_leave", "user": user, "text": text})

    def archive(self, channel: Channel, *, by: str) -> None:
        channel.archived = True
        event = {"type": "channel_archive", "channel": channel.id, "user": by}
        self.emit({**event, "event_ts": self.ts()}, None)

    def remove(self, channel: Channel) -> None:
        """A channel is gone, with all that was said in it."""
        del self.channels[channel.id], self.messages[channel.id]
        event = {"type": "channel_deleted", "channel": channel.id, "event_ts": self.ts()}
        self.emit(event, None)

    # ---- what is typed -------------------------------------------------------------------------

    def typed(self, text: str) -> str:
        """A person's words as Slack writes them: `<@name>` and `<#name>` become ids, the rest has
        its &, < and > escaped. `<@bot>` is the bot."""
        parts = re.split(r"(<[@#!][^<>]+>|<https?://[^<>]+>)", text)
        return "".join(
            self._token(part) if n % 2 else _escape(part) for n, part in enumerate(parts)
        )

    def _token(self, token: str) -> str:
        sign, name = token[1], token[2:-1]
        if sign == "@":
            return f"<@{self._user_named(name)}>"
        if sign == "#":
            channel = self.find_channel(name if name in self.channels else f"#{name}")
            return f"<#{channel.id}|{channel.name}>"
        return token

    def _user_named(self, name: str) -> str:
        if name == "bot":
            return self.app.user
        for user, row in self.users.items():
            if name in (user, row["real_name"], row["name"]):
                return user
        raise LookupError(f"there is nobody called {name!r}")


def root_ts(message: Json) -> str:
    """The thread that a message is in, or would begin."""
    return str(message.get("thread_ts") or message["ts"])


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def rich_text(text: str) -> list[Json]:
    """The rich_text block that comes with what a person typed."""
    pieces: list[Json] = []
    for piece in re.split(r"(<@\w+>|<#\w+\|[^<>]*>)", text):
        if piece.startswith("<@"):
            pieces.append({"type": "user", "user_id": piece[2:-1]})
        elif piece.startswith("<#"):
            pieces.append({"type": "channel", "channel_id": piece[2:].split("|")[0]})
        elif piece:
            plain = piece.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
            pieces.append({"type": "text", "text": plain})
    section = {"type": "rich_text_section", "elements": pieces}
    return [{"type": "rich_text", "block_id": "typed", "elements": [section]}]
