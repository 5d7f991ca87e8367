"""Web API: messages, reactions, and the signs of an agent at work."""

from bot.testing.slack.blocks import message_blocks
from bot.testing.slack.methods import Backend, method
from bot.testing.slack.wire import Args, Json, Refused, invalid
from bot.testing.slack.workspace import DOMAIN, TEAM, Channel

STATUSES = ("active", "processing", "suspended", "closed")


@method("auth.test")
def auth_test(backend: Backend, _: Args) -> Json:
    app = backend.workspace.app
    return {
        "url": f"https://{DOMAIN}.slack.com/", "team": DOMAIN, "user": app.name, "team_id": TEAM,
        "user_id": app.user, "bot_id": app.bot, "is_enterprise_install": False,
    }  # fmt: skip


@method("api.test")
def api_test(_: Backend, args: Args) -> Json:
    if args.has("error"):
        raise Refused(args.text("error"), args=args.given)
    return {"args": args.given}


@method("apps.connections.open", tier=0)
def connections_open(backend: Backend, _: Args) -> Json:
    return {"url": backend.sockets.ticket()}


@method("chat.postMessage", scope="chat:write")
def post(backend: Backend, args: Args) -> Json:
    workspace = backend.workspace
    channel = backend.channel(args, to="write")
    said = _said(backend, args)
    message = workspace.post(
        channel, said, thread=args.text("thread_ts"), broadcast=args.flag("reply_broadcast")
    )
    workspace.statuses.get((channel.id, message.get("thread_ts", "")), {}).pop("text", None)
    return {"channel": channel.id, "ts": message["ts"], "message": without_channel(message)}


@method("chat.update", scope="chat:write", tier=3)
def update(backend: Backend, args: Args) -> Json:
    message = _own(backend, args, "cant_update_message")
    said = _said(backend, args)
    backend.workspace.change(message, said, editor=backend.workspace.app.user)
    shown = without_channel(message)
    return {"channel": message["channel"], "ts": message["ts"], "text": said["text"],
            "message": shown}  # fmt: skip


@method("chat.delete", scope="chat:write", tier=3)
def delete(backend: Backend, args: Args) -> Json:
    message = _own(backend, args, "cant_delete_message")
    backend.workspace.delete(message)
    return {"channel": message["channel"], "ts": message["ts"]}


@method("chat.postEphemeral", scope="chat:write")
def post_ephemeral(backend: Backend, args: Args) -> Json:
    channel = backend.channel(args, to="write")
    user = args.need("user")
    if user not in channel.members:
        raise Refused("user_not_in_channel")
    said = _said(backend, args)
    shown = backend.workspace.show(user, channel, said, args.text("thread_ts"))
    return {"message_ts": shown["ts"]}


@method("chat.getPermalink")
def permalink(backend: Backend, args: Args) -> Json:
    message = backend.message(args, ts="message_ts")
    channel, ts = message["channel"], message["ts"].replace(".", "")
    link = f"https://{DOMAIN}.slack.com/archives/{channel}/p{ts}"
    return {"channel": channel, "permalink": link}


@method("reactions.add", scope="reactions:write", tier=3)
def react(backend: Backend, args: Args) -> None:
    message = backend.message(args, ts="timestamp", to="write")
    backend.workspace.react(backend.workspace.app.user, message, args.need("name"))


@method("reactions.remove", scope="reactions:write", tier=2)
def unreact(backend: Backend, args: Args) -> None:
    message = backend.message(args, ts="timestamp", to="write")
    user = backend.workspace.app.user
    backend.workspace.react(user, message, args.need("name"), remove=True)


@method("reactions.get", scope="reactions:read", tier=3)
def reactions(backend: Backend, args: Args) -> Json:
    message = backend.message(args, ts="timestamp")
    return {"type": "message", "channel": message["channel"], "message": without_channel(message)}


