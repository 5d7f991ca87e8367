"""`reverie run` with a platform: the bot at work, until it is told to stop."""

import sys

from bot.app import build_adapters, opened
from bot.cli.chat import stoppable
from bot.config import Settings


async def main(settings: Settings) -> int:
    """Serve every configured platform; the exit code. Raises UserError where one lets nobody in."""
    async with opened(settings) as app:
        adapters = build_adapters(settings, app.store)
        names = ", ".join(adapter.name for adapter in adapters)
        _say(f"{names}; {app.llm.name}; memory in {settings.home}; Ctrl-C ends")
        with stoppable(app):
            await app.run(adapters)
    _say("stopped; what is not answered yet is kept, and taken up the next time")
    return 0


def _say(text: str) -> None:
    print(f"reverie: {text}", file=sys.stderr, flush=True)
