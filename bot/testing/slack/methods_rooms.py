"""Web API: conversations and people."""

from bot.testing.slack.methods import Backend, method, paged
from bot.testing.slack.methods_chat import without_channel
from bot.testing.slack.wire import Args, Json, Refused
from bot.testing.slack.workspace import DOMAIN, PREFIX, TEAM, Channel, Room, root_ts

ROOMS: dict[str, Room] = {
    "public_channel": "channel",
    "private_channel": "group",
    "im": "im",
    "mpim": "mpim",
}


@method("conversations.info", tier=3)
def info(backend: Backend, args: Args) -> Json:
    channel = backend.channel(args, to="read")
    told = channel.json(backend.workspace.app.user)
    if args.flag("include_num_members"):
        told["num_members"] = len(channel.members)
    return {"channel": told}


@method("conversations.list", tier=2)
def list_(backend: Backend, args: Args) -> Json:
    rooms = _rooms(backend, args)
    me = backend.workspace.app.user
    rows = [
        channel.json(me)
        for channel in backend.workspace.channels.values()
        if channel.room in rooms
        and (me in channel.members or channel.room == "channel")
        and not (channel.archived and args.flag("exclude_archived"))
    ]
    return paged("channels", rows, args)


@method("users.conversations", tier=3)
def conversations_of(backend: Backend, args: Args) -> Json:
    rooms = _rooms(backend, args)
    me = backend.workspace.app.user
    user = args.text("user", me)
    rows = [
        channel.json(me)
        for channel in backend.workspace.channels.values()
        if channel.room in rooms
        and user in channel.members
        and (me in channel.members or channel.room == "channel")
    ]
    return paged("channels", rows, args)


def _rooms(backend: Backend, args: Args) -> set[Room]:
    wanted = args.names("types") or ["public_channel"]
    if not ROOMS.keys() >= set(wanted):
        raise Refused("invalid_types")
    for name in wanted:
        backend.need_scope(f"{PREFIX[ROOMS[name]]}:read")
    return {ROOMS[name] for name in wanted}


@method("conversations.members")
def members(backend: Backend, args: Args) -> Json:
    return paged("members", sorted(backend.channel(args, to="read").members), args)


@method("conversations.open", tier=3)
def open_(backend: Backend, args: Args) -> Json:
    users = args.names("users")
    if not users:
        return _opened(backend, backend.channel(args), args)
    workspace = backend.workspace
    if any(user not in workspace.users for user in users):
        raise Refused("user_not_found")
    backend.need_scope("im:write" if len(users) == 1 else "mpim:write")
    return _opened(
        backend, workspace.im(*users) if len(users) == 1 else workspace.mpim(users), args
    )


def _opened(backend: Backend, channel: Channel, args: Args) -> Json:
    whole = channel.json(backend.workspace.app.user)
    return {"no_op": False, "already_open": False,
            "channel": whole if args.flag("return_im") else {"id": channel.id}}  # fmt: skip


@method("conversations.join", scope="channels:join", tier=3)
def join(backend: Backend, args: Args) -> Json:
    channel = backend.channel(args)
    if channel.room != "channel":
        raise Refused("method_not_supported_for_channel_type")
    if channel.archived:
        raise Refused("is_archived")
    already = backend.workspace.app.user in channel.members
    backend.workspace.join(backend.workspace.app.user, channel)
    told = {"channel": channel.json(backend.workspace.app.user)}
    return {**told, "warning": "already_in_channel"} if already else told


@method("conversations.history", tier=3)
def history(backend: Backend, args: Args) -> Json:
    """Newest first, without replies in threads."""
    channel = backend.channel(args, to="history")
    rows = [
        row
        for row in backend.workspace.messages[channel.id].values()
        if root_ts(row) == row["ts"] or row.get("subtype") == "thread_broadcast"
    ]
    return _page(rows[::-1], args)


@method("conversations.replies", tier=3)
def replies(backend: Backend, args: Args) -> Json:
    """The message and its replies, oldest first."""
    channel = backend.channel(args, to="history")
    message = backend.workspace.messages[channel.id].get(args.need("ts"))
    if message is None:
        raise Refused("thread_not_found")
    rows = backend.workspace.thread(channel, root_ts(message))
    return _page(rows, args)


def _page(rows: list[Json], args: Args) -> Json:
    oldest, latest = args.text("oldest", "0"), args.text("latest", "9" * 16)
    low, high = float(oldest), float(latest)
    if args.flag("inclusive"):
        rows = [row for row in rows if low <= float(row["ts"]) <= high]
    else:
        rows = [row for row in rows if low < float(row["ts"]) < high]
    metadata = args.flag("include_all_metadata")
    told = [without_channel(row, metadata=metadata) for row in rows]
    return paged("messages", told, args, most=999)


@method("users.info", scope="users:read")
def user_info(backend: Backend, args: Args) -> Json:
    user = backend.workspace.users.get(args.need("user"))
    if user is None:
        raise Refused("user_not_found")
    return {"user": user}


@method("users.list", scope="users:read", tier=2)
def user_list(backend: Backend, args: Args) -> Json:
    return paged("members", list(backend.workspace.users.values()), args)


@method("bots.info", scope="users:read", tier=3)
def bot_info(backend: Backend, args: Args) -> Json:
    for user in backend.workspace.users.values():
        if user["profile"].get("bot_id") == args.need("bot"):
            bot = {"id": args.need("bot"), "name": user["real_name"], "user_id": user["id"]}
            return {"bot": {**bot, "app_id": backend.workspace.app.id, "deleted": False}}
    raise Refused("bot_not_found")


@method("team.info", scope="team:read", tier=3)
def team_info(_: Backend, __: Args) -> Json:
    return {"team": {"id": TEAM, "name": DOMAIN, "domain": DOMAIN}}
