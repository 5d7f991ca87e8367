"""English time words: what each looks like, and what range it means."""

import re

from memory.search.ranges import (
    HALF,
    SATURDAY,
    Asked,
    Range,
    Rule,
    ago,
    back,
    calendar,
    dates,
    days,
    latest,
    months,
    on,
)

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
_BACK = {"day before yesterday": 2, "yesterday": 1, "last": 1}
_ONE_TO_TWELVE = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_NUMBERS = {word: number for number, word in enumerate(_ONE_TO_TWELVE.split("|"), 1)}
_FUZZY = {"couple": (1, 3), "few": (2, 7), "several": (2, 7)}
_VERBS = ("may", "march")  # written so, they need more than a number to be months
_LEADS = ("in", "during", "since", "before", "after", "until", "till", "to", "early", "mid", "late")


def _count(word: str, unit: str) -> tuple[int, int, str]:
    """At least and at most how many of a unit words mean."""
    word, short = word.lower(), unit[0].lower()
    if word.startswith("half"):
        return HALF.get(short, (0, 1, short))
    for key, (least, most) in _FUZZY.items():
        if key in word:
            return least, most, short
    count = int(word) if word.isdecimal() else _NUMBERS.get(word, 1)
    return count, count, short


def _ago(found: re.Match[str], asked: Asked) -> Range:
    return ago(asked.now, *_count(found[1], found[2]))


def _past(found: re.Match[str], asked: Asked) -> Range:
    _, most, unit = _count(found[1] or "a", found[2])
    return back(asked.now, most, unit), asked.now


def _day(found: re.Match[str], asked: Asked) -> Range:
    return days(asked.now, _BACK.get(found[0].lower(), 0))


def _other_day(found: re.Match[str], asked: Asked) -> Range:
    return days(asked.now, 7, 7)


def _recently(found: re.Match[str], asked: Asked) -> Range:
    return back(asked.now, 14, "d"), asked.now


def _nothing(found: re.Match[str], asked: Asked) -> None:
    """Next Monday, every May."""


def _unit(found: re.Match[str], asked: Asked) -> Range:
    """Last week, this year, the month before last."""
    before = 2 if found[3] else int(found[1].lower() != "this")
    return calendar(asked.now, (found[2] or found[3]).lower(), before)


def _weekend(found: re.Match[str], asked: Asked) -> Range:
    """The last one that began; "last" is never the one of this week."""
    today = asked.now.weekday()
    this = today >= SATURDAY and found[1].lower() != "last"
    return days(asked.now, today - SATURDAY + 7 * (not this), 2)


def _weekday(found: re.Match[str], asked: Asked) -> Range | None:
    """On Monday, last Monday: the one before today. This Monday, Monday last week: that week's."""
    which, name, week = found[1], found[2], found[3]
    day = _WEEKDAYS.index(name[:3].lower())
    if week or (which and which.lower() == "this"):
        before = int((week or "this").lower() == "last")
        return days(asked.now, asked.now.weekday() - day + 7 * before)
    if not (which or asked.lead == "on" or _led(found, asked) or _ENDS.match(*_rest(found))):
        return None
    return days(asked.latest, (asked.latest.weekday() - day - 1) % 7 + 1)


def _season(found: re.Match[str], asked: Asked) -> Range | None:
    month = _SEASONS[found[2].lower()]
    if found[3]:
        return months(int(found[3]), month, 3)
    if not (found[1] or _led(found, asked)):
        return None
    return latest(month, 3, asked, (found[1] or "").lower())


def _month(found: re.Match[str], asked: Asked) -> Range | None:
    """In May, last May, May 2023. April may be a person, and to march is a verb."""
    which, name, year = found[1], found[2], found[3]
    if year:
        return months(int(year), _month_of(name))
    if (which and name in _VERBS) or not (which or _led(found, asked)):
        return None
    return latest(_month_of(name), 1, asked, (which or "").lower())


def _month_day(found: re.Match[str], asked: Asked) -> Range | None:
    """May 5, May 5th-7th, 2023."""
    name, first, ordinal, last, year = found.groups()
    return _dated(found, asked, name, ordinal, (int(first), int(last or 0), year))


def _day_month(found: re.Match[str], asked: Asked) -> Range | None:
    """5 May, the 5th of May 2023."""
    first, ordinal, name, year = found.groups()
    return _dated(found, asked, name, ordinal, (int(first), 0, year))


def _dated(
    found: re.Match[str],
    asked: Asked,
    name: str,
    ordinal: str | None,
    numbers: tuple[int, int, str | None],
) -> Range | None:
    first, last, year = numbers
    sure = asked.lead or ordinal or year or _ENDS.match(*_rest(found))
    if name in _VERBS and not sure:
        return None  # "you may 5 times", "march 5 miles"
    return on(asked, int(year) if year else None, _month_of(name), first, last)


