"""The whole program in one process, for tests: a scripted model, a fake platform, a fresh home."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bot.app import App, opened
from bot.config import Settings
from bot.testing.fakes import FakeAdapter, Script, ScriptedLLM
from bot.types import Completion
from memory import recall
from memory.agents import identity_id
from memory.ports import Database, Embedder
from memory.store import Store
from memory.types import Message, ToolCall

ANA = identity_id("terminal", "local", "ana")


class World:
    """A running program, its people and its model."""

    def __init__(self, app: App, adapter: FakeAdapter, llm: ScriptedLLM) -> None:
        self.app, self.adapter, self.llm = app, adapter, llm
        self._said = 0

    async def say(self, text: str, *, user: str = "ana", agent: str | None = None) -> None:
        self._said += 1
        assert await self.adapter.say(text, event=f"{self._said}", user=user, agent=agent)

    async def ask(self, text: str) -> str:
        """Says something, and returns what comes back first."""
        had = len(self.adapter.posts)
        await self.say(text)
        return (await self.adapter.sent(had + 1))[had].text

    async def settled(self) -> list[str]:
        """Every post, once nothing is left to do."""
        async with asyncio.timeout(20):
            await self.app.worker.settled()
            for agent in await self.app.store.with_unsent():
                await self.app.outbox.drained(agent)
        return [post.text for post in self.adapter.posts]

    async def recall(self, agent: str = ANA) -> list[Message]:
        return await self.app.store.database.read(lambda conn: recall.page(conn, agent))

    async def human(self, agent: str = ANA) -> str:
        return next(b.text for b in await self.app.store.blocks(agent) if b.label == "human")

    def told(self, call: int) -> str:
        """What the model was told last by tools, when it was called the n-th time, from 0."""
        return next(row.text for row in self.llm.shown[call].messages[::-1] if row.role == "tool")


@asynccontextmanager
async def world(
    home: Path,
    script: Script | Sequence[Completion | Exception] = (),
    *,
    llm: ScriptedLLM | None = None,
    store: Callable[[Database], Store] = Store,
    settings: Mapping[str, object] | None = None,
    platform: str = "terminal",
    embedder: Embedder | None = None,
) -> AsyncIterator[World]:
    llm = llm or ScriptedLLM(script)
    chosen = {"home": home, "embedding": "off", "outage_seconds": 0.01, "timezone": "UTC"}
    async with opened(
        Settings.model_validate({**chosen, **(settings or {})}),
        llm=llm,
        store=store,
        embedder=embedder,
    ) as app:
        adapter = FakeAdapter(platform)
        running = asyncio.ensure_future(app.run([adapter]))
        try:
            yield World(app, adapter, llm)
        finally:
            adapter.end()
            await running


def in_turn(*answers: Completion | Exception) -> list[Completion | Exception]:
    """A script: what the model answers, one after the other."""
    return list(answers)


def says(text: str, *calls: ToolCall, thoughts: str = "") -> Completion:
    return Completion(text=text, calls=calls, thoughts=thoughts)


def calls(*wishes: ToolCall) -> Completion:
    return Completion(calls=wishes)
