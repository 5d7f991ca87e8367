"""Time words of a question ("last week", "上周", "in May 2023") as the range of time they mean.

A table of our own: the libraries for this see a date in nearly anything, take milliseconds for
it, and give a moment where a search wants a range.

What the words mean, seen from `now` in its zone. Ranges are half-open, and only what has begun is
meant: "in May" is the last May that has begun, "on Monday" the last Monday before today. What
begins in the future ("next week", "下周") or comes again and again ("every Monday", "每周三") is
no range.

    week                 Monday to Sunday; weekend: its Saturday and Sunday
    morning              4 to 12 h; noon 11 to 14; afternoon 12 to 18; 凌晨 0 to 6
    evening, night       17 h to 5 h of the next day: "last night" ends today
    spring … winter      three months from March, June, September, December (the northern ones)
    early, mid, late     a third of a month, a season or a year
    3 days ago           that day, and for each full week a day more on both sides
    2 hours ago          an hour more on both sides
    2 weeks ago          half a unit more on both sides; the same with months and years
    a couple of, a few   1 to 3 units; several, 几: 1 to 7; half a year: 5 to 7 months
    past 3 weeks, 近三周  from the day that many units ago until now
    recently, 最近        the past 14 days; the other day, 前几天: the 7 before today
    前阵子, 前段时间        60 to 5 days ago
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from memory.search.ranges import Asked, Range
from memory.search.time_chinese import CHINESE
from memory.search.time_english import ENGLISH, FLAGS, JOINT, LEAD

LONGEST = 10_000  # characters of a question that are read
EARLIEST = datetime(1970, 1, 1)  # noqa: DTZ001 -- wall time, as all here; nothing kept is older

# Full width to half, and the characters of time words that are written otherwise in Taiwan.
_WIDTHS = str.maketrans(
    "０１２３４５６７８９，．－／～’＇　週個禮兩後這號點鐘時間內來過從",
    "0123456789,.-/~'' 周个礼两后这号点钟时间内来过从",
)
# All patterns in one: each is a group of it, and by itself gives its own groups. Every one is
# bounded, so that no text is read on and on from more than one place.
_PATTERNS = (*CHINESE, *ENGLISH)
_TABLE = tuple((re.compile(pattern, FLAGS), rule) for pattern, rule in _PATTERNS)
_GROUPS = [f"(?P<_{number}>{pattern})" for number, (pattern, _) in enumerate(_PATTERNS)]
_ANY = re.compile(
    rf"(?=[\d\u3007\u4e00-\u9fff])(?:{'|'.join(_GROUPS[: len(CHINESE)])})"
    rf"|\b(?:{'|'.join(_GROUPS[len(CHINESE) :])})",
    FLAGS,
)
_DAY = (  # hours, and the marks of their words; "noon" stands in "afternoon"
    ((0, 6), ("凌",)),
    ((4, 12), ("morning", "早", "晨", "上午")),
    ((12, 18), ("afternoon", "下午")),
    ((11, 14), ("noon", "中午")),
    ((17, 29), ("evening", "night", "傍", "晚", "夜")),
)
_HOURS = re.compile(
    r"(?:'s)?\s{0,3}的?((?:morning|noon|afternoon|evening|night)\b|早上|早晨|清晨|上午|中午|下午|傍晚"
    r"|晚上|夜里|夜晚|凌晨|(?<=[昨今前])[早晨晚夜])上?",
    FLAGS,
)
_THIRDS = (
    ("early", "beginning", "start", "初", "上"),
    ("mid", "中"),
    ("late", "end", "底", "末", "下"),
)
_PART = re.compile(r"[年月]?(初(?![中级二三一次步恋])|上旬|中旬|下旬|底|末)")
_SIDE = re.compile(r"以来|至今|[之以][后前]")
_SIDES = {"来": "since", "今": "since", "后": "after", "前": "before"}  # by the last character


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A range of time that a question names: aware, `start` <= now, `start` < `end`."""

    start: datetime
    end: datetime
    text: str  # the words that name it, as they stand in the question


def span(question: str, now: datetime) -> Span | None:
    """The first range of time that a question names; None where it names none. Never raises.

    now: aware. Its zone says where days begin, and is the zone of the answer.
    """
    text = question[:LONGEST].translate(_WIDTHS)  # as long as before: places stay
    wall = now.replace(tzinfo=None)
    for found in _ANY.finditer(text):
        with suppress(ValueError, OverflowError):  # a 31st of February, a year 0, 9999 years ago
            named = _named(text, found, wall)
            if named is None:
                continue
            start, end = named[0]
            if EARLIEST <= start <= wall and start < end:
                zone = now.tzinfo
                return Span(
                    start=start.replace(tzinfo=zone),
                    end=end.replace(tzinfo=zone),
                    text=question[named[1] : named[2]],
                )
    return None


def _named(text: str, found: re.Match[str], now: datetime) -> tuple[Range, int, int] | None:
    """A range, of one date or from one to another, and from where to where it stands."""
    lead = LEAD.search(text, max(0, found.start() - 40), found.start())
    assert lead  # it may be empty
    side, part = (lead[1] or "").lower(), (lead[2] or "").lower()
    asked = Asked(now, now, side or part)
    one = _single(text, found, asked, part)
    if one is None:
        return None
    first, last = one
    joint = JOINT.match(text, last)
    second = _ANY.match(text, joint.end()) if joint and (joint[1] or side == "between") else None
    if second and (two := _single(text, second, Asked(now, now, "to"), "")):
        # The year of one goes for the other.
        again, _ = _single(text, found, asked._replace(latest=two[0][0]), part) or one
        if again == first:
            upto = min(now, first[0] + timedelta(days=364))
            two = _single(text, second, Asked(now, upto, "to"), "") or two
        whole = (min(again[0], two[0][0]), max(again[1], two[0][1]))
        return whole, lead.start(), two[1]
    after = _SIDE.match(text, last)
    if after:
        side, last = _SIDES[after[0][-1]], after.end()
    return _beside(first, side, now), lead.start(), last


def _single(text: str, found: re.Match[str], asked: Asked, part: str) -> tuple[Range, int] | None:
    """The range of one date, and where its words end."""
    pattern, rule = _TABLE[int((found.lastgroup or "_0")[1:])]
    words = pattern.match(text, found.start())
    meant = rule(words, asked) if words else None
    if words is None or meant is None:
        return None
    start, end = meant
    last = words.end()
    if end - start == timedelta(days=1):
        if hours := _HOURS.match(text, last):
            word = hours[1].lower()
            since, until = next(at for at, marks in _DAY if any(mark in word for mark in marks))
            return (start + timedelta(hours=since), start + timedelta(hours=until)), hours.end()
    elif end - start > timedelta(days=27):
        length = (end - start).days
        if tail := _PART.match(text, last):
            part, last = tail[1], tail.end()
        number = next((n for n, keys in enumerate(_THIRDS) if part.startswith(keys)), None)
        if part and number is not None:
            first, past = (timedelta(days=length * n // 3) for n in (number, number + 1))
            return (start + first, start + past), last
    return meant, last


def _beside(meant: Range, side: str, now: datetime) -> Range:
    """What is since, after, before or until a range."""
    start, end = meant
    if side in ("since", "after"):
        return (start if side == "since" else end), now
    if side in ("before", "until", "till"):
        return EARLIEST, (start if side == "before" else end)
    return meant