def _year(found: re.Match[str], asked: Asked) -> Range | None:
    return months(int(found[1]), 1, 12) if _led(found, asked) else None


def _iso(found: re.Match[str], asked: Asked) -> Range:
    year, month, day = int(found[1]), int(found[2] or found[3]), found[4]
    return dates(year, month, int(day)) if day else months(year, month)


def _month_of(name: str) -> int:
    return "janfebmaraprmayjunjulaugsepoctnovdec".index(name[:3].lower()) // 3 + 1


def _led(found: re.Match[str], asked: Asked) -> bool:
    """Whether a preposition makes a time of a word that is none by itself."""
    if asked.lead in ("from", "between"):
        return JOINT.match(*_rest(found)) is not None
    return asked.lead in _LEADS


def _rest(found: re.Match[str]) -> tuple[str, int]:
    return found.string, found.end()


_SPACE = r"\s{1,3}"
_NAME = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_WEEKDAY = r"((?:mon|tues|wednes|thurs|fri|satur|sun)day)\b"
_SEASON = r"(spring|summer|autumn|fall|winter)\b"
_NUMBER = (
    r"(half an?|(?:a\s)?couple(?:\sof)?|(?:a\s)?few|several|an?"
    rf"|{_ONE_TO_TWELVE}|\d{{1,4}}){_SPACE}"
)
_UNIT = r"(hour|day|week|month|year)s?\b"
_ORDINAL = r"(\d\d?)(st|nd|rd|th)?"
_OF_YEAR = rf"(?:,?{_SPACE}(?:of{_SPACE})?(\d{{4}})(?![\w%]))?"

ENGLISH: tuple[tuple[str, Rule], ...] = (  # of equals the first; each from the start of a word
    (rf"(?:next|every|each|coming){_SPACE}(?:{_WEEKDAY}|{_NAME}|{_SEASON})", _nothing),
    (r"(?<![\d.])(\d{4})(?:[-/](\d\d?)|\.(\d\d?)(?=\.\d))(?:[-/.](\d\d?))?(?![\d%])", _iso),
    (rf"{_NUMBER}{_UNIT}{_SPACE}ago\b", _ago),
    (rf"(?:last|past|previous){_SPACE}{_NUMBER}{_UNIT}", _past),
    (rf"past(){_SPACE}{_UNIT}", _past),
    (
        rf"(this|last|previous){_SPACE}(week|month|year)\b"
        rf"|(week|month|year){_SPACE}before{_SPACE}last\b",
        _unit,
    ),
    (rf"(this|last|past|the){_SPACE}weekend\b", _weekend),
    (
        rf"(?:(last|this|past){_SPACE})?{_WEEKDAY}"
        rf"(?:{_SPACE}(?:of{_SPACE})?(last|this){_SPACE}week\b)?",
        _weekday,
    ),
    (
        rf"{_NAME}{_SPACE}{_ORDINAL}(?:\s?(?:-|–|to)\s?(\d\d?)(?:st|nd|rd|th)?)?"
        rf"(?:,?{_SPACE}(\d{{4}}))?(?![\w:%]|\.\d)",
        _month_day,
    ),
    (rf"{_ORDINAL}{_SPACE}(?:of{_SPACE})?{_NAME}{_OF_YEAR}", _day_month),
    (rf"(?:(last|this){_SPACE})?{_NAME}{_OF_YEAR}", _month),
    (rf"(?:(last|this){_SPACE})?{_SEASON}{_OF_YEAR}", _season),
    (r"(?<![\w.,/-])(\d{4})(?![\w%]|[.,:/]\d)", _year),
    (
        r"day before yesterday\b|yesterday\b|today\b|to(?=night\b)"
        rf"|last(?={_SPACE}night\b)|this(?={_SPACE}(?:morning|afternoon|evening)\b)",
        _day,
    ),
    (r"the other day\b", _other_day),
    (r"recently\b|lately\b", _recently),
)

FLAGS = re.IGNORECASE | re.ASCII  # ASCII: a Chinese character ends an English word
LEAD = re.compile(
    rf"(?:\b(in|on|since|before|after|until|till|during|from|between){_SPACE})?(?:the{_SPACE})?"
    rf"(?:\b(early|late|mid|(?:beginning|start|middle|end){_SPACE}of)(?:-|{_SPACE}))?"
    rf"(?:the{_SPACE})?$",
    FLAGS,
)
JOINT = re.compile(r"\s{0,3}(?:(to|until|till|through|-|–|—|~|到|至)|and)\s{0,3}(?:the\s)?", FLAGS)
_ENDS = re.compile(
    rf"\s{{0,3}}(?:[?.!,;:)？。！，；]|$|(?:morning|afternoon|evening|night)\b|to{_SPACE})", FLAGS
)
