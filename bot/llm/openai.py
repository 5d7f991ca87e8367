"""Any OpenAI-compatible endpoint: OpenAI, Azure, Ollama, vLLM, llama.cpp, LM Studio."""

import asyncio
import math
import random
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from bot.errors import (
    ContextTooLong,
    ModelError,
    ModelMisconfigured,
    ModelRejected,
    ModelUnavailable,
)
from bot.llm import wire
from bot.llm.probe import OPENAI, probe_window
from bot.llm.tokens import TokenCounter, estimate, usage_of
from bot.types import Completion, Prompt, Usage
from memory.types import Message

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI
    from tenacity import RetryCallState

Sleep = Callable[[float], Awaitable[None]]

LONGEST_WAIT = 20.0  # seconds between two tries; an endpoint that asks for more gets its row back
_PATIENCE = 1.5  # timeouts: an endpoint that hangs is asked twice, not for minutes on end
_SUMMARISED = 0.5  # of the window is for what is summarised at once
_PER_MESSAGE = 5  # tokens that a chat template adds to each message
_TOO_LONG = re.compile(
    r"context[ _](?:length|window|size|overflow)|exceed_context|maximum context|model length"
    r"|max_model_len|(?:prompt|input|request)[\w ]* too (?:long|large)|input token[\w ]* exceed",
    re.IGNORECASE,
)
_CLOSING = (  # in English, in Chinese
    "Answer the person's last message in words, in the language of that message.",
    "请用中文回答对方的最后一条消息。",
)
_OPTIONAL = ("max_tokens", "temperature")  # some models refuse these


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a model is and how it is asked.

    window: tokens; None asks the endpoint. timeout: seconds of one try. retries: tries after the
    first. base_url None is OpenAI's own; api_version makes it Azure.
    """

    model: str
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    api_version: str | None = None
    window: int | None = None
    timeout: float = 60.0
    retries: int = 3
    max_tokens: int | None = None
    temperature: float | None = None

    @property
    def host(self) -> str:
        """Host and port, without anything secret."""
        return urlsplit(self.base_url or OPENAI).netloc.rpartition("@")[2]

    @property
    def chosen(self) -> wire.Body:
        """The fields of a request that were set."""
        fields = {"max_tokens": self.max_tokens, "temperature": self.temperature}
        return {key: value for key, value in fields.items() if value is not None}


class Client:
    """Asks an endpoint: one place for transport, retries and the meaning of errors."""

    def __init__(self, endpoint: Endpoint, *, sleep: Sleep = asyncio.sleep) -> None:
        self.endpoint = endpoint
        self.counter = TokenCounter()
        self._sleep = sleep
        self._opening = asyncio.Lock()
        self._client: AsyncOpenAI | None = None
        self._refused: set[str] = set()
        self._asked = 0

    async def ask(self, body: Mapping[str, object], names: Collection[str] = ()) -> Completion:
        """Answer a request of messages, tools and such. See wire.read for `names`.

        Raises a ModelError.
        """
        while True:
            request = self._request(body)
            try:
                completion = await self._patiently(request, names)
            except ModelRejected as fault:
                culprit = next(
                    (key for key in _OPTIONAL if key in request and key in str(fault)), ""
                )
                if not culprit:
                    raise
                self._refused.add(culprit)
            else:
                self._learn(request, completion)
                return completion

    async def models(self) -> set[str]:
        """The names that the endpoint lists; none where it lists nothing."""
        from openai import OpenAIError

        client = await self._open()
        try:
            return {model.id async for model in client.models.list()}
        except (OpenAIError, ValueError, TypeError):
            return set()

    async def close(self) -> None:
        if self._client:
            await self._client.close()
            self._client = None

    def _request(self, body: Mapping[str, object]) -> wire.Body:
        request: wire.Body = {"model": self.endpoint.model, **self.endpoint.chosen, **body}
        if "max_tokens" in self._refused:  # newer OpenAI models know it by another name
            limit = request.pop("max_tokens", None)
            request |= {"max_completion_tokens": limit} if limit else {}
        if "temperature" in self._refused:
            request.pop("temperature", None)
        return request

    async def _patiently(self, request: wire.Body, names: Collection[str]) -> Completion:
        from tenacity import (
            AsyncRetrying,
            retry_if_exception,
            stop_after_attempt,
            stop_after_delay,
        )

        retrying = AsyncRetrying(
            retry=retry_if_exception(_worth_waiting),
            stop=stop_after_attempt(self.endpoint.retries + 1)
            | stop_after_delay(_PATIENCE * self.endpoint.timeout),
            wait=_wait,
            sleep=self._sleep,
            reraise=True,
        )
        client = self._client or await self._open()  # before the clock of these tries starts
        return await retrying(self._attempt, client, request, names)

    async def _attempt(
        self, client: "AsyncOpenAI", request: wire.Body, names: Collection[str]
    ) -> Completion:
        import openai

        host = self.endpoint.host
        try:
            async with asyncio.timeout(self.endpoint.timeout):
                raw = await client.post("/chat/completions", cast_to=str, body=request)
            return wire.read(raw, names)
        except (TimeoutError, openai.APITimeoutError):
            fault: ModelError = ModelUnavailable(
                f"The model at {host} did not answer within {self.endpoint.timeout:g} seconds."
            )
        except openai.APIStatusError as error:
            fault = self._fault(error)
        except UnicodeError:  # the key is sent as a header
            fault = ModelMisconfigured(
                "REVERIE_LLM_API_KEY has characters that no key has. Copy it again."
            )
        except ValueError:
            fault = ModelUnavailable(
                f"{host} answered, but not as a chat model does. "
                "Check REVERIE_LLM_BASE_URL if this goes on: it usually ends in /v1."
            )
        except openai.OpenAIError:
            fault = ModelUnavailable(f"The model at {host} cannot be reached.")
        raise fault  # outside: the library's exceptions carry the key

    def _fault(self, error: "APIStatusError") -> ModelError:
        status, host = error.status_code, self.endpoint.host
        detail = self._detail(error)
        if status not in (401, 403) and _TOO_LONG.search(f"{detail} {error.code or ''}"):
            return ContextTooLong(f"The request is longer than the model's window: {detail}")
        if status in (401, 402, 403):
            return ModelMisconfigured(
                f"{host} does not accept the key ({status}). Check REVERIE_LLM_API_KEY."
            )
        if status in (404, 405):
            return ModelMisconfigured(
                f"{host} knows no model “{self.endpoint.model}” at this address ({status}). "
                "Check REVERIE_LLM_MODEL and REVERIE_LLM_BASE_URL."
            )
        if status == 413:
            return ContextTooLong(f"The request is too large for {host}.")
        if status in (408, 409, 425, 429) or status >= 500:
            why = "is overloaded" if status == 429 else "has trouble"
            return ModelUnavailable(
                f"The model at {host} {why} ({status}).",
                retry_after=_retry_after(error.response.headers),
            )
        return ModelRejected(f"The model refuses this request ({status}): {detail}")

    def _detail(self, error: "APIStatusError") -> str:
        """What the endpoint said, short and without the key."""
        body = error.body
        said = body.get("message") if isinstance(body, dict) else body
        if isinstance(body, dict) and isinstance(body.get("error"), str):
            said = body["error"]
        text = " ".join(str(said or error.message).split())
        if self.endpoint.api_key:
            text = text.replace(self.endpoint.api_key, "…")
        return text[:300]

    async def _open(self) -> "AsyncOpenAI":
        async with self._opening:
            if self._client is None:
                self._client = await asyncio.to_thread(_connect, self.endpoint)
            return self._client

    def _learn(self, request: wire.Body, completion: Completion) -> None:
        """Compare our count with the endpoint's: the first times, then now and then."""
        self._asked += 1
        usage, messages = completion.usage, request["messages"]
        if usage and isinstance(messages, list) and (self._asked <= 8 or self._asked % 8 == 0):
            texts = [str(part) for message in messages for part in message.values() if part]
            guess = sum(map(estimate, texts)) + _PER_MESSAGE * len(messages)
            guess += estimate(str(request["tools"])) if "tools" in request else 0
            self.counter.learn(guess, usage.prompt)


