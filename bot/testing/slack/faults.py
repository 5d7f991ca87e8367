"""Slack on a bad day: refusals and accidents on demand, and rate limits as they are published."""

import math
import time
from dataclasses import dataclass, replace

from bot.testing.slack.wire import Json

PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}  # docs.slack.dev/apis/web-api/rate-limits
ERRORS = {429: "ratelimited", 500: "internal_error", 503: "service_unavailable"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong with the next `times` calls of a method; "*" is any; -1: with all of them."""

    method: str
    status: int = 200
    error: str = ""
    retry_after: int | None = None  # seconds
    hang: bool = False  # no answer, ever
    drop: bool = False  # the connection is cut
    applied: bool = False  # Slack does it, and only the answer goes wrong
    times: int = 1

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}

    @property
    def body(self) -> Json:
        return {"ok": False, "error": self.error or ERRORS.get(self.status, "fatal_error")}


class Faults:
    """The faults that are still to come, in order."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def next(self, method: str) -> Fault | None:
        for place, fault in enumerate(self.waiting):
            if fault.method in (method, "*"):
                if fault.times == 1:
                    del self.waiting[place]
                elif fault.times > 1:
                    self.waiting[place] = replace(fault, times=fault.times - 1)
                return fault
        return None


class Limits:
    """Token buckets: by tier for each method, and one post a second for each channel.

    Real Slack lets short bursts through; this one does not, so that a bot has to cope.
    """

    def __init__(self) -> None:
        self.on = False
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}  # tokens, as of when

    def check(self, method: str, tier: int, channel: str) -> int:
        """Seconds to wait, for Retry-After; 0 where the call may pass."""
        if not self.on:
            return 0
        if method in ("chat.postMessage", "files.completeUploadExternal"):
            return self._take(("post", channel), 1.0, 1.0)
        if tier not in PER_MINUTE:
            return 0
        most = float(PER_MINUTE[tier])
        return self._take((method, ""), most, most / 60)

    def _take(self, key: tuple[str, str], most: float, rate: float) -> int:
        now = time.monotonic()
        tokens, then = self._buckets.get(key, (most, now))
        tokens = min(most, tokens + (now - then) * rate)
        if tokens < 1:
            self._buckets[key] = (tokens, now)
            return max(1, math.ceil((1 - tokens) / rate))
        self._buckets[key] = (tokens - 1, now)
        return 0
