"""A model server that is no model: OpenAI's wire format, answers by rule, faults on demand.

For tests, benchmarks and for trying things: `python -m bot.testing.fake_openai --port 0`. It keeps
no state of a conversation: an answer depends on its request alone, so a request may be repeated.
"""

import argparse
import asyncio
import hashlib
import json
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Literal, Self

from aiohttp import web

from bot.testing.fake_memory import answer_by_rule

Request = Mapping[str, object]
Message = dict[str, object]
Script = Callable[[Request], Message]  # a request to the assistant message that answers it
Behaviour = Literal["tools", "json", "text"]

KEPT = 200  # requests that are remembered
DIM = 256  # of embeddings
HUGE = 10_000_000
CANNED = "Noted."

STATUSES = {
    "400": "This field is not supported.",
    "401": "Incorrect API key provided.",
    "404": "The model does not exist.",
    "429": "Rate limit reached.",
    "500": "The server had an error.",
    "503": "Loading model",
    "context": "This model's maximum context length is 4096 tokens.",
}
FAULTS = (
    *(*STATUSES, "hang", "drop", "half", "malformed", "no_choices"),
    *("empty", "unknown_tool", "wrong_arguments", "huge", "endless_tools"),
    *("text_only", "json_text"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong with the next `times` requests; -1: with all of them.

    retry_after: seconds of that header, where the fault is a status.
    """

    kind: str
    times: int = 1
    retry_after: float | None = None

    @classmethod
    def of(cls, data: Mapping[str, object]) -> Self:
        """From the body of POST /faults. Raises ValueError for a kind that is not known."""
        kind, times, retry = data.get("kind"), data.get("times", 1), data.get("retry_after")
        if not isinstance(kind, str) or kind not in FAULTS or not isinstance(times, int):
            raise ValueError(f"a fault has a kind of {', '.join(FAULTS)}, and times as a number")
        seconds = float(retry) if isinstance(retry, int | float) else None
        return cls(kind=kind, times=times, retry_after=seconds)


class FakeOpenAI:
    """The server. `script` answers; `mode` says in what form the built-in rules do.

    tools: as tool calls, or as JSON where a schema is asked for. json: calls as text. text: words
    alone. window: what /props tells, as llama.cpp does. refuses: fields of a request, or types of
    response_format, that get a 400.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        mode: Behaviour = "tools",
        canned: bool = False,
        latency: float = 0.0,
        window: int | None = None,
        models: tuple[str, ...] = ("fake",),
        refuses: tuple[str, ...] = (),
    ) -> None:
        self.script = script or (lambda request: answer_by_rule(request, mode))
        self.latency = latency
        self.window = window
        self.models = models
        self.refuses = refuses
        self.requests: deque[dict[str, object]] = deque(maxlen=KEPT)
        self.headers: deque[dict[str, str]] = deque(maxlen=KEPT)
        self.strays: deque[str] = deque(maxlen=KEPT)  # paths that are none of ours
        self.faults: deque[Fault] = deque()
        self.url = ""
        self.canned = canned

    def fail(self, kind: str, times: int = 1, retry_after: float | None = None) -> None:
        """Let the next requests go wrong."""
        self.faults.append(Fault.of({"kind": kind, "times": times, "retry_after": retry_after}))

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[Self]:
        """Serve on loopback; `url` is the base URL for clients."""
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", port)
            await site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
            yield self
        finally:
            await runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/embeddings", self._embeddings)
        app.router.add_get("/props", self._props)
        app.router.add_post("/faults", self._set_faults)
        app.router.add_delete("/faults", self._clear_faults)
        app.router.add_route("*", "/{stray:.*}", self._stray)
        return app

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        if self.latency:
            await asyncio.sleep(self.latency)
        try:
            raw = await request.read()
        except ConnectionResetError:  # whoever asked is gone, as in tests that kill
            return web.Response(status=499)
        if self.canned and not self.faults:  # the request is not even parsed
            return _json(_completion({"role": "assistant", "content": CANNED}, len(raw) // 4))
        asked = json.loads(raw)
        self.requests.append(asked)
        self.headers.append(dict(request.headers))
        fault = self._next_fault()
        if fault:
            return await self._faulty(fault, request, asked)
        refused = self._refused(asked)
        if refused:
            return _error(400, f"Unsupported parameter: '{refused}' is not supported.")
        return _json(_completion(self.script(asked), len(raw) // 4))

    def _next_fault(self) -> Fault | None:
        if not self.faults:
            return None
        fault = self.faults[0]
        if fault.times > 1:
            self.faults[0] = replace(fault, times=fault.times - 1)
        elif fault.times >= 0:
            self.faults.popleft()
        return fault

    def _refused(self, asked: Request) -> str:
        """A field of the request, or its response format, that this endpoint does not take."""
        wanted = asked.get("response_format")
        format_ = str(wanted.get("type")) if isinstance(wanted, dict) else ""
        return next((name for name in self.refuses if name in asked or name == format_), "")

    async def _faulty(
        self, fault: Fault, request: web.Request, asked: Request
    ) -> web.StreamResponse:
        if fault.kind in STATUSES:
            return _refusal(fault)
        if fault.kind == "hang":
            await asyncio.sleep(3600)
        if fault.kind in ("drop", "half"):
            return await _dropped(request, half=fault.kind == "half")
        if fault.kind == "malformed":
            return web.Response(text='{"choices": [', content_type="application/json")
        if fault.kind == "no_choices":
            return _json(b'{"object": "chat.completion", "choices": []}')
        return _json(_completion(_odd(fault.kind, asked), 50))

    async def _models(self, _: web.Request) -> web.Response:
        rows = [{"id": model, "object": "model", "owned_by": "fake"} for model in self.models]
        return web.json_response({"object": "list", "data": rows})

    async def _props(self, _: web.Request) -> web.Response:
        if self.window is None:
            return web.json_response({"error": "not found"}, status=404)
        return web.json_response({"default_generation_settings": {"n_ctx": self.window}})

    async def _embeddings(self, request: web.Request) -> web.Response:
        asked = await request.json()
        given = asked["input"]
        texts = [given] if isinstance(given, str) else given
        rows = [
            {"object": "embedding", "index": n, "embedding": embedding(text)}
            for n, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        return web.json_response(
            {"object": "list", "model": asked.get("model"), "data": rows, "usage": usage}
        )

    async def _stray(self, request: web.Request) -> web.Response:
        self.strays.append(request.path_qs)
        return _error(404, "There is no such path.")

    async def _set_faults(self, request: web.Request) -> web.Response:
        try:
            self.faults.append(Fault.of(await request.json()))
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"waiting": len(self.faults)})

    async def _clear_faults(self, _: web.Request) -> web.Response:
        self.faults.clear()
        return web.json_response({"waiting": 0})


def embedding(text: str) -> list[float]:
    """A vector of length 1 from the hashed pairs of characters of a text: always the same."""
    vector = [0.0] * DIM
    for start in range(max(1, len(text) - 1)):
        digest = hashlib.blake2b(text[start : start + 2].lower().encode(), digest_size=4).digest()
        vector[struct.unpack("<I", digest)[0] % DIM] += 1.0
    length = sum(value * value for value in vector) ** 0.5
    return [value / length for value in vector]


def _completion(message: Message, prompt_tokens: int) -> bytes:
    reason = "tool_calls" if message.get("tool_calls") else "stop"
    said = len(str(message.get("content") or "")) // 4 + 1
    return json.dumps(
        {
            "id": "chatcmpl-fake",
            "object": "chat.completion",
            "created": 0,
            "model": "fake",
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
            "usage": {
                "prompt_tokens": prompt_tokens,
                "completion_tokens": said,
                "total_tokens": prompt_tokens + said,
            },
        }
    ).encode()


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


def _refusal(fault: Fault) -> web.Response:
    kind = fault.kind
    headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
    return _error(int(kind) if kind.isdecimal() else 400, STATUSES[kind], headers)


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    error = {"message": message, "type": "fake", "code": None}
    return web.json_response({"error": error}, status=status, headers=headers)


async def _dropped(request: web.Request, *, half: bool) -> web.StreamResponse:
    """Cut the connection, at once or in the middle of the answer."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    if half:
        await response.prepare(request)
        await response.write(b'{"choices": [{"message": {"content": "I was about to')
    if request.transport:
        request.transport.abort()
    return response


def _odd(kind: str, asked: Request) -> Message:
    """Answers that are well-formed, and no good."""
    words = {
        "empty": "",
        "huge": "很长 long " * (HUGE // 8),
        "text_only": "I have no tools, but I am listening.",
        "json_text": '```json\n{"name": "send_message", "arguments": {"message": "Hello."}}\n```',
    }
    if kind in words:
        return {"role": "assistant", "content": words[kind]}
    name, arguments = {
        "unknown_tool": ("fly_to_the_moon", "{}"),
        "wrong_arguments": ("core_memory_append", '{"section": 7, "text": [}'),
        "endless_tools": ("conversation_search", json.dumps({"query": f"more {len(str(asked))}"})),
    }[kind]
    function = {"name": name, "arguments": arguments}
    call = {"id": f"call_{kind}", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


async def _serve(port: int, server: FakeOpenAI) -> None:
    async with server.running(port):
        print(server.url, flush=True)  # noqa: T201 -- the caller waits for this line
        await asyncio.Event().wait()


def main() -> None:
    """Serve until stopped. The first line on stdout is the base URL."""
    parser = argparse.ArgumentParser(prog="bot.testing.fake_openai", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument("--latency", type=float, default=0, help="milliseconds of every answer")
    parser.add_argument("--mode", choices=("tools", "json", "text"), default="tools")
    parser.add_argument("--canned", action="store_true", help="one fixed short answer, at once")
    parser.add_argument("--window", type=int, help="tokens of the window, as /props tells it")
    given = parser.parse_args()
    server = FakeOpenAI(
        mode=given.mode, canned=given.canned, latency=given.latency / 1000, window=given.window
    )
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(given.port, server))


if __name__ == "__main__":
    main()
