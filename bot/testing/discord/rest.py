"""The REST server: who may ask, how often, what goes wrong, and a record of all that was asked."""

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aiohttp import BodyPartReader, web

from bot.testing.discord.call import Call, Handler, Reply
from bot.testing.discord.errors import ApiError, Code
from bot.testing.discord.faults import Fault, Faults
from bot.testing.discord.interactions import Interactions
from bot.testing.discord.limits import PROXY, Limiter, refusal, too_many
from bot.testing.discord.posts import File
from bot.testing.discord.records import Json
from bot.testing.discord.routes import ROUTES
from bot.testing.discord.world import World

API = "/api/v10"
OPEN = ("/interactions/", "/webhooks/")  # the token is in the path
PLACES = ("channel", "guild", "token")  # each has buckets of its own


@dataclass(slots=True, kw_only=True, eq=False)
class Request:
    """What the bot asked. status: of the answer, 0 while there is none or if it was cut off.

    route: such as "POST /channels/{}/messages"; "" if there is none. at: seconds since 1970.
    """

    method: str
    path: str
    route: str
    body: object
    files: tuple[str, ...]
    at: float
    status: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One line of the table. key: with {} for each name."""

    key: str
    pattern: re.Pattern[str]
    handler: Handler


def table(routes: Mapping[str, Handler]) -> list[Route]:
    """The routes, ready to be matched."""
    return [
        Route(
            key=re.sub(r"\{\w+\}", "{}", text),
            pattern=re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", text)),
            handler=handler,
        )
        for text, handler in routes.items()
    ]


TABLE = table(ROUTES)
KEYS = frozenset(route.key for route in TABLE)


class Rest:
    """Answers requests, and keeps them in `requests`, oldest first."""

    def __init__(
        self, world: World, interactions: Interactions, faults: Faults, limiter: Limiter
    ) -> None:
        self.world = world
        self.interactions = interactions
        self.faults = faults
        self.limiter = limiter
        self.requests: list[Request] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        path = request.path.removeprefix(API)
        route, params = _match(f"{request.method} {path}")
        data, files = await _read(request)
        asked = Request(
            method=request.method,
            path=path,
            route=route.key if route else "",
            body=data,
            files=tuple(file.name for file in files),
            at=self.world.now(),
        )
        self.requests.append(asked)
        fault = self.faults.take(asked.route)
        if fault and fault.delay:
            await asyncio.sleep(fault.delay)
        if fault and fault.cut == "before":
            return _cut(request)
        response = _faulty(fault) if fault and fault.status else None
        if response is None:
            response = self._answer(request, route, params, data, files)
        if fault and fault.cut == "after":
            return _cut(request)
        asked.status = response.status
        self.world.changes.happened()
        return response

    def _answer(
        self,
        request: web.Request,
        route: Route | None,
        params: Mapping[str, str],
        data: object,
        files: list[File],
    ) -> web.Response:
        headers: Mapping[str, str] = PROXY
        try:
            self._authorise(request)
            if route is None:
                raise ApiError(Code.NOT_FOUND)
            place = "/".join(params[name] for name in PLACES if name in params)
            verdict = self.limiter.take(route.key, place, self.world.now())
            headers = {**PROXY, **verdict.headers}
            if verdict.wait:
                body = too_many(verdict.wait, everywhere=verdict.everywhere)
                return _json(body, 429, headers)
            if data is None:
                raise ApiError(Code.BAD_JSON)
            call = Call(
                world=self.world,
                interactions=self.interactions,
                params=params,
                query=request.query,
                data=data,
                files=files,
            )
            return _reply(route.handler(call), headers)
        except ApiError as error:
            return _json(error.body, error.status, headers)

    def _authorise(self, request: web.Request) -> None:
        path = request.path.removeprefix(API)
        given = request.headers.get("Authorization")
        if not path.startswith(OPEN) and given != f"Bot {self.world.app.token}":
            raise ApiError(Code.UNAUTHORIZED)

    async def file(self, request: web.Request) -> web.Response:
        """What was attached to a message."""
        kept = self.world.files.get(request.match_info["file"])
        if kept is None:
            return web.Response(status=404)
        return web.Response(body=kept.data, content_type=kept.content_type)


def _match(text: str) -> tuple[Route | None, Mapping[str, str]]:
    for route in TABLE:
        found = route.pattern.fullmatch(text)
        if found:
            return route, found.groupdict()
    return None, {}


async def _read(request: web.Request) -> tuple[object, list[File]]:
    """(the JSON of a request, {} without one and None for a broken one; its files)."""
    if request.content_type.startswith("multipart/"):
        return await _read_parts(request)
    return _parsed(await request.read()), []


async def _read_parts(request: web.Request) -> tuple[object, list[File]]:
    data: object = {}
    files = []
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        content = await part.read()
        if part.name == "payload_json":
            data = _parsed(bytes(content))
        else:
            files.append(File(name=part.filename or "unknown", data=bytes(content)))
    return data, files


def _parsed(raw: bytes) -> object:
    try:
        return json.loads(raw) if raw else {}
    except ValueError:
        return None


def _faulty(fault: Fault) -> web.Response:
    if fault.status != 429:
        return _json({"message": fault.message, "code": fault.code}, fault.status, PROXY)
    everywhere = fault.scope == "global"
    body = too_many(fault.retry_after, everywhere=everywhere)
    return _json(body, 429, refusal(fault.retry_after, fault.scope))


def _cut(request: web.Request) -> web.Response:
    if request.transport:
        request.transport.abort()
    return web.Response()


def _reply(reply: Reply, headers: Mapping[str, str]) -> web.Response:
    if reply is None:
        return web.Response(status=204, headers=headers)
    return _json(reply, 200, headers)


def _json(
    body: Mapping[str, object] | Iterable[Json], status: int, headers: Mapping[str, str]
) -> web.Response:
    """Its type is just application/json: with a charset behind it discord.py reads no JSON."""
    raw = json.dumps(body).encode()
    return web.Response(body=raw, status=status, headers=headers, content_type="application/json")
