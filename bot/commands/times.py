"""Command lines that say when: digests, and the hours in which somebody is left alone."""

import re
from collections.abc import Callable, Mapping
from typing import Final, Literal

from bot.commands.types import Command, Learned, SetDigest, SetQuiet
from bot.errors import UserError
from bot.hours import hours_of, zone_named

_EVERY: Final[Mapping[str, Literal["daily", "weekly", "off"]]] = {
    "daily": "daily", "每天": "daily", "每日": "daily",
    "weekly": "weekly", "每周": "weekly",
    "off": "off", "关": "off", "关闭": "off",
}  # fmt: skip
_ZONE: Final = re.compile(r"([^A-Za-z]*)(.*)", re.DOTALL)  # behind the hours
_BETWEEN: Final = re.compile(r"#?(\d{1,15})\s*-\s*#?(\d{1,15})")


def _digest(rest: str) -> Command:
    if rest and rest.lower() not in _EVERY:
        raise UserError("A digest comes daily, weekly, or is off. Example: /memory digest weekly")
    return SetDigest(every=_EVERY.get(rest.lower()))


def _learned(rest: str) -> Command:
    between = _BETWEEN.fullmatch(rest)
    if rest and between is None:
        raise UserError("Learned since when? Type just: /memory learned")
    return Learned(between=(int(between[1]), int(between[2])) if between else None)


def _quiet(rest: str) -> Command:
    if _EVERY.get(rest.lower()) == "off":
        return SetQuiet(hours="off")
    given = _ZONE.fullmatch(rest)
    assert given is not None, "anything fits"
    hours, zone = given[1].strip(), given[2]
    try:
        if hours:
            hours_of(hours)
        if zone:
            zone_named(zone)
    except ValueError as error:
        raise UserError(
            f"{error}. Quiet hours are set like this: /memory quiet 22:00-07:00 Asia/Shanghai. To"
            " have none: /memory quiet off"
        ) from error
    return SetQuiet(hours=hours, zone=zone)


TIMES: Final[Mapping[str, Callable[[str], Command]]] = {
    "digest": _digest,
    "learned": _learned,
    "quiet": _quiet,
}