class RemoteModel:
    """What both modes share. Their `complete` differs."""

    mode: ClassVar[str]

    def __init__(
        self, endpoint: Endpoint, *, tz: tzinfo = UTC, sleep: Sleep = asyncio.sleep
    ) -> None:
        self.endpoint = endpoint
        self.tz = tz
        self.client = Client(endpoint, sleep=sleep)
        self._window = endpoint.window

    @property
    def name(self) -> str:
        return f"{self.endpoint.model} at {self.endpoint.host} ({self.mode})"

    async def window(self) -> int:
        if self._window is None:
            found, known = await probe_window(
                self.endpoint.base_url, self.endpoint.model, self.endpoint.api_key
            )
            if not known:  # nobody answered: ask again next time
                return found
            self._window = found
        return self._window

    def count(self, text: str) -> int:
        return self.client.counter.count(text)

    async def close(self) -> None:
        await self.client.close()

    async def reply(
        self, prompt: Prompt, request: str = "", defaults: Mapping[str, object] | None = None
    ) -> Completion:
        """An answer in words, from a prompt without tools and calls.

        defaults: fields of the request that the endpoint's settings leave open.
        """
        body: wire.Body = {**(defaults or {}), **self.endpoint.chosen}
        body["messages"] = wire.plain(prompt, self.tz, request)
        return wire.spoken(await self.client.ask(body, wire.tool_names(prompt)))

    async def summarise(self, previous: str, messages: Sequence[Message]) -> Completion:
        """See base.LLM. What is longer than the window is taken in parts, one after the other."""
        room = int(await self.window() * _SUMMARISED)
        used = Usage(prompt=0, completion=0, calls=0)
        for part in wire.transcripts(messages, self.tz, room, self.count):
            asked = Prompt(system=f"{previous}\n{part}", messages=())
            answer = await self.client.ask({"messages": wire.summary_request(previous, part)})
            used = used.plus(usage_of(asked, answer, self.count))
            previous = answer.text or previous
        return Completion(text=previous, usage=used)


