"""Finds out by itself which mode an endpoint is fit for, when it is asked for the first time."""

import logging
from collections.abc import Sequence
from datetime import UTC, tzinfo

from bot.llm.base import LLM
from bot.llm.json_mode import JsonModel
from bot.llm.openai import Endpoint, OpenAIModel
from bot.llm.probe import probe_mode
from bot.types import Completion, Prompt
from memory.types import Message

log = logging.getLogger(__name__)


class AutoModel:
    """An LLM that is native or json, whichever a probe says; until then it is neither."""

    def __init__(self, endpoint: Endpoint, *, tz: tzinfo = UTC) -> None:
        self._native = OpenAIModel(endpoint, tz=tz)
        self._json = JsonModel(endpoint, tz=tz)
        self._chosen: LLM | None = None

    @property
    def name(self) -> str:
        if self._chosen is not None:
            return self._chosen.name
        endpoint = self._native.endpoint
        return f"{endpoint.model} at {endpoint.host} (mode not probed yet)"

    async def window(self) -> int:
        return await (self._chosen or self._native).window()

    def count(self, text: str) -> int:
        return (self._chosen or self._native).count(text)

    async def complete(self, prompt: Prompt) -> Completion:
        return await (await self._choose()).complete(prompt)

    async def summarise(self, previous: str, messages: Sequence[Message]) -> Completion:
        return await (await self._choose()).summarise(previous, messages)

    async def close(self) -> None:
        await self._native.close()
        await self._json.close()

    async def _choose(self) -> LLM:
        if self._chosen is None:
            mode, why = await probe_mode(self._native.client)
            log.info("mode %s: %s", mode, why, extra={"action": "mode_probed"})
            self._chosen = self._native if mode == "native" else self._json
        return self._chosen
