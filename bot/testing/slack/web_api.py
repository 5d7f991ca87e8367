"""The HTTP side: Web API calls, uploads, downloads and response URLs, with their accidents."""

import asyncio
import json
import uuid
from dataclasses import dataclass

from aiohttp import web

from bot.testing.slack import methods_chat, methods_rooms, methods_views
from bot.testing.slack.faults import Fault, Faults, Limits
from bot.testing.slack.methods import METHODS, Backend
from bot.testing.slack.wire import Args, Json, Refused

REGISTERED = (methods_chat, methods_rooms, methods_views)  # importing them fills METHODS
SIGN_IN = "<!DOCTYPE html><html><head><title>Sign in to Slack</title></head></html>"
FOREVER = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A call that was made, and how it was answered. Files and response URLs are here too, as
    "upload", "download" and "response_url"."""

    method: str
    args: Json
    status: int
    error: str  # "" where it went well


class WebApi:
    """Answers what the app asks for."""

    def __init__(self, backend: Backend) -> None:
        self._backend, self._workspace = backend, backend.workspace
        self.faults, self.limits = Faults(), Limits()
        self.requests: list[Request] = []

    def routes(self) -> list[web.RouteDef]:
        return [
            web.route("*", "/api/{method}", self._call),
            web.post("/upload/{file}", self._upload),
            web.get("/files/{file}/{name}", self._download),
            web.post("/response/{id}", self._respond),
        ]

    async def _call(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        args, token = await _given(request)
        fault = self.faults.next(name)
        if fault is None or fault.applied:
            status, body, headers = self._answered(name, args, token)
            if fault is None:
                return self._reply(name, args, status, body, headers)
        return await self._accident(fault, request, name, args)

    def _reply(
        self, name: str, args: Args, status: int, body: Json, headers: dict[str, str]
    ) -> web.Response:
        error = "" if body["ok"] else body["error"]
        self._note(name, args.given, status, error)
        about = {"X-Slack-Req-Id": uuid.uuid4().hex, **headers}
        if status == 200:
            about["X-OAuth-Scopes"] = ",".join(sorted(self._workspace.app.scopes))
        return web.json_response(body, status=status, headers=about)

    def _note(self, name: str, args: Json, status: int, error: str = "") -> None:
        self.requests.append(Request(method=name, args=args, status=status, error=error))
        self._workspace.changes.tell()

    def _answered(self, name: str, args: Args, token: str) -> tuple[int, Json, dict[str, str]]:
        try:
            self._check_token(name, token)
            method = METHODS.get(name)
            if method is None:
                raise Refused("unknown_method", req_method=name)
            wait = self.limits.check(name, method.tier, args.text("channel"))
            if wait:
                refusal = {"ok": False, "error": "ratelimited"}
                return 429, refusal, {"Retry-After": str(wait)}
            if method.scope:
                self._backend.need_scope(method.scope)
            return 200, {"ok": True, **(method.call(self._backend, args) or {})}, {}
        except Refused as why:
            return 200, why.answer(), {}

    def _check_token(self, name: str, token: str) -> None:
        app = self._workspace.app
        if not token:
            raise Refused("not_authed")
        if token not in (app.bot_token, app.app_token):
            raise Refused("invalid_auth")
        if app.revoked:
            raise Refused("token_revoked")
        wants_app_token = name == "apps.connections.open"
        if (token == app.app_token) != wants_app_token:
            raise Refused("not_allowed_token_type")
        if wants_app_token and "connections:write" not in app.app_scopes:
            provided = ",".join(sorted(app.app_scopes))
            raise Refused("missing_scope", needed="connections:write", provided=provided)

    async def _accident(
        self, fault: Fault, request: web.Request, name: str, args: Args
    ) -> web.StreamResponse:
        self._note(name, args.given, fault.status, "hang" if fault.hang else fault.body["error"])
        if fault.hang:
            await asyncio.sleep(FOREVER)
        if fault.drop and request.transport is not None:
            request.transport.abort()
        return web.json_response(fault.body, status=fault.status, headers=fault.headers)

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        file = self._workspace.files.get(request.match_info["file"])
        args = Args({"file": request.match_info["file"]})
        fault = self.faults.next("upload")
        if fault is not None:
            return await self._accident(fault, request, "upload", args)
        content = await _content(request)
        if file is None or len(content) != file["size"]:
            self._note("upload", args.given, 400, "wrong_size" if file else "file_not_found")
            return web.Response(status=400, text="Error")
        self._workspace.contents[file["id"]] = content
        self._note("upload", args.given, 200)
        return web.Response(text=f"OK - {len(content)}")

    async def _download(self, request: web.Request) -> web.StreamResponse:
        """Without token or scope, Slack answers 200 and a page to sign in."""
        app = self._workspace.app
        args = Args({"file": request.match_info["file"]})
        fault = self.faults.next("download")
        if fault is not None:
            return await self._accident(fault, request, "download", args)
        allowed = _bearer(request) == app.bot_token and not app.revoked
        if not allowed or "files:read" not in app.scopes:
            self._note("download", args.given, 200, "signed_out")
            return web.Response(text=SIGN_IN, content_type="text/html")
        content = self._workspace.contents.get(args.text("file"))
        if content is None:
            self._note("download", args.given, 404, "file_not_found")
            return web.Response(status=404)
        self._note("download", args.given, 200)
        mime = self._workspace.files[args.text("file")]["mimetype"]
        return web.Response(body=content, content_type=mime)

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        fault = self.faults.next("response_url")
        if fault is not None:
            return await self._accident(fault, request, "response_url", Args(body))
        try:
            self._backend.surfaces.respond(request.match_info["id"], body)
        except Refused as why:
            self._note("response_url", body, 404, why.error)
            return web.Response(status=404, text=why.error)
        self._note("response_url", body, 200)
        return web.Response(text="ok")


async def _given(request: web.Request) -> tuple[Args, str]:
    """Arguments and token. The SDK sends most arguments in the query, also with POST."""
    given: Json = dict(request.query)
    if request.content_type == "application/json" and request.can_read_body:
        body = json.loads(await request.text() or "{}")
        given |= body if isinstance(body, dict) else {}
    elif request.method == "POST":
        given |= dict(await request.post())
    token = str(given.pop("token", None) or _bearer(request))
    return Args(given), token


def _bearer(request: web.Request) -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


async def _content(request: web.Request) -> bytes:
    """What was uploaded: the body itself, or the file of a form."""
    if request.content_type != "multipart/form-data":
        return await request.read()
    for value in (await request.post()).values():
        if isinstance(value, web.FileField):
            return value.file.read()
    return b""
