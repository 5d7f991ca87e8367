"""Web API: modals, Home tabs and files."""

import mimetypes

from bot.testing.slack.methods import Backend, method
from bot.testing.slack.wire import Args, Json, Refused, invalid
from bot.testing.slack.workspace import TEAM, Channel, Workspace


@method("views.open")
def open_(backend: Backend, args: Args) -> Json:
    return {"view": backend.surfaces.open(_trigger(args), _modal(args), how="open")}


@method("views.push")
def push(backend: Backend, args: Args) -> Json:
    return {"view": backend.surfaces.open(_trigger(args), _modal(args), how="push")}


@method("views.update")
def update(backend: Backend, args: Args) -> Json:
    view_id, external_id = args.text("view_id"), args.text("external_id")
    view = args.record("view")
    return {"view": backend.surfaces.update(view_id, external_id, view, args.text("hash"))}


@method("views.publish")
def publish(backend: Backend, args: Args) -> Json:
    view = args.record("view")
    if view.get("type") != "home":
        raise invalid("must be of type home [json-pointer:/view/type]")
    user = args.need("user_id")
    return {"view": backend.surfaces.publish(user, view, args.text("hash"))}


def _trigger(args: Args) -> str:
    return args.text("trigger_id") or args.need("interactivity_pointer")


def _modal(args: Args) -> Json:
    view = args.record("view")
    if view.get("type") != "modal":
        raise invalid("must be of type modal [json-pointer:/view/type]")
    return view


# ---- files -------------------------------------------------------------------------------------


@method("files.getUploadURLExternal", scope="files:write")
def upload_url(backend: Backend, args: Args) -> Json:
    size = args.number("length")
    if size <= 0:
        raise invalid("must be greater than 0 [json-pointer:/length]")
    file = add_file(backend.workspace, backend.workspace.app.user, args.need("filename"), size)
    return {"file_id": file["id"], "upload_url": f"{backend.workspace.base}/upload/{file['id']}"}


@method("files.completeUploadExternal", scope="files:write")
def complete(backend: Backend, args: Args) -> Json:
    workspace = backend.workspace
    files = []
    for given in args.items("files"):
        if given.get("id") not in workspace.contents:
            raise Refused("file_not_found")
        file = workspace.files[given["id"]]
        file["title"] = given.get("title") or file["name"]
        files.append(file)
    rooms = args.names("channels") or args.names("channel_id")
    for room in rooms:
        channel = backend.channel(Args({"channel": room}), to="write")
        text = args.text("initial_comment")
        sender = {"user": workspace.app.user, "bot_id": workspace.app.bot}
        share(workspace, channel, sender, files, text, args.text("thread_ts"))
    return {"files": files}


@method("files.info", scope="files:read")
def file_info(backend: Backend, args: Args) -> Json:
    file = backend.workspace.files.get(args.need("file"))
    if file is None:
        raise Refused("file_not_found")
    return {"file": file, "comments": [], "response_metadata": {"next_cursor": ""}}


def add_file(workspace: Workspace, user: str, name: str, size: int) -> Json:
    """A file, its contents still to come."""
    file_id = workspace.id("F")
    mime = mimetypes.guess_type(name)[0] or "application/octet-stream"
    url = f"{workspace.base}/files/{file_id}/{name}"
    workspace.files[file_id] = {
        "id": file_id, "created": 1, "timestamp": 1, "name": name, "title": name, "size": size,
        "mimetype": mime, "filetype": name.rpartition(".")[2] if "." in name else "binary",
        "pretty_type": mime, "user": user, "user_team": TEAM, "mode": "hosted",
        "is_external": False, "is_public": True, "file_access": "visible", "url_private": url,
        "url_private_download": url, "permalink": url,
    }  # fmt: skip
    return workspace.files[file_id]


def share(
    workspace: Workspace, channel: Channel, sender: Json, files: list[Json], text: str, thread: str
) -> Json:
    """Post files, and tell the app of each."""
    said = {"subtype": "file_share", **sender, "text": text, "files": files, "upload": False}
    message = workspace.post(channel, said, thread=thread)
    for file in files:
        event = {
            "type": "file_shared", "file_id": file["id"], "user_id": sender["user"],
            "file": {"id": file["id"]}, "channel_id": channel.id, "event_ts": workspace.ts(),
        }  # fmt: skip
        workspace.emit(event, channel)
    return message
