"""Application commands: as the bot registers them, and as a person's client offers them."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.testing.discord.checks import too_long
from bot.testing.discord.errors import ApiError, Code, Refused, invalid
from bot.testing.discord.payloads import (
    attachment_json,
    channel_json,
    member_json,
    message_json,
    role_json,
    user_json,
)
from bot.testing.discord.posts import File, keep_file
from bot.testing.discord.records import Channel, Json, Message, Permission, Role, User
from bot.testing.discord.world import World

CHAT, USER, MESSAGE = 1, 2, 3  # types of a command
SUB, GROUP, TEXT, WHOLE, TRUTH, PERSON, PLACE, RANK, ANYONE, NUMBER, FILE = range(1, 12)
IN_GUILD, IN_BOT_DM, IN_PRIVATE = 0, 1, 2  # contexts
BY_GUILD, BY_USER = 0, 1  # installations
MOST, OPTIONS, NAME, DESCRIPTION = 100, 25, 32, 100

_PLAIN: Mapping[int, type | tuple[type, ...]] = {WHOLE: int, TRUTH: bool, NUMBER: (int, float)}

Value = str | int | float | bool | User | Channel | Role | File


def register(world: World, guild_id: str, rows: Sequence[Json]) -> list[Json]:
    """Replaces the commands of a guild, or ("") the global ones. Raises ApiError: 50035, 30032."""
    if len([row for row in rows if row.get("type", CHAT) == CHAT]) > MOST:
        raise ApiError(Code.TOO_MANY_COMMANDS)
    known = {(c["name"], c["type"]): c["id"] for c in world.app.commands.get(guild_id, [])}
    made = []
    for row in rows:
        _check(row, depth=0)
        kind = row.get("type") or CHAT
        command = {
            "default_member_permissions": None,
            "nsfw": False,
            "description": "",
            "integration_types": [BY_GUILD],
            "contexts": None,
            **{key: value for key, value in row.items() if value is not None},
            "type": kind,
            "id": known.get((row["name"], kind)) or world.snowflake(),
            "application_id": world.app.id,
            "version": world.snowflake(),
        }
        made.append({**command, "guild_id": guild_id} if guild_id else command)
    world.app.commands[guild_id] = made
    return made


def _check(row: Json, depth: int) -> None:
    name, options = row.get("name") or "", row.get("options") or []
    if not 1 <= len(name) <= NAME:
        raise too_long("name", NAME)
    chat = row.get("type", CHAT) == CHAT or depth > 0
    if chat and not 1 <= len(row.get("description") or "") <= DESCRIPTION:
        raise too_long("description", DESCRIPTION)
    if chat and (name != name.lower() or " " in name):
        raise invalid("name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    if len(options) > OPTIONS or len(row.get("choices") or []) > OPTIONS:
        raise invalid("options", "BASE_TYPE_MAX_LENGTH", f"Must be {OPTIONS} or fewer.")
    for option in options:
        _check(option, depth + 1)


def choose(
    world: World, user: User, channel: Channel, name: str, kind: int = CHAT
) -> tuple[Json, bool]:
    """(the command that a person's client offers here, whether it is there by a user install).

    Raises Refused if there is none, or not here, or not for them.
    """
    guild = channel.guild
    offered = [
        *world.app.commands.get(guild.id if guild else "", []),
        *world.app.commands.get("", []),
    ]
    found = [c for c in offered if c["name"] == name.removeprefix("/") and c["type"] == kind]
    if not found:
        names = ", ".join(sorted({c["name"] for c in offered})) or "none"
        raise Refused(f"there is no command {name!r} here; the bot has registered: {names}")
    command = found[0]
    here, contexts = context_of(world, channel), command["contexts"]
    if contexts is not None and here not in contexts:
        raise Refused(f"/{command['name']} is not offered in this kind of conversation")
    installed = guild is not None and world.bot.id in guild.members
    by_guild = BY_GUILD in command["integration_types"] and (installed or here == IN_BOT_DM)
    if not by_guild and BY_USER not in command["integration_types"]:
        raise Refused(f"/{command['name']} is not installed here")
    needed = command["default_member_permissions"]
    if guild and needed is not None:
        allowed = world.permissions(user, channel)
        if Permission(int(needed)) & ~allowed or int(needed) == 0:
            raise Refused(f"{user.name} may not use /{command['name']}")
    return command, not by_guild


def context_of(world: World, channel: Channel) -> int:
    if channel.guild:
        return IN_GUILD
    return IN_BOT_DM if world.bot.id in channel.people else IN_PRIVATE


def fill_in(
    world: World,
    channel: Channel,
    command: Json,
    path: Sequence[str],
    given: Mapping[str, Value],
    focused: str | None = None,
) -> Json:
    """The data of an interaction: values typed as the options are, and what ids stand for.

    focused: the option that is being typed, for autocompletion. Raises Refused.
    """
    found = _descend(command, path)
    known = {option["name"]: option for option in found.get("options") or []}
    if any(option["type"] in (SUB, GROUP) for option in known.values()):
        raise Refused(f"/{command['name']} needs one of: {', '.join(known)}")
    if focused:
        if not known.get(focused, {}).get("autocomplete"):
            raise Refused(f"the option {focused!r} has no autocompletion")
    else:
        missing = [n for n, o in known.items() if o.get("required") and n not in given]
        if missing:
            raise Refused(f"an option is required: {', '.join(missing)}")
    resolved: Json = {}
    options: list[Json] = []
    for name, value in given.items():
        if name not in known:
            raise Refused(f"there is no option {name!r}; there are: {', '.join(known) or 'none'}")
        kind = known[name]["type"]
        if name == focused:
            options.append({"name": name, "type": kind, "value": value, "focused": True})
        else:
            plain = _value(world, channel, known[name], value, resolved)
            options.append({"name": name, "type": kind, "value": plain})
    for depth in range(len(path), 0, -1):
        kind = _descend(command, path[:depth])["type"]
        options = [{"name": path[depth - 1], "type": kind, "options": options}]
    data = {**named(command), "options": options}
    return {**data, "resolved": resolved} if resolved else data


def named(command: Json) -> Json:
    """How an interaction names its command."""
    return {key: command[key] for key in ("id", "name", "type", "guild_id") if key in command}


def _descend(command: Json, path: Sequence[str]) -> Json:
    """The command, or its subcommand. Raises Refused if it is not there or not the whole way."""
    found = command
    for word in path:
        inner = {o["name"]: o for o in found.get("options") or [] if o["type"] in (SUB, GROUP)}
        if word not in inner:
            there = ", ".join(inner) or "none"
            raise Refused(f"/{command['name']} has no {word!r} there; there are: {there}")
        found = inner[word]
    return found


def _value(world: World, channel: Channel, option: Json, value: Value, resolved: Json) -> Any:
    kind = option["type"]
    if isinstance(value, User | Channel | Role | File):
        return _resolve(world, channel, value, resolved)
    choices = {c["name"]: c["value"] for c in option.get("choices") or []}
    if choices:
        if value not in choices and value not in choices.values():
            raise Refused(f"{option['name']!r} is one of: {', '.join(choices)}")
        return choices.get(str(value), value)
    if kind == TEXT and len(str(value)) > option.get("max_length", 6000):
        raise Refused(f"{option['name']!r} is longer than it may be")
    wanted = _PLAIN.get(kind, str)
    if not isinstance(value, wanted):
        raise Refused(f"{option['name']!r} is not of that type: {type(value).__name__}")
    return value


def target_json(world: World, target: Message | User) -> Json:
    """What a command of a menu was used on."""
    if isinstance(target, User):
        return user_json(target)
    return message_json(target, world.bot, content=True)


def _resolve(
    world: World, channel: Channel, value: User | Channel | Role | File, resolved: Json
) -> str:
    if isinstance(value, User):
        resolved.setdefault("users", {})[value.id] = user_json(value)
        member = channel.guild.members.get(value.id) if channel.guild else None
        if member:
            allowed = world.permissions(value, channel)
            resolved.setdefault("members", {})[value.id] = member_json(member, allowed)
    elif isinstance(value, Channel):
        data = channel_json(value)
        data["permissions"] = str(int(world.permissions(world.bot, value)))
        resolved.setdefault("channels", {})[value.id] = data
    elif isinstance(value, Role):
        resolved.setdefault("roles", {})[value.id] = role_json(value)
    else:
        kept = keep_file(world, channel, value)
        resolved.setdefault("attachments", {})[kept.id] = attachment_json(kept)
        return kept.id
    return value.id
