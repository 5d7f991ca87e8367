"""Rate limits: a bucket per route and place, one for everything, and the headers that tell them."""

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

# A request that the proxy in front of Discord answered itself lacks this header; client libraries
# take a 429 without it for a ban and do not try again.
PROXY = {"Via": "1.1 google"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many requests in so many seconds. bucket: routes that share it name the same."""

    count: int
    seconds: float
    bucket: str = ""


# Discord publishes none of these figures: they are what bots see. Read the headers.
DEFAULT = Limit(count=30, seconds=1.0)
REACTIONS = Limit(count=1, seconds=0.25, bucket="reactions")
LIMITS: Mapping[str, Limit] = {
    "POST /channels/{}/messages": Limit(count=5, seconds=5.0),
    "PATCH /channels/{}/messages/{}": Limit(count=5, seconds=5.0),
    "DELETE /channels/{}/messages/{}": Limit(count=5, seconds=1.0),
    "GET /channels/{}/messages": Limit(count=5, seconds=1.0),
    "POST /channels/{}/typing": Limit(count=5, seconds=5.0),
    "PUT /channels/{}/messages/{}/reactions/{}/@me": REACTIONS,
    "DELETE /channels/{}/messages/{}/reactions/{}/@me": REACTIONS,
    "POST /webhooks/{}/{}": Limit(count=5, seconds=2.0),
}
UNLIMITED = "POST /interactions/{}/{}/callback"


@dataclass(slots=True, kw_only=True)
class Window:
    ends: float
    used: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """headers: of the answer, whatever it is. wait: seconds, if it is a 429."""

    headers: Mapping[str, str]
    wait: float = 0.0
    everywhere: bool = False


class Limiter:
    """Counts requests. limits: by route, such as "POST /channels/{}/messages"."""

    def __init__(self, limits: Mapping[str, Limit], a_second: int) -> None:
        self.limits = {**LIMITS, **limits}
        self.a_second = a_second
        self._windows: dict[str, Window] = {}

    def take(self, route: str, place: str, now: float) -> Verdict:
        """Counts one. place: the channel, guild or webhook, each of which has its own bucket.

        Answers to interactions are not limited, and webhooks are outside the limit of all.
        """
        if route == UNLIMITED:
            return Verdict(headers={})
        if "/webhooks/" not in route:
            total = self._count("", Limit(count=self.a_second, seconds=1.0), now)
            if total.used > self.a_second:
                wait = total.ends - now
                headers = {"X-RateLimit-Global": "true", **refusal(wait, "global")}
                return Verdict(headers=headers, wait=wait, everywhere=True)
        limit = self.limits.get(route, DEFAULT)
        bucket = f"{zlib.crc32((limit.bucket or route).encode()):08x}"
        window = self._count(f"{bucket} {place}", limit, now)
        wait = window.ends - now
        headers = {
            "X-RateLimit-Limit": str(limit.count),
            "X-RateLimit-Remaining": str(max(0, limit.count - window.used)),
            "X-RateLimit-Reset": f"{window.ends:.3f}",
            "X-RateLimit-Reset-After": f"{wait:.3f}",
            "X-RateLimit-Bucket": bucket,
        }
        if window.used > limit.count:
            return Verdict(headers={**headers, **refusal(wait, "user")}, wait=wait)
        return Verdict(headers=headers)

    def _count(self, key: str, limit: Limit, now: float) -> Window:
        window = self._windows.get(key)
        if window is None or now >= window.ends:
            window = self._windows[key] = Window(ends=now + limit.seconds)
        window.used += 1
        return window


def refusal(wait: float, scope: str) -> dict[str, str]:
    """Headers of a 429. scope: user, global or shared."""
    return {**PROXY, "Retry-After": str(math.ceil(wait)), "X-RateLimit-Scope": scope}


def too_many(wait: float, *, everywhere: bool) -> dict[str, object]:
    """The body of a 429."""
    text = "You are being rate limited."
    return {"message": text, "retry_after": round(wait, 3), "global": everywhere}