def _said(backend: Backend, args: Args) -> Json:
    """A bot's message from arguments. Raises Refused where Slack does not take it."""
    app = backend.workspace.app
    markdown = args.text("markdown_text")
    blocks = message_blocks(args.items("blocks"))
    if markdown and (args.has("text") or blocks):
        raise Refused("markdown_text_conflict")
    text = markdown or args.text("text")
    if not (text or blocks or args.items("attachments")):
        raise Refused("no_text")
    if len(text) > (12_000 if markdown else 40_000):
        raise Refused("msg_too_long")
    extra = {"attachments": args.items("attachments"), "metadata": _metadata(args)}
    return {
        "user": app.user, "bot_id": app.bot, "app_id": app.id, "text": text,
        "bot_profile": {"id": app.bot, "app_id": app.id, "name": app.name, "team_id": TEAM},
        "blocks": blocks, **{name: value for name, value in extra.items() if value},
    }  # fmt: skip


def _metadata(args: Args) -> Json:
    metadata = args.record("metadata")
    if metadata and not (
        metadata.get("event_type") and isinstance(metadata.get("event_payload"), dict)
    ):
        raise Refused("invalid_metadata_format")
    return metadata


def _own(backend: Backend, args: Args, error: str) -> Json:
    message = backend.message(args)
    if message.get("bot_id") != backend.workspace.app.bot:
        raise Refused(error)
    return message


def without_channel(message: Json, *, metadata: bool = True) -> Json:
    """A message as history and answers show it."""
    hidden = {"channel"} if metadata else {"channel", "metadata"}
    return {name: value for name, value in message.items() if name not in hidden}


# ---- an agent at work --------------------------------------------------------------------------


@method("agents.sessions.setStatus", scope="chat:write", tier=3)
def session_status(backend: Backend, args: Args) -> Json:
    """Creates the session, with its title, where there is none."""
    session = _session(backend, args)
    status = args.need("status")
    if status not in STATUSES:
        raise invalid(f"must be one of {', '.join(STATUSES)} [json-pointer:/status]")
    session.setdefault("title", _title(args.text("title")))
    session["status"] = status
    answer = {"status": status, "agent_status": status, "title": session["title"]}
    if status == "processing" and "agent_session_stopped" not in backend.workspace.app.events:
        answer["warning"] = "missing_agent_session_stopped_event_subscription"
    return answer


@method("agents.sessions.rename", scope="chat:write", tier=3)
def session_rename(backend: Backend, args: Args) -> None:
    _session(backend, args)["title"] = _title(args.need("title"))


def _title(title: str) -> str:
    if len(title) > 200:
        raise invalid("must be less than 201 characters [json-pointer:/title]")
    return title


def _session(backend: Backend, args: Args) -> Json:
    if not backend.workspace.app.agent_view:
        raise Refused("feature_not_enabled")
    return _thread(backend, args)


def _thread(backend: Backend, args: Args) -> Json:
    """What is known of a thread, made if there is nothing. Raises Refused."""
    channel, thread = _thread_of(backend, args)
    return backend.workspace.statuses.setdefault((channel.id, thread), {})


def _thread_of(backend: Backend, args: Args) -> tuple[Channel, str]:
    channel = backend.channel(args, to="write", name="channel_id")
    thread = args.need("thread_ts")
    if thread not in backend.workspace.messages[channel.id]:
        raise Refused("invalid_thread_ts")
    return channel, thread


@method("assistant.threads.setStatus", scope="assistant:write", tier=0)
def thread_status(backend: Backend, args: Args) -> None:
    """Cleared by an empty text, by a post in the thread, and after a while."""
    if len(args.given.get("loading_messages") or ()) > 10:
        raise invalid("no more than 10 items allowed [json-pointer:/loading_messages]")
    held = _thread(backend, args)
    held |= {"text": args.text("status"), "text_at": backend.workspace.ts()}


@method("assistant.threads.setTitle", scope="assistant:write")
def thread_title(backend: Backend, args: Args) -> None:
    _thread(backend, args)["title"] = args.need("title")


@method("assistant.threads.setSuggestedPrompts", scope="assistant:write")
def prompts(backend: Backend, args: Args) -> None:
    """With a thread, an app with agent view gets no error and no prompts: so does Slack."""
    channel = backend.channel(args, to="write", name="channel_id")
    given = args.items("prompts")
    if not 1 <= len(given) <= 4:
        raise invalid("must have 1 to 4 items [json-pointer:/prompts]")
    if any(not (prompt.get("title") and prompt.get("message")) for prompt in given):
        raise invalid("a prompt has a title and a message [json-pointer:/prompts]")
    if not (backend.workspace.app.agent_view and args.has("thread_ts")):
        backend.workspace.prompts[channel.id] = given
