"""What every part of the fake Slack speaks: JSON, arguments, refusals, and waiting for a change."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

T = TypeVar("T")
Json = dict[str, Any]  # a JSON object, as it is on the wire
Kind = Literal["events_api", "slash_commands", "interactive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long things take, in seconds. The defaults are Slack's own.

    Sources: docs.slack.dev apis/events-api (3 s to acknowledge; retries at once, after 1 and 5
    minutes), interactivity/handling-user-interaction (triggers 3 s, response_url 30 minutes),
    methods/assistant.threads.setStatus (2 minutes).
    """

    ack: float = 3.0
    retries: tuple[float, ...] = (0.0, 60.0, 300.0)
    trigger: float = 3.0
    response_url: float = 1800.0
    status: float = 120.0


class Refused(Exception):
    """Slack says no: `{"ok": false, "error": …}` with HTTP status 200."""

    def __init__(self, error: str, **details: Any) -> None:
        super().__init__(error)
        self.error, self.details = error, details

    def answer(self) -> Json:
        return {"ok": False, "error": self.error, **self.details}


def invalid(*messages: str, error: str = "invalid_arguments") -> Refused:
    """A refusal that says what is wrong, in `response_metadata.messages`."""
    told = [f"[ERROR] {message}" for message in messages]
    return Refused(error, response_metadata={"messages": told})


class Args:
    """Arguments of a Web API call. They come as query, form or JSON, so a value may be text."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given: Json = {name: value for name, value in given.items() if value is not None}

    def has(self, name: str) -> bool:
        return self.given.get(name) not in (None, "")

    def need(self, name: str) -> str:
        """A value that must be there. Raises Refused."""
        if not self.has(name):
            raise invalid(f"missing required field: {name}")
        return str(self.given[name])

    def text(self, name: str, default: str = "") -> str:
        return str(self.given[name]) if self.has(name) else default

    def number(self, name: str, default: int = 0) -> int:
        try:
            return int(self.text(name, str(default)))
        except ValueError:
            raise invalid(f"must be a number [json-pointer:/{name}]") from None

    def flag(self, name: str) -> bool:
        return str(self.given.get(name, "")).lower() in ("1", "true")

    def items(self, name: str) -> list[Json]:
        """A list of objects, which may come as JSON text."""
        value = self._parsed(name, [])
        if not isinstance(value, list):
            raise invalid(f"must be a list [json-pointer:/{name}]")
        return value

    def record(self, name: str) -> Json:
        """An object, which may come as JSON text; empty where it is not given."""
        value = self._parsed(name, {})
        if not isinstance(value, dict):
            raise invalid(f"must be an object [json-pointer:/{name}]")
        return value

    def names(self, name: str) -> list[str]:
        """Names with commas between them, or a list of them."""
        value = self.given.get(name) or []
        given: Sequence[str] = value.split(",") if isinstance(value, str) else value
        return [part.strip() for part in given if part.strip()]

    def _parsed(self, name: str, default: Any) -> Any:
        value = self.given.get(name, default)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else default
        except ValueError:
            raise Refused("invalid_json") from None


class Changes:
    """Wakes whoever waits for something to become true."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def tell(self) -> None:
        """Something changed."""
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def until(self, look: Callable[[], T], *, within: float) -> T:
        """What `look` returns, once that is true. Raises TimeoutError."""
        async with asyncio.timeout(within):
            while not (found := look()):
                future = asyncio.get_running_loop().create_future()
                self._waiting.add(future)
                await future
            return found


class Tasks:
    """Work in the background, ended with the server."""

    def __init__(self) -> None:
        self._running: set[asyncio.Future[None]] = set()

    def start(self, work: Any) -> None:
        """Run a coroutine. Its errors come out of `close`."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Future[None]") -> None:
        if task.cancelled() or task.exception() is None:
            self._running.discard(task)

    @property
    def idle(self) -> bool:
        return not self._running

    async def close(self) -> None:
        """Cancel what still runs; raise the first error of what failed."""
        for task in self._running:
            task.cancel()
        ended = await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()
        for error in ended:
            if isinstance(error, Exception):
                raise error
