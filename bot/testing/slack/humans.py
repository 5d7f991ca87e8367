"""The people of the workspace, and other apps' bots: what they say and do, and what they see."""

import uuid
from collections.abc import Callable, Sequence

from bot.testing.slack import blocks
from bot.testing.slack.interactions import Hands, Where
from bot.testing.slack.methods_views import add_file, share
from bot.testing.slack.wire import Json
from bot.testing.slack.workspace import Channel, rich_text, root_ts

What = str | Callable[[Json], bool] | None  # words to be found in a message, or a test of it
Thread = Json | str | None  # a message of the thread, or its ts


class Human(Hands):
    """A person. What they say is told to the app in the background; nothing here waits for it.

    In texts `<@bot>`, `<@Bo>` and `<#general>` become mentions. Messages are the dicts that Slack
    holds: they change when they are edited.
    """

    async def dm(self, text: str, *, thread: Thread = None) -> Json:
        """Write to the bot directly."""
        return await self.say(None, text, thread=thread)

    async def say(
        self, where: Where, text: str, *, thread: Thread = None, broadcast: bool = False
    ) -> Json:
        """Write in a channel, or in a thread there. Raises PermissionError."""
        channel = self._may_write(where)
        said = {**self._sender(), "client_msg_id": str(uuid.uuid4())}
        text = self._workspace.typed(text)
        said |= {"text": text, "blocks": rich_text(text)}
        return self._workspace.post(channel, said, thread=_ts(thread), broadcast=broadcast)

    async def group_dm(self, others: Sequence["Human"], text: str) -> Json:
        """Write to the bot and others, in a conversation of their own."""
        channel = self._workspace.mpim([self.id, *(other.id for other in others)])
        return await self.say(channel, text)

    async def upload(
        self, where: Where, name: str, content: bytes, text: str = "", *, thread: Thread = None
    ) -> Json:
        """Share a file. Raises PermissionError."""
        channel = self._may_write(where)
        file = add_file(self._workspace, self.id, name, len(content))
        self._workspace.contents[file["id"]] = content
        typed = self._workspace.typed(text)
        return share(self._workspace, channel, self._sender(), [file], typed, _ts(thread))

    async def edit(self, message: Json, text: str) -> None:
        """Change an own message. Raises PermissionError."""
        self._mine(message)
        text = self._workspace.typed(text)
        new = {"text": text, "blocks": rich_text(text)}
        self._workspace.change(message, new, editor=self.id)

    async def delete(self, message: Json) -> None:
        """Delete an own message. Raises PermissionError."""
        self._mine(message)
        self._workspace.delete(message)

    async def react(self, message: Json, name: str) -> None:
        """Raises Refused("already_reacted")."""
        self._workspace.react(self.id, message, name)

    async def unreact(self, message: Json, name: str) -> None:
        """Raises Refused("no_reaction")."""
        self._workspace.react(self.id, message, name, remove=True)

    # ---- coming and going ----------------------------------------------------------------------

    async def join(self, where: Where) -> None:
        self._workspace.join(self.id, self.where(where))

    async def leave(self, where: Where) -> None:
        self._workspace.leave(self.id, self.where(where))

    async def invite_bot(self, where: Where) -> None:
        self._workspace.join(self._workspace.app.user, self.where(where), inviter=self.id)

    async def remove_bot(self, where: Where) -> None:
        self._workspace.leave(self._workspace.app.user, self.where(where))

    # ---- an agent's surfaces -------------------------------------------------------------------

    async def stop(self, message: Json) -> None:
        """Press the stop button that a thread has while the bot's session is processing.

        Raises LookupError where there is none.
        """
        channel, thread = self.where(message), root_ts(message)
        session = self._workspace.statuses.get((channel.id, thread), {})
        if session.get("status") != "processing":
            raise LookupError("there is no stop button: the bot is not processing here")
        event = {
            "type": "agent_session_stopped", "user": self.id, "channel": channel.id,
            "thread_ts": thread, "streaming_message_ts": [], "event_ts": self._workspace.ts(),
        }  # fmt: skip
        self._courier.event(event, channel)

    async def look_at(self, where: Where) -> None:
        """Turn to a channel while the app is open beside it."""
        entity = {"type": "slack#/types/channel_id", "value": self.where(where).id}
        channel = self._workspace.im(self.id)
        event: Json = {
            "type": "app_context_changed", "user": self.id, "channel": channel.id,
            "context": {"entities": [entity]}, "event_ts": self._workspace.ts(),
        }  # fmt: skip
        self._courier.event(event, channel)

    async def open_assistant(self) -> Json:
        """Start a thread in the split view of apps from before agent view; returns its root."""
        channel = self._workspace.im(self.id)
        root = {"subtype": "assistant_app_thread", "user": self._workspace.app.user}
        message = self._workspace.post(channel, {**root, "text": "New Assistant Thread"})
        thread = {"user_id": self.id, "context": {}, "channel_id": channel.id}
        event = {"type": "assistant_thread_started", "event_ts": message["ts"]}
        self._courier.event(
            {**event, "assistant_thread": {**thread, "thread_ts": message["ts"]}}, channel
        )
        return message

    # ---- what is seen --------------------------------------------------------------------------

    @property
    def screen(self) -> list[Json]:
        """Everything that the person could read, oldest first, also what only they see."""
        workspace = self._workspace
        rooms = [room for room in workspace.channels.values() if self.id in room.members]
        rows = [row for room in rooms for row in workspace.messages[room.id].values()]
        private = [row for row in workspace.ephemerals if row["to"] == self.id]
        return sorted([*rows, *private], key=lambda row: str(row["ts"]))

    async def sees(
        self, what: What = None, *, count: int = 1, where: Where = None, thread: Thread = None,
        after: Json | None = None, by: "Human | None" = None, within: float = 10.0,
    ) -> list[Json]:  # fmt: skip
        """Waits until there are `count` messages of the bot, and returns all that there are.

        what: words in them, or a test. where, thread: only there. after: only later than that
        message. by: of this person instead. Raises TimeoutError, telling what is seen instead.
        """
        author = by.id if by else self._workspace.app.user
        place = self.where(where).id if where is not None else ""

        def look() -> list[Json]:
            found = [
                row
                for row in self.screen
                if (row.get("user") == author or ("to" in row and not by))
                and (not place or row["channel"] == place)
                and (thread is None or row.get("thread_ts") == _ts(thread))
                and (after is None or row["ts"] > after["ts"])
                and _fits(what, row)
            ]
            return found if len(found) >= count else []

        try:
            return await self._workspace.changes.until(look, within=within)
        except TimeoutError:
            last = [blocks.text_of(row)[:100] for row in self.screen[-5:]]
            wanted = what if isinstance(what, str) else "what was asked for"
            raise TimeoutError(
                f"{self.name} does not see {wanted!r} {count} times after {within:g} s; "
                f"the last that there is: {last}"
            ) from None

    # ---- inside --------------------------------------------------------------------------------

    def _sender(self) -> Json:
        """Who a message is from; other apps' bots have a bot_id besides."""
        bot = self._workspace.users[self.id]["profile"].get("bot_id")
        return {"user": self.id, **({"bot_id": bot, "app_id": f"A-{bot}"} if bot else {})}

    def _may_write(self, where: Where) -> Channel:
        channel = self.where(where)
        if channel.room == "im" and not self._workspace.app.messages_tab:
            raise PermissionError("Sending messages to this app has been turned off.")
        if self.id not in channel.members:
            raise PermissionError(f"{self.name} is not in #{channel.name}: join it first")
        if channel.archived:
            raise PermissionError(f"#{channel.name} is archived")
        return channel

    def _mine(self, message: Json) -> None:
        if message.get("user") != self.id:
            raise PermissionError(f"this message is not {self.name}'s")


def _ts(thread: Thread) -> str:
    if isinstance(thread, dict):
        return root_ts(thread)
    return thread or ""


def _fits(what: What, row: Json) -> bool:
    if callable(what):
        return what(row)
    return what is None or what in blocks.text_of(row)
