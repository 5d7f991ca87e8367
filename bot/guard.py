"""Ends loops in rooms: a program that says the same again and again, or says after us."""

import logging
import time
from collections import deque
from collections.abc import Callable

from adapters.base import Event

log = logging.getLogger(__name__)

REPEATS = 5  # of one text by one user in a room, within WITHIN; the next is let go unanswered
WITHIN = 60.0  # seconds
REMEMBERED = 50  # messages of a room, and of ours
ROOMS = 1000


class Guard:
    """Counts. It keeps no text: only hashes of this process, of the last moments."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rooms: dict[str, deque[tuple[float, int, str]]] = {}
        self.stopped = 0  # messages that were let go

    def said(self, room: str, text: str) -> None:
        """We said this, so hearing it again is suspicious."""
        self._remember(room, hash(text.strip()), "")

    def passes(self, event: Event) -> bool:
        """Whether a message is to be taken; False once it is one too many of the same."""
        if event.room_kind == "dm":
            return True  # platforms keep programs out of direct messages
        now, words = self._clock(), event.text.strip()
        known = [row for row in self._rooms.get(event.address.room, ()) if now - row[0] < WITHIN]
        if any(event.id == id_ for _, _, id_ in known):
            return True  # delivered again
        recent = [key for _, key, _ in known]
        same = hash((event.user, words))
        after_us = hash((event.user, ""))
        echoed = bool(words) and hash(words) in recent
        mine = same if not echoed else after_us
        if recent.count(mine) >= REPEATS:
            self.stopped += 1
            note = {"action": "loop_stopped", "room": event.address.room}
            log.warning("a loop: somebody says the same again and again", extra=note)
            return False
        self._remember(event.address.room, mine, event.id)
        return True

    def _remember(self, room: str, key: int, id_: str) -> None:
        if room not in self._rooms and len(self._rooms) >= ROOMS:
            del self._rooms[next(iter(self._rooms))]
        self._rooms.setdefault(room, deque(maxlen=REMEMBERED)).append((self._clock(), key, id_))
