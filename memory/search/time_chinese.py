"""Chinese time words: what each looks like, and what range it means."""

import re
from datetime import datetime, timedelta

from memory.search.ranges import (
    HALF,
    SATURDAY,
    Asked,
    Range,
    Rule,
    ago,
    back,
    calendar,
    days,
    latest,
    months,
    on,
)

_WEEKDAYS = "一二三四五六日"
_SEASONS = {"春": 3, "夏": 6, "秋": 9, "冬": 12}
_DAYS_BACK = {"今": 0, "昨": 1, "前": 2, "大": 3}
_YEARS_BACK = {"今": 0, "本": 0, "去": 1, "前": 2, "大前": 3}
_DIGITS = {digit: number for number, digit in enumerate("零一二三四五六七八九")}
_DIGITS |= {"〇": 0, "两": 2}
_UNITS = {"h": "小时钟头", "d": "天日", "w": "周星期礼拜", "m": "月", "y": "年"}


def _count(word: str, unit: str) -> tuple[int, int, str]:
    """At least and at most how many of a unit words mean."""
    short = next(key for key, names in _UNITS.items() if unit.lstrip("个") in names)
    if word == "半":
        return HALF.get(short, (0, 1, short))
    if word == "几":
        return 2, 7, short
    if len(word) == 2 and word[0] in _DIGITS and word[1] in _DIGITS:  # 两三天
        return _DIGITS[word[0]], _DIGITS[word[1]], short
    return _number(word), _number(word), short


def _ago(found: re.Match[str], asked: Asked) -> Range:
    return ago(asked.now, *_count(found[1], found[2]))


def _past(found: re.Match[str], asked: Asked) -> Range:
    _, most, unit = _count(found[1], found[2])
    return back(asked.now, most, unit), asked.now


def _day(found: re.Match[str], asked: Asked) -> Range:
    return days(asked.now, _DAYS_BACK[found[0][0]])


def _other_day(found: re.Match[str], asked: Asked) -> Range:
    return days(asked.now, 7, 7)


def _a_while_ago(found: re.Match[str], asked: Asked) -> Range:
    return days(asked.now, 60, 55)


def _recently(found: re.Match[str], asked: Asked) -> Range | None:
    if {"离", "距"} & set(found.string[max(0, found.start() - 10) : found.start()]):
        return None  # 离我家最近: the nearest
    return back(asked.now, 14, "d"), asked.now


def _nothing(found: re.Match[str], asked: Asked) -> None:
    """下周五, 每周三."""


def _week(found: re.Match[str], asked: Asked) -> Range:
    """上周, 上上周五, 这周末, 周三."""
    which, day = found[1], found[2] or found[3]
    if not which:
        number = _WEEKDAYS.index(day.replace("天", "日"))
        return days(asked.latest, (asked.latest.weekday() - number - 1) % 7 + 1)
    monday, end = calendar(asked.now, "week", which.count("上"))
    if not day:
        return monday, end
    if day == "末":
        return monday + timedelta(days=SATURDAY), end
    return days(monday, -_WEEKDAYS.index(day.replace("天", "日")))


def _month(found: re.Match[str], asked: Asked) -> Range:
    """上个月, 本月3号."""
    month, end = calendar(asked.now, "month", found[1].count("上"))
    return days(month, 1 - _number(found[2])) if found[2] else (month, end)


def _date(found: re.Match[str], asked: Asked) -> Range | None:
    """5月, 去年5月, 2023年5月3号, 5月3日到7日."""
    word, month, first, last, only = found.groups()
    year = _year_of(word, asked.now) if word else None
    number = _number(month)
    if first or only:
        return on(asked, year, number, _number(first or only), _number(last) if last else 0)
    return months(year, number) if year else latest(number, 1, asked)


def _year(found: re.Match[str], asked: Asked) -> Range:
    """2023年, 去年夏天, 今年上半年."""
    year, season, half = _year_of(found[1], asked.now), found[2], found[3]
    if season:
        return months(year, _SEASONS[season], 3)
    return months(year, 7 if half == "下" else 1, 6 if half else 12)


def _year_of(word: str, now: datetime) -> int:
    if word in _YEARS_BACK:
        return now.year - _YEARS_BACK[word]
    year = _number(word)
    return year if year > 99 else 2000 + year


def _number(digits: str) -> int:
    """12, 十二 or 二〇二三 as a number."""
    if digits.isdecimal():
        return int(digits)
    if "十" in digits:
        tens, ones = digits.split("十")
        return 10 * (_number(tens) if tens else 1) + (_number(ones) if ones else 0)
    return int("".join(str(_DIGITS[digit]) for digit in digits))


_NUMBER = (
    r"(?<![\d一二两三四五六七八九十几百千万])(\d{1,3}|[一二两三四五六七八九]?十[一二三四五六七八九]?"
    r"|[一二两三四五六七八九]{1,2}|[几半])多?"
)
_UNIT = r"(个?小时|个?钟头|天|日|周|个?星期|个?礼拜|个月|年)"
_WEEK = r"一?个?(?:周|星期|礼拜)"
_WEEKDAY = r"[一二三四五六日天](?![个次位名条件直起共定样切点些般本语程常记]|天(?!气))"
_MONTH = r"(1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])月(?!天(?!气))"  # 五月天 is a band
_DATE = r"([12]\d|3[01]|0?[1-9]|[二三]?十[一二三四五六七八九]?|[一二三四五六七八九])"
_YEAR = r"(?<![\d以])(\d{4}|[〇零一二三四五六七八九]{4}|大前|[去今前]|(?<!日)本)年"
_YEAR_MAYBE = _YEAR.replace(r"\d{4}|", r"\d{4}|\d\d|", 1)  # 23年5月

CHINESE: tuple[tuple[str, Rule], ...] = (  # of equals the first
    (
        rf"每个?(?:周|星期|礼拜){_WEEKDAY}|每年{_MONTH}"
        rf"|下{{1,3}}{_WEEK}(?:{_WEEKDAY})?|[明后]年{_MONTH}",
        _nothing,
    ),
    (rf"{_NUMBER}{_UNIT}[之以]?前(?!后)", _ago),
    (rf"(?:最近|过去|(?<!附)近|这(?=[两几三半]))的?{_NUMBER}{_UNIT}(?![前后])", _past),
    (
        rf"(上{{1,3}}|这|(?<!日)本){_WEEK}({_WEEKDAY}|末)?"
        rf"|(?<![\d一二两三四五六七八九十几半每整])(?:周|星期|礼拜)({_WEEKDAY})",
        _week,
    ),
    (rf"(上{{1,3}}|这|(?<!日)本)(?:一?个?)月(?:份)?(?:的?{_DATE}[日号])?", _month),
    (
        rf"(?:{_YEAR_MAYBE}的?)?(?<![\d.一二三四五六七八九十第]){_MONTH}份?"
        rf"(?:{_DATE}[日号]?[到至~-]{_DATE}[日号]|{_DATE}[日号])?",
        _date,
    ),
    (rf"{_YEAR}(?![级代前])(?:的?([春夏秋冬])[天季]|的?([上下])半年)?", _year),
    (
        r"大前天|(?<![以之从目])前天|前(?=晚(?![会餐饭]))|昨[天日]|昨(?=[早晚夜])"
        r"|今[天日]|今(?=[早晨晚夜])",
        _day,
    ),
    (r"前[几些两]天", _other_day),
    (r"前一?阵子?|前段时间|前些日子", _a_while_ago),
    (r"最近(?!的|一[次位个家])|近来|近期|近日", _recently),
)
