"""A message that calls the bot comes twice, and only one of the two has its files."""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

REMEMBERED: Final = 1000  # messages
PATIENCE: Final = 0.5  # seconds; Slack sends both at the same time

Key = tuple[str, str]


class Twins:
    """Lets an `app_mention` wait for the `message` that it is the twin of.

    Where the bot may not read a room, there is none, and the mention has to do.
    """

    def __init__(self) -> None:
        self._came: deque[Key] = deque(maxlen=REMEMBERED)
        self._waiting: dict[Key, asyncio.Event] = {}

    async def complete(self, message: Mapping[str, Any]) -> None:
        """Returns when the message with everything has come, or will not."""
        key = (str(message["channel"]), str(message["ts"]))
        if message["type"] != "app_mention":
            self._came.append(key)
            self._waiting.setdefault(key, asyncio.Event()).set()
            self._waiting.pop(key)
        elif key not in self._came:
            event = self._waiting.setdefault(key, asyncio.Event())
            try:
                async with asyncio.timeout(PATIENCE):
                    await event.wait()
            except TimeoutError:
                self._waiting.pop(key, None)