class OpenAIModel(RemoteModel):
    """Mode native: the endpoint's own tool calls, and those that a model wrote as text."""

    mode = "native"

    async def complete(self, prompt: Prompt) -> Completion:
        if prompt.closing:
            return await self.reply(prompt, _CLOSING[wire.chinese(prompt.messages)])
        if not prompt.tools:
            return await self.reply(prompt)
        names = {spec.name for spec in prompt.tools}
        body = {"messages": wire.chat(prompt, self.tz), "tools": wire.tools(prompt.tools)}
        return await self.client.ask(body, names)


def _connect(endpoint: Endpoint) -> "AsyncOpenAI":
    """The library's client. Importing it takes a second: call this on a thread."""
    from openai import AsyncAzureOpenAI, AsyncOpenAI

    key = endpoint.api_key or "none"  # local servers take any
    if endpoint.api_version:
        return AsyncAzureOpenAI(
            azure_endpoint=(endpoint.base_url or "")
            .rstrip("/")
            .removesuffix("/v1")
            .removesuffix("/openai"),
            api_key=key,
            api_version=endpoint.api_version,
            timeout=endpoint.timeout,
            max_retries=0,
        )
    return AsyncOpenAI(
        base_url=endpoint.base_url or OPENAI,
        api_key=key,
        timeout=endpoint.timeout,
        max_retries=0,
    )


def _worth_waiting(fault: BaseException) -> bool:
    return isinstance(fault, ModelUnavailable) and (fault.retry_after or 0) <= LONGEST_WAIT


def _wait(state: "RetryCallState") -> float:
    """Seconds until the next try: what the endpoint asked, else twice as long each time."""
    fault = state.outcome.exception() if state.outcome else None
    asked = fault.retry_after if isinstance(fault, ModelUnavailable) else None
    if asked is not None:
        return asked + random.uniform(0, 0.25)
    pause: float = 0.5 * 2.0 ** (state.attempt_number - 1)
    return min(LONGEST_WAIT, pause) * random.uniform(0.5, 1)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header (RFC 9110: seconds or a date), or OpenAI's retry-after-ms."""
    given = headers.get("retry-after", "")
    try:
        if "retry-after-ms" in headers:
            seconds = float(headers["retry-after-ms"]) / 1000
        elif given[:1].isalpha():
            seconds = (parsedate_to_datetime(given) - datetime.now(UTC)).total_seconds()
        else:
            seconds = float(given)
    except (ValueError, TypeError):
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
