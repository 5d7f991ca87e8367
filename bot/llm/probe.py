"""Finds out what an endpoint is and can do: window, tool calls, servers on this machine."""

import asyncio
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol
from urllib.parse import urlsplit

from bot.errors import ModelRejected
from bot.llm.parse import find_object
from bot.types import Completion

OPENAI = "https://api.openai.com/v1"
DEFAULT_WINDOW = 8192  # tokens, where nobody says
OLLAMA_WINDOW = 4096  # tokens: what Ollama gives a model when nobody asks for more
OPENAI_WINDOW = 128_000  # tokens: what every chat model there has had since 2024

PORTS: tuple[tuple[str, int], ...] = (("Ollama", 11434), ("LM Studio", 1234), ("llama.cpp", 8080))

Mode = Literal["native", "json"]

_LARGEST = 4_000_000  # bytes of an answer that are read
_WORD = "plum-42"  # what only the probe's tool knows


class Asks(Protocol):
    async def ask(self, body: Mapping[str, object], names: Collection[str] = ()) -> Completion: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalServer:
    """A model server on this machine, and the models that it offers."""

    kind: str
    base_url: str
    models: tuple[str, ...]


async def probe_window(
    base_url: str | None, model: str, api_key: str | None = None, patience: float = 3.0
) -> tuple[int, bool]:
    """(tokens of the model's window, whether this is known and may be remembered).

    Asks llama.cpp (/props), vLLM (/v1/models) and Ollama (/api/ps, /api/show); else a safe default.
    patience: seconds.
    """
    url = base_url or OPENAI
    if urlsplit(url).hostname == urlsplit(OPENAI).hostname:
        return OPENAI_WINDOW, True
    root = url.rstrip("/").removesuffix("/v1")
    http = _Http(api_key, patience)
    props, listed, loaded, shown = await asyncio.gather(
        http.get(f"{root}/props"),
        http.get(f"{url.rstrip('/')}/models"),
        http.get(f"{root}/api/ps"),
        http.get(f"{root}/api/show", {"model": model}),
    )
    found = _llama_cpp(props) or _vllm(listed, model) or _loaded(loaded, model) or _num_ctx(shown)
    if found:
        return found, True
    if isinstance(shown, dict) and "model_info" in shown:  # Ollama; once loaded, it will say
        return OLLAMA_WINDOW, False
    return DEFAULT_WINDOW, http.answered


async def probe_mode(client: Asks) -> tuple[Mode, str]:
    """The mode that fits the endpoint, and a sentence why. Three short requests at most.

    native needs a model that calls a tool and, when it has the result, answers in words.
    Raises a ModelError where the endpoint cannot be asked at all.
    """
    try:
        trouble = await _tool_trouble(client)
    except ModelRejected:
        trouble = "it refuses requests with tools"
    if not trouble:
        return "native", "The model calls tools and ends a turn in words."
    try:
        answer = await client.ask(_SCHEMA_REQUEST)
        held = (find_object(answer.text) or {}).get("color") in ("red", "blue")
    except ModelRejected:
        held = False
    how = "keeps to a JSON schema" if held else "is asked for JSON in words"
    return "json", f"As for tools, {trouble}; it {how}."


async def find_local(
    ports: Sequence[tuple[str, int]] = PORTS, patience: float = 0.6
) -> list[LocalServer]:
    """Model servers on the usual ports of this machine, with at least one chat model."""
    found = await asyncio.gather(*(_look(kind, port, patience) for kind, port in ports))
    return [server for server in found if server]


