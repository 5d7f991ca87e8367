"""A life of the program within the test's own process, which ends where a crash is asked for."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from adapters.base import Post
from bot.app import App, opened
from bot.config import Settings
from bot.testing.fakes import Crash, CrashAt, DyingStore, FakeAdapter, ScriptedLLM

Talk = Callable[[App, FakeAdapter], Coroutine[Any, Any, None]]


async def settled(app: App) -> None:
    await app.worker.settled()
    for agent in await app.store.with_unsent():
        await app.outbox.drained(agent)


async def life(
    home: Path, crash: CrashAt, llm: ScriptedLLM, adapter: FakeAdapter, talk: Talk
) -> list[Post]:
    """Until there is nothing to say any more, or the process dies; what it sent."""
    settings = Settings(home=home, embedding="off", timezone="UTC")
    try:
        async with opened(settings, llm=llm, store=partial(DyingStore, crash=crash)) as app:
            running = asyncio.ensure_future(app.run([adapter]))
            talking = asyncio.ensure_future(talk(app, adapter))
            async with asyncio.timeout(20):
                await asyncio.wait([running, talking], return_when=asyncio.FIRST_COMPLETED)
                talking.cancel() if running.done() else adapter.end()
                results = await asyncio.gather(running, talking, return_exceptions=True)
            for result in results:
                if isinstance(result, BaseException):
                    raise result
    except* (Crash, asyncio.CancelledError):
        assert crash.dead
    return adapter.posts
