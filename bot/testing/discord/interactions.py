"""Interactions: what a person does with a command, a button or a form, and what comes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from bot.testing.discord.checks import check_components
from bot.testing.discord.commands import BY_GUILD, BY_USER, IN_GUILD, context_of
from bot.testing.discord.errors import ApiError, Code, invalid
from bot.testing.discord.payloads import (
    bits,
    channel_json,
    full_member_json,
    message_json,
    user_json,
)
from bot.testing.discord.posts import Draft, File, delete, edit, post
from bot.testing.discord.records import (
    EPHEMERAL,
    FILE_LIMIT,
    LOADING,
    Channel,
    Intent,
    Json,
    Message,
    Said,
    User,
)
from bot.testing.discord.world import Event, World

TITLE, FIELDS, CHOICES = 45, 5, 25  # of a form; of an autocompletion


class Asked(IntEnum):
    """Types of an interaction."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    FORM = 5


class Answer(IntEnum):
    """Types of the first response to one."""

    MESSAGE = 4
    DEFERRED = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    FORM = 9


_FITS: Mapping[Asked, frozenset[Answer]] = {
    Asked.COMMAND: frozenset({Answer.MESSAGE, Answer.DEFERRED, Answer.FORM}),
    Asked.COMPONENT: frozenset(Answer) - {Answer.CHOICES},
    Asked.AUTOCOMPLETE: frozenset({Answer.CHOICES}),
    Asked.FORM: frozenset(Answer) - {Answer.CHOICES, Answer.FORM},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One line of an autocompletion."""

    name: str
    value: str | int | float


@dataclass(slots=True, kw_only=True, eq=False)
class Interaction:
    """One of them, and what the person got to see.

    messages: the answers, oldest first; for an updated message, that one. form: the modal that
    opened. choices: of an autocompletion. acknowledged_after: seconds, None while it was not.
    """

    id: str
    token: str
    asked: Asked
    user: User
    channel: Channel
    data: Json
    born: float
    on: Message | None = None
    original: Message | None = None
    answer: Answer | None = None
    acknowledged_after: float | None = None
    messages: list[Message] = field(default_factory=list)
    form: Json | None = None
    choices: tuple[Choice, ...] = ()
    late: bool = False

    @property
    def text(self) -> str:
        """What the answers say, one below the other: their texts, embeds and text components."""
        return "\n".join(text for m in self.messages if not m.deleted for text in words(m))

    @property
    def ephemeral(self) -> bool:
        """Nobody else sees any of the answers."""
        return bool(self.messages) and all(message.ephemeral for message in self.messages)

    @property
    def failed(self) -> bool:
        """The person reads "The application did not respond"."""
        return self.acknowledged_after is None and self.late

    @property
    def answered(self) -> bool:
        """There is something to see: not only that the bot is thinking."""
        if self.answer in (Answer.MESSAGE, Answer.DEFERRED):
            return any(not message.loading for message in self.messages)
        return self.answer is not None


def words(message: Message) -> list[str]:
    """The texts of a message, in the order in which one reads them."""
    found = [message.content]
    for embed in message.embeds:
        found += [embed.get("title") or "", embed.get("description") or ""]
        found += [f"{f['name']}: {f['value']}" for f in embed.get("fields") or []]
    found += _texts(message.components)
    return [text for text in found if text]


def _texts(components: Sequence[Json]) -> list[str]:
    found: list[str] = []
    for part in components:
        if part.get("type") == TEXT_DISPLAY:
            found.append(part.get("content") or "")
        found += _texts(part.get("components") or [])
    return found


TEXT_DISPLAY = 10


class Interactions:
    """All of them. ack_within, token_life: seconds, 3 and 900 at Discord."""

    def __init__(self, world: World, *, ack_within: float, token_life: float) -> None:
        self.world = world
        self.ack_within = ack_within
        self.token_life = token_life
        self.all: list[Interaction] = []
        self._by_token: dict[str, Interaction] = {}

    def begin(
        self,
        asked: Asked,
        user: User,
        channel: Channel,
        data: Json,
        *,
        on: Message | None = None,
        by_user: bool = False,
    ) -> Interaction:
        """Tells the bot of one. on: the message that holds the component, or opened the form."""
        id_ = self.world.snowflake()
        made = Interaction(
            id=id_,
            token=f"interaction-{id_}",
            asked=asked,
            user=user,
            channel=channel,
            data=data,
            born=self.world.now(),
            on=on,
        )
        self.all.append(made)
        self._by_token[made.token] = made
        self.world.emit(
            Event(
                name="INTERACTION_CREATE",
                data=self._payload(made, by_user),
                intent=Intent(0),
                guild=channel.guild,
            )
        )
        return made

    def _payload(self, made: Interaction, by_user: bool) -> Json:
        world, channel, user = self.world, made.channel, made.user
        context = context_of(world, channel)
        place = channel.guild.id if channel.guild else "0"
        owners = {str(BY_USER): user.id} if by_user else {str(BY_GUILD): place}
        allowed = world.permissions(user, channel)
        data: Json = {
            "id": made.id,
            "application_id": world.app.id,
            "type": int(made.asked),
            "token": made.token,
            "version": 1,
            "data": made.data,
            "channel": {**channel_json(channel), "permissions": bits(allowed)},
            "channel_id": channel.id,
            "locale": user.locale,
            "entitlements": [],
            "attachment_size_limit": FILE_LIMIT,
            "app_permissions": bits(world.permissions(world.bot, channel)),
            "context": context,
            "authorizing_integration_owners": owners,
        }
        if made.on:
            data["message"] = message_json(made.on, world.bot, content=True)
        if context == IN_GUILD and channel.guild:
            guild = channel.guild
            member = full_member_json(guild.members[user.id])
            data |= {"guild_id": guild.id, "guild_locale": "en-US"}
            data["guild"] = {"id": guild.id, "features": [], "locale": "en-US"}
            data["member"] = {**member, "permissions": bits(allowed)}
        else:
            data["user"] = user_json(user)
        return data

    # ---- the first response

    def respond(self, token: str, body: Json, files: Sequence[File]) -> Json:
        """Raises ApiError: 10062 if it is late, 40060 if it is the second, 50035 if it misfits."""
        made = self._by_token.get(token)
        age = self.world.now() - made.born if made else 0.0
        if made is None or (made.answer is None and age > self.ack_within):
            raise ApiError(Code.UNKNOWN_INTERACTION)
        if made.answer is not None:
            raise ApiError(Code.ALREADY_ACKNOWLEDGED)
        answer = self._fitting(made, body)
        data = body.get("data") or {}
        if answer in (Answer.MESSAGE, Answer.DEFERRED):
            made.original = self._say(made, data, files, loading=answer is Answer.DEFERRED)
        elif answer is Answer.UPDATE:
            assert made.on is not None
            made.original = edit(self.world, made.on, data, files)
            made.messages.append(made.original)
        elif answer is Answer.DEFERRED_UPDATE:
            made.original = made.on
        elif answer is Answer.CHOICES:
            made.choices = _choices(data)
        else:
            made.form = _form(data)
        made.answer = answer
        made.acknowledged_after = age
        self.world.changes.happened()
        return self._receipt(made, answer)

    def _fitting(self, made: Interaction, body: Json) -> Answer:
        try:
            answer = Answer(body.get("type", 0))
        except ValueError:
            raise invalid("type", "BASE_TYPE_CHOICES", "This type is not known.") from None
        updates = answer in (Answer.UPDATE, Answer.DEFERRED_UPDATE)
        if answer not in _FITS[made.asked] or (updates and made.on is None):
            raise invalid("type", "INTERACTION_CALLBACK_TYPE_INVALID", "It does not fit.")
        return answer

    def _say(
        self, made: Interaction, body: Json, files: Sequence[File], *, loading: bool
    ) -> Message:
        flags = int(body.get("flags") or 0) | (LOADING if loading else 0)
        about = {
            "id": made.id,
            "type": int(made.asked),
            "user": user_json(made.user),
            "authorizing_integration_owners": {},
        }
        draft = Draft(
            body={**body, "flags": flags},
            files=files,
            kind=Said.COMMAND if made.asked is Asked.COMMAND else Said.PLAIN,
            only_for=made.user if flags & EPHEMERAL else None,
            interaction={
                "application_id": self.world.app.id,
                "webhook_id": self.world.app.id,
                "interaction_metadata": about,
            },
        )
        message = post(self.world, made.channel, self.world.bot, draft)
        made.messages.append(message)
        return message

    def _receipt(self, made: Interaction, answer: Answer) -> Json:
        said = made.original
        about: Json = {"id": made.id, "type": int(made.asked)}
        if said:
            about["response_message_id"] = said.id
            about["response_message_loading"] = said.loading
            about["response_message_ephemeral"] = said.ephemeral
        receipt: Json = {"interaction": about}
        if said and answer is not Answer.DEFERRED_UPDATE:
            data = message_json(said, self.world.bot, content=True)
            receipt["resource"] = {"type": int(answer), "message": data}
        return receipt

    # ---- what follows it

    def follow_up(self, token: str, body: Json, files: Sequence[File]) -> Json:
        """Another answer. The first one after a deferral takes the place of "is thinking…"."""
        made = self._open(token)
        if made.original and made.original.loading:
            message = edit(self.world, made.original, body, files)
        else:
            message = self._say(made, body, files, loading=False)
        return message_json(message, self.world.bot, content=True)

    def read(self, token: str, which: str) -> Json:
        message = self._find(token, which)
        return message_json(message, self.world.bot, content=True)

    def change(self, token: str, which: str, body: Json, files: Sequence[File]) -> Json:
        """which: the id of an answer, or @original."""
        message = edit(self.world, self._find(token, which), body, files)
        return message_json(message, self.world.bot, content=True)

    def remove(self, token: str, which: str) -> None:
        delete(self.world, [self._find(token, which)])

    def _open(self, token: str) -> Interaction:
        """Raises ApiError: 10015 before the first response, 50027 when the token has expired."""
        made = self._by_token.get(token)
        if made is None or made.answer is None:
            raise ApiError(Code.UNKNOWN_WEBHOOK)
        if self.world.now() - made.born > self.token_life:
            raise ApiError(Code.INVALID_WEBHOOK_TOKEN)
        return made

    def _find(self, token: str, which: str) -> Message:
        made = self._open(token)
        mine = [m for m in (made.original, *made.messages) if m]
        found = made.original if which == "@original" else None
        found = found or next((m for m in mine if m.id == which), None)
        if found is None or found.deleted:
            raise ApiError(Code.UNKNOWN_MESSAGE)
        return found


def _choices(data: Json) -> tuple[Choice, ...]:
    rows = data.get("choices") or []
    if len(rows) > CHOICES:
        raise invalid("choices", "BASE_TYPE_MAX_LENGTH", f"Must be {CHOICES} or fewer.")
    if any(not 1 <= len(str(row["name"])) <= 100 for row in rows):
        raise invalid("choices", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    return tuple(Choice(name=row["name"], value=row["value"]) for row in rows)


def _form(data: Json) -> Json:
    parts = data.get("components") or []
    if not 1 <= len(data.get("title") or "") <= TITLE:
        raise invalid("title", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {TITLE} in length.")
    if not 1 <= len(parts) <= FIELDS:
        raise invalid("components", "BASE_TYPE_BAD_LENGTH", f"Must be 1 to {FIELDS} fields.")
    check_components(parts, modern=True)
    return data
