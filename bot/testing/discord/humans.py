"""People: what one can do in a Discord client, and what one then sees."""

import mimetypes
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, overload

from bot.testing.discord import commands, forms, posts, threads
from bot.testing.discord.commands import Value
from bot.testing.discord.errors import ApiError, Refused
from bot.testing.discord.interactions import (
    Asked,
    Choice,
    Interaction,
    Interactions,
    words,
)
from bot.testing.discord.posts import Draft, File
from bot.testing.discord.records import Channel, Json, Message, Permission, User
from bot.testing.discord.world import World

T = TypeVar("T")
Where = Channel | str  # "#general" is the first channel of that name that one sees
What = str | Callable[[Message], bool]

MARGIN = 0.25  # seconds that an answer may take to arrive, beside the deadline itself


class Human:
    """A person at a Discord client. What a client would not let one do raises Refused.

    Texts may name others: "<@bot>" is the bot, "<@Ana>" the person of that name.
    patience: seconds that the waiting verbs wait before they raise TimeoutError.
    """

    def __init__(
        self, world: World, interactions: Interactions, user: User, *, patience: float
    ) -> None:
        self.user = user
        self.patience = patience
        self._world = world
        self._interactions = interactions
        self._noticed: set[str] = set()

    @property
    def id(self) -> str:
        return self.user.id

    @property
    def name(self) -> str:
        return self.user.name

    @property
    def dms(self) -> Channel:
        """The conversation with the bot."""
        return self._world.direct(self.user, self._world.bot)

    # ---- writing

    async def dm(self, text: str, *, reply_to: Message | None = None) -> Message:
        """Writes to the bot."""
        return await self.say(self.dms, text, reply_to=reply_to)

    async def say(
        self,
        channel: Where,
        text: str,
        *,
        thread: Channel | None = None,
        reply_to: Message | None = None,
        ping: bool = True,
    ) -> Message:
        """Writes into a channel, or a thread of it. ping: of the author of what is answered."""
        body: Json = {"content": self._named(text)}
        if reply_to:
            body["message_reference"] = {"message_id": reply_to.id}
        if not ping:
            body["allowed_mentions"] = {"parse": ["users", "roles", "everyone"]}
        return self._post(thread or self._place(channel), body, [])

    async def upload(self, channel: Where, name: str, data: bytes, text: str = "") -> Message:
        """Posts a file, with words beside it."""
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        file = File(name=name, data=data, content_type=kind)
        return self._post(self._place(channel), {"content": self._named(text)}, [file])

    async def edit(self, message: Message, text: str) -> Message:
        """Rewrites what one wrote."""
        if message.author is not self.user or message.deleted:
            raise Refused(f"{self.name} cannot edit this message")
        return self._try(lambda: posts.edit(self._world, message, {"content": self._named(text)}))

    async def delete(self, *messages: Message) -> None:
        """Deletes what one wrote, or what one moderates; several go in one event."""
        for message in messages:
            allowed = self._world.permissions(self.user, message.channel)
            mine = message.author is self.user
            if message.deleted or not (mine or self._moderates(message, allowed)):
                raise Refused(f"{self.name} cannot delete this message")
        posts.delete(self._world, messages)

    async def react(self, message: Message, emoji: str) -> None:
        """Adds a reaction."""
        self._need(message.channel, Permission.ADD_REACTIONS)
        self._try(lambda: posts.react(self._world, message, self.user, emoji))

    async def unreact(self, message: Message, emoji: str) -> None:
        """Takes one's reaction back."""
        posts.unreact(self._world, message, self.user, emoji)

    async def types(self, channel: Where) -> None:
        """Shows that one is typing."""
        place = self._place(channel)
        self._need(place, Permission.SEND_MESSAGES)
        posts.tell_typing(self._world, place, self.user)

    async def thread(
        self, place: Channel | Message, name: str, *, private: bool = False
    ) -> Channel:
        """Opens a thread: on a message, or beside the messages of a channel."""
        world = self._world
        if isinstance(place, Message):
            return self._try(
                lambda: threads.open_thread(world, place.channel, self.user, name, of=place)
            )
        return self._try(
            lambda: threads.open_thread(world, place, self.user, name, private=private)
        )

    async def archive(self, thread: Channel, *, locked: bool = False) -> None:
        """Closes a thread. locked: only moderators may open it again."""
        threads.update_thread(self._world, thread, {"archived": True, "locked": locked})

    # ---- commands, buttons, forms

    async def command(
        self, name: str, /, *path: str, where: Where | None = None, **options: "Value | Human"
    ) -> Interaction:
        """Uses a slash command, and waits until there is something to see, or it failed.

        path: subcommands. where: the direct conversation unless told.
        """
        place = self._place(where) if where else self.dms
        command, by_user = commands.choose(self._world, self.user, place, name)
        data = commands.fill_in(self._world, place, command, path, _plain(options))
        return await self._ask(Asked.COMMAND, place, data, by_user=by_user)

    async def autocomplete(
        self,
        name: str,
        /,
        *path: str,
        focused: str,
        where: Where | None = None,
        **options: "Value | Human",
    ) -> tuple[Choice, ...]:
        """What is offered while one types the option `focused`, whose beginning is in options."""
        place = self._place(where) if where else self.dms
        command, by_user = commands.choose(self._world, self.user, place, name)
        given = {focused: "", **_plain(options)}
        data = commands.fill_in(self._world, place, command, path, given, focused)
        return (await self._ask(Asked.AUTOCOMPLETE, place, data, by_user=by_user)).choices

    async def menu(self, name: str, target: "Message | User | Human") -> Interaction:
        """Uses a command from the menu of a message or, in the direct conversation, of a person."""
        if isinstance(target, Human):
            target = target.user
        if isinstance(target, Message):
            place, kind, key = target.channel, commands.MESSAGE, "messages"
        else:
            place, kind, key = self.dms, commands.USER, "users"
        command, by_user = commands.choose(self._world, self.user, place, name, kind)
        resolved = {key: {target.id: commands.target_json(self._world, target)}}
        data = {**commands.named(command), "target_id": target.id, "resolved": resolved}
        return await self._ask(Asked.COMMAND, place, data, by_user=by_user)

    async def click(self, message: Message, which: str, *values: str) -> Interaction:
        """Presses a button, or picks values of a menu. which: custom_id, or a button's label."""
        if message.deleted or not self._sees(message):
            raise Refused(f"{self.name} does not see this message")
        data = forms.pressed(message, which, values)
        return await self._ask(Asked.COMPONENT, message.channel, data, on=message)

    async def submit(
        self, opened: Interaction, entries: Mapping[str, forms.Entry] | None = None
    ) -> Interaction:
        """Sends a form off. opened: what opened it. entries: by custom_id or label."""
        if opened.form is None:
            raise Refused("no form was opened by that")
        parts = forms.submitted(opened.form, entries or {})
        data = {"custom_id": opened.form["custom_id"], "components": parts}
        return await self._ask(Asked.FORM, opened.channel, data, on=opened.on)

    # ---- seeing

    @property
    def seen(self) -> tuple[Message, ...]:
        """What the bot wrote that one can see now, oldest first. Not that it is thinking."""
        bot = self._world.bot
        written = [m for m in self._world.all_messages() if m.author is bot and not m.loading]
        return tuple(sorted((m for m in written if self._sees(m)), key=lambda m: int(m.id)))

    @overload
    async def sees(self, what: int, *, where: Channel | None = None) -> list[Message]: ...

    @overload
    async def sees(self, what: What, *, where: Channel | None = None) -> Message: ...

    async def sees(
        self, what: int | What, *, where: Channel | None = None
    ) -> list[Message] | Message:
        """Waits for what the bot writes, and returns it: each message once.

        what: so many new messages, at least 1; or one that holds a text; or one of which something
        is true. Older ones count as read then. where: look only there.
        """
        new: list[Message] = []

        def look() -> list[Message]:
            unread = [m for m in self.seen if m.id not in self._noticed]
            new[:] = [m for m in unread if where in (None, m.channel)]
            return _enough(new, what)

        try:
            shown = await self._world.changes.until(look, self.patience)
        except TimeoutError:
            texts = [" / ".join(words(message)) for message in new]
            sentence = f"{self.name} waited {self.patience:g} s for {what!r}, and saw {texts}"
            raise TimeoutError(sentence) from None
        self._noticed |= {message.id for message in shown}
        return shown if isinstance(what, int) else shown[-1]

    # ---- inside

    async def _ask(
        self,
        asked: Asked,
        channel: Channel,
        data: Json,
        *,
        on: Message | None = None,
        by_user: bool = False,
    ) -> Interaction:
        self._need(channel, Permission.VIEW_CHANNEL)
        made = self._interactions.begin(asked, self.user, channel, data, on=on, by_user=by_user)
        wait = self._interactions.ack_within + MARGIN
        try:
            await self._world.changes.until(lambda: made.answer is not None, wait)
        except TimeoutError:
            made.late = True
            return made
        await self._world.changes.until(lambda: made.answered, self.patience)
        return made

    def _post(self, channel: Channel, body: Json, files: Sequence[File]) -> Message:
        inside = channel.is_thread
        self._need(
            channel, Permission.SEND_MESSAGES_IN_THREADS if inside else Permission.SEND_MESSAGES
        )
        return self._try(
            lambda: posts.post(self._world, channel, self.user, Draft(body=body, files=files))
        )

    def _place(self, where: Where) -> Channel:
        if isinstance(where, Channel):
            return where
        named = [c for c in self._world.channels.values() if c.name == where.removeprefix("#")]
        for channel in named:
            if self._world.sees(self.user, channel):
                return channel
        raise Refused(f"{self.name} does not see {where}")

    def _need(self, channel: Channel, permission: Permission) -> None:
        if channel.gone or not self._world.sees(self.user, channel):
            raise Refused(f"{self.name} does not see #{channel.name}")
        if permission not in self._world.permissions(self.user, channel):
            raise Refused(f"{self.name} may not do that in #{channel.name}")

    def _moderates(self, message: Message, allowed: Permission) -> bool:
        return message.channel.guild is not None and Permission.MANAGE_MESSAGES in allowed

    def _sees(self, message: Message) -> bool:
        if message.only_for:
            return message.only_for is self.user
        return self._world.sees(self.user, message.channel)

    def _named(self, text: str) -> str:
        """Puts ids in the place of names."""
        names = {user.name: user.mention for user in self._world.users.values()}
        names["bot"] = self._world.bot.mention
        return re.sub(r"<@([^\d!&>][^>]*)>", lambda m: names.get(m[1], m[0]), text)

    @staticmethod
    def _try(act: Callable[[], T]) -> T:
        """What the API refuses, the client says before it is sent."""
        try:
            return act()
        except ApiError as error:
            raise Refused(str(error)) from error


def _plain(options: Mapping[str, "Value | Human"]) -> dict[str, Value]:
    return {name: v.user if isinstance(v, Human) else v for name, v in options.items()}


def _enough(new: list[Message], what: int | What) -> list[Message]:
    """The new messages up to the last one that was waited for; none if it is not there yet."""
    if isinstance(what, int):
        return new[:what] if len(new) >= what else []
    for number, message in enumerate(new):
        texts = "\n".join(words(message))
        if what in texts if isinstance(what, str) else what(message):
            return new[: number + 1]
    return []