class _Http:
    """Small JSON requests. Nothing here is worth loading the large client for."""

    def __init__(self, api_key: str | None, patience: float) -> None:
        self.answered = False
        self._headers = {"Content-Type": "application/json"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._patience = patience

    async def get(self, url: str, body: Mapping[str, object] | None = None) -> object:
        """The JSON at an address (a POST where there is a body); None where there is none."""
        try:
            async with asyncio.timeout(self._patience * 2):
                raw = await asyncio.to_thread(self._fetch, url, body)
            self.answered = True
            found: object = json.loads(raw)
        except urllib.error.HTTPError as error:
            error.close()
            self.answered = True
        except (OSError, ValueError, RecursionError, http.client.HTTPException, TimeoutError):
            pass
        else:
            return found
        return None

    def _fetch(self, url: str, body: Mapping[str, object] | None) -> bytes:
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(url, data, self._headers)
        local = urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
        proxies = urllib.request.ProxyHandler({} if local else None)
        with urllib.request.build_opener(proxies).open(request, timeout=self._patience) as response:
            raw: bytes = response.read(_LARGEST)
        return raw


async def _look(kind: str, port: int, patience: float) -> LocalServer | None:
    base_url = f"http://127.0.0.1:{port}/v1"
    listed = await _Http(None, patience).get(f"{base_url}/models")
    models = [str(row["id"]) for row in _rows(listed, "data") if row.get("id")]
    models = [model for model in models if "embed" not in model.lower()]
    return LocalServer(kind=kind, base_url=base_url, models=tuple(models)) if models else None


def _rows(found: object, key: str) -> list[Mapping[str, object]]:
    rows = found.get(key) if isinstance(found, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _tokens(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _llama_cpp(props: object) -> int | None:
    settings = props.get("default_generation_settings") if isinstance(props, dict) else None
    return _tokens(settings.get("n_ctx")) if isinstance(settings, dict) else None


def _vllm(listed: object, model: str) -> int | None:
    rows = {row.get("id"): row.get("max_model_len") for row in _rows(listed, "data")}
    return _tokens(rows.get(model))


def _loaded(running: object, model: str) -> int | None:
    """What Ollama gave the model that it runs: often far less than the model could take."""
    wanted = {model, f"{model}:latest"}
    rows = [row for row in _rows(running, "models") if row.get("name") in wanted]
    return _tokens(rows[0].get("context_length")) if rows else None


def _num_ctx(shown: object) -> int | None:
    """The window that an Ollama model file sets."""
    parameters = shown.get("parameters") if isinstance(shown, dict) else None
    for line in str(parameters or "").splitlines():
        key, _, value = line.strip().partition(" ")
        if key == "num_ctx" and value.strip().isdecimal():
            return _tokens(int(value))
    return None


_TOOL: Mapping[str, object] = {
    "type": "function",
    "function": {
        "name": "look_up_password",
        "description": "Look up the password of a door.",
        "parameters": {
            "type": "object",
            "properties": {"door": {"type": "string"}},
            "required": ["door"],
        },
    },
}
_QUESTION: Mapping[str, object] = {
    "role": "user",
    "content": "What is the password of the garden door? Look it up, then tell me.",
}
_SCHEMA_REQUEST: Mapping[str, object] = {
    "messages": [{"role": "user", "content": "Which color has a ripe tomato? Answer in JSON."}],
    "max_tokens": 60,
    "response_format": {
        "type": "json_schema",
        "json_schema": {
            "name": "answer",
            "strict": True,
            "schema": {
                "type": "object",
                "properties": {"color": {"type": "string", "enum": ["red", "blue"]}},
                "required": ["color"],
                "additionalProperties": False,
            },
        },
    },
}


async def _tool_trouble(client: Asks) -> str:
    """What is wrong with the model's way with tools; empty when nothing is."""
    body = {"tools": [_TOOL], "max_tokens": 2000}  # room for models that think first
    first = await client.ask({**body, "messages": [_QUESTION]}, ["look_up_password"])
    if not first.calls:
        return "the model did not call the one it was asked to use"
    call = first.calls[0]
    if "door" not in (find_object(call.arguments) or {}):
        return "the model's arguments are wrong"
    function = {"name": call.name, "arguments": call.arguments}
    asked = {"id": call.id, "type": "function", "function": function}
    messages = [
        _QUESTION,
        {"role": "assistant", "content": "", "tool_calls": [asked]},
        {"role": "tool", "tool_call_id": call.id, "content": f"The password is {_WORD}."},
    ]
    second = await client.ask({**body, "messages": messages}, ["look_up_password"])
    return "" if _WORD in second.text else "the model does not answer once it has the result"
