"""Ranges of days and months around a moment: the arithmetic under the time words. Pure.

All moments are wall times without a zone: a day is a day where clocks change, too. What leaves
the calendar raises ValueError or OverflowError, as datetime does.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

Range = tuple[datetime, datetime]  # half-open
SATURDAY = 5  # of a week that begins with 0
HALF = {"y": (5, 7, "m"), "m": (13, 17, "d")}  # half a year or month: at least, at most, of what


class Asked(NamedTuple):
    """What a time word is seen from."""

    now: datetime
    latest: datetime  # a date without a year is the last one that began by then
    lead: str  # the preposition before the word, or "early", "mid", …


Rule = Callable[[re.Match[str], Asked], Range | None]


def days(day: datetime, back: int, count: int = 1) -> Range:
    """`count` days from the one that is `back` days before a day."""
    start = day.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=back)
    return start, start + timedelta(days=count)


def months(year: int, month: int, count: int = 1) -> Range:
    """`count` months from a month, which may be 0 or less, or more than 12."""
    first, last = (year * 12 + month - 1 + more for more in (0, count))
    start = datetime(first // 12, first % 12 + 1, 1)  # noqa: DTZ001
    return start, datetime(last // 12, last % 12 + 1, 1)  # noqa: DTZ001


def dates(year: int, month: int, first: int, last: int = 0) -> Range:
    """One day of a month, or those from the first to the last."""
    start = datetime(year, month, first)  # noqa: DTZ001
    end = datetime(year, month, max(last, first))  # noqa: DTZ001
    return start, end + timedelta(days=1)


def latest(month: int, count: int, asked: Asked, which: str = "") -> Range | None:
    """The last such months that began; "last": that ended; "this": not another year's."""
    meant = months(asked.latest.year - (month > asked.latest.month), month, count)
    if which == "last" and meant[1] > asked.now:
        return months(meant[0].year - 1, month, count)
    if which == "this" and asked.now - meant[1] > timedelta(days=183):
        return None
    return meant


def calendar(now: datetime, unit: str, back: int) -> Range:
    """A week, month or year of the calendar, so many before the current one."""
    if unit == "week":
        return days(now, now.weekday() + 7 * back, 7)
    if unit == "month":
        return months(now.year, now.month - back)
    return months(now.year - back, 1, 12)


def on(asked: Asked, year: int | None, month: int, first: int, last: int) -> Range:
    """As `dates`; without a year the last time that they began."""
    meant = dates(year or asked.latest.year, month, first, last)
    late = not year and meant[0] > asked.latest
    return dates(meant[0].year - 1, month, first, last) if late else meant


def back(now: datetime, count: int, unit: str) -> datetime:
    """The moment, or the start of the day, that is so many units (h, d, w, m, y) before now."""
    if unit == "h":
        return now - timedelta(hours=count)
    if unit in "my":
        start, _ = months(now.year, now.month - count * (12 if unit == "y" else 1))
        return start + timedelta(days=min(now.day, 28) - 1)
    return days(now, count * (7 if unit == "w" else 1))[0]


def ago(now: datetime, least: int, most: int, unit: str) -> Range:
    """From `most` to `least` units ago, the wider the longer ago, since people round."""
    before, after = back(now, most, unit), back(now, least, unit)
    if unit == "h":
        return before - timedelta(hours=1), after + timedelta(hours=1)
    slack = timedelta(days={"d": least // 7, "w": 3, "m": 15, "y": 183}[unit])
    return before - slack, after + slack + timedelta(days=1)
