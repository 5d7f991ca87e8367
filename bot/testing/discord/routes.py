"""The REST routes: each a function from a call to what Discord answers."""

from collections.abc import Mapping

from bot.testing.discord import rooms
from bot.testing.discord.call import Call, Handler, Reply
from bot.testing.discord.commands import register
from bot.testing.discord.errors import ApiError, Code
from bot.testing.discord.gateway import STARTS, application_flags, partial_guild
from bot.testing.discord.payloads import (
    bits,
    channel_json,
    full_member_json,
    guild_json,
    role_json,
    user_json,
)
from bot.testing.discord.records import Intent

# ---- the bot itself


def me(call: Call) -> Reply:
    extra = {"verified": True, "mfa_enabled": False, "locale": "en-US", "email": None, "flags": 0}
    return {**user_json(call.world.bot), **extra}


def application(call: Call) -> Reply:
    world = call.world
    owner = next(iter(world.guilds.values())).owner
    return {
        "id": world.app.id,
        "name": world.bot.name,
        "icon": None,
        "description": "",
        "summary": "",
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "owner": user_json(owner),
        "team": None,
        "flags": application_flags(world.app.granted),
        "approximate_guild_count": len(world.guilds),
        "interactions_endpoint_url": world.app.endpoint,
        "integration_types_config": {"0": {}, "1": {}},
    }


def gateway(call: Call) -> Reply:
    return {"url": call.world.app.gateway_url}


def gateway_bot(call: Call) -> Reply:
    app = call.world.app
    left = {"total": STARTS, "remaining": app.starts_left, "reset_after": 86_400_000}
    limit = {**left, "max_concurrency": 1}
    return {"url": app.gateway_url, "shards": app.shards, "session_start_limit": limit}


def my_guilds(call: Call) -> Reply:
    world, bot = call.world, call.world.bot.id
    return [
        partial_guild(guild)
        | {"owner": False, "permissions": bits(world.role_permissions(guild.members[bot], guild))}
        for guild in world.guilds.values()
        if bot in guild.members
    ]


def get_commands(call: Call) -> Reply:
    return call.world.app.commands.get(call.params.get("guild", ""), [])


def put_commands(call: Call) -> Reply:
    guild = call.guild.id if "guild" in call.params else ""
    return register(call.world, guild, call.rows)  # a list, also when it is empty


# ---- people and guilds


def get_user(call: Call) -> Reply:
    return user_json(call.user)


def open_dm(call: Call) -> Reply:
    user = call.world.users.get(str(call.body.get("recipient_id")))
    if user is None:
        raise ApiError(Code.UNKNOWN_USER)
    if user.bot:
        raise ApiError(Code.CANNOT_DM)
    return channel_json(call.world.direct(user, call.world.bot))


def get_guild(call: Call) -> Reply:
    return guild_json(call.guild)


def get_channels(call: Call) -> Reply:
    rooms = [c for c in call.world.channels.values() if c.guild is call.guild]
    return [channel_json(c) for c in rooms if not c.is_thread]


def get_roles(call: Call) -> Reply:
    return [role_json(role) for role in call.guild.roles.values()]


def get_member(call: Call) -> Reply:
    member = call.guild.members.get(call.user.id)
    if member is None:
        raise ApiError(Code.UNKNOWN_MEMBER)
    return full_member_json(member)


def get_members(call: Call) -> Reply:
    if Intent.GUILD_MEMBERS not in call.world.app.granted:
        raise ApiError(Code.MISSING_ACCESS)
    after = int(call.query.get("after", "0"))
    ids = sorted((id_ for id_ in call.guild.members if int(id_) > after), key=int)
    return [full_member_json(call.guild.members[id_]) for id_ in ids[: call.limit]]


# ---- interactions


def respond(call: Call) -> Reply:
    receipt = call.interactions.respond(call.params["token"], call.body, call.files)
    return receipt if call.query.get("with_response") in ("1", "true") else None


def follow_up(call: Call) -> Reply:
    return call.interactions.follow_up(call.params["token"], call.body, call.files)


def get_answer(call: Call) -> Reply:
    return call.interactions.read(call.params["token"], call.params["message"])


def edit_answer(call: Call) -> Reply:
    token, which = call.params["token"], call.params["message"]
    return call.interactions.change(token, which, call.body, call.files)


def delete_answer(call: Call) -> Reply:
    call.interactions.remove(call.params["token"], call.params["message"])
    return None


_MESSAGE = "/channels/{channel}/messages/{message}"
_REACTION = _MESSAGE + "/reactions/{emoji}"
_ANSWER = "/webhooks/{app}/{token}/messages/{message}"

# The first that fits is taken. An @me of its own is a limit of its own.
ROUTES: Mapping[str, Handler] = {
    "GET /users/@me": me,
    "GET /users/@me/guilds": my_guilds,
    "POST /users/@me/channels": open_dm,
    "GET /users/{user}": get_user,
    "GET /oauth2/applications/@me": application,
    "GET /applications/@me": application,
    "GET /gateway": gateway,
    "GET /gateway/bot": gateway_bot,
    "GET /applications/{app}/commands": get_commands,
    "PUT /applications/{app}/commands": put_commands,
    "GET /applications/{app}/guilds/{guild}/commands": get_commands,
    "PUT /applications/{app}/guilds/{guild}/commands": put_commands,
    "GET /guilds/{guild}": get_guild,
    "GET /guilds/{guild}/channels": get_channels,
    "GET /guilds/{guild}/roles": get_roles,
    "GET /guilds/{guild}/members": get_members,
    "GET /guilds/{guild}/members/{user}": get_member,
    "GET /guilds/{guild}/threads/active": rooms.active_threads,
    "GET /channels/{channel}": rooms.get_channel,
    "PATCH /channels/{channel}": rooms.change_channel,
    "DELETE /channels/{channel}": rooms.delete_channel,
    "POST /channels/{channel}/typing": rooms.typing,
    "GET /channels/{channel}/messages": rooms.history,
    "POST /channels/{channel}/messages": rooms.create_message,
    f"GET {_MESSAGE}": rooms.get_message,
    f"PATCH {_MESSAGE}": rooms.edit_message,
    f"DELETE {_MESSAGE}": rooms.delete_message,
    f"PUT {_REACTION}/@me": rooms.add_reaction,
    f"DELETE {_REACTION}/@me": rooms.remove_reaction,
    f"DELETE {_REACTION}/{{user}}": rooms.remove_reaction,
    f"GET {_REACTION}": rooms.get_reactions,
    f"POST {_MESSAGE}/threads": rooms.thread_from_message,
    "POST /channels/{channel}/threads": rooms.thread_beside,
    "GET /channels/{channel}/threads/archived/public": rooms.archived_threads,
    "GET /channels/{channel}/thread-members": rooms.thread_members,
    "PUT /channels/{channel}/thread-members/{user}": rooms.join_thread,
    "DELETE /channels/{channel}/thread-members/{user}": rooms.leave_thread,
    "POST /interactions/{id}/{token}/callback": respond,
    "POST /webhooks/{app}/{token}": follow_up,
    f"GET {_ANSWER}": get_answer,
    f"PATCH {_ANSWER}": edit_answer,
    f"DELETE {_ANSWER}": delete_answer,
}
