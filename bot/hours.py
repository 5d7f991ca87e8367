"""Quiet hours and time zones, as people and settings write them. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime, time, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

_TIME: Final = r"([01]?\d|2[0-3])(?:[:：]([0-5]\d))?"
_HOURS: Final = re.compile(rf"{_TIME}\s*[-–—~～至到]\s*{_TIME}")


def hours_of(text: str) -> tuple[time, time]:
    """22-7 or 22:30-07:00: from when, until when. Raises ValueError, the words of a
    sentence."""
    found = _HOURS.fullmatch(text.strip())
    if found is not None:
        first, last = (time(int(found[n]), int(found[n + 1] or 0)) for n in (1, 3))
        if first != last:
            return first, last
    raise ValueError(f"'{text}' are no hours of a day")


def zone_named(name: str) -> ZoneInfo:
    """Raises ValueError, the words of a sentence."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"There is no time zone '{name}'") from error


def zone_for(settings: Mapping[str, Any], zone: tzinfo) -> tzinfo:
    """The zone that an agent's person chose; else `zone`. What an import brought may be wrong."""
    try:
        return zone_named(str(settings["timezone"]))
    except (KeyError, ValueError):
        return zone


def quiet(settings: Mapping[str, Any], hours: str | None, zone: tzinfo, at: datetime) -> bool:
    """Whether it is an agent's quiet time: by its own settings, else by these."""
    try:
        first, last = hours_of(str(settings.get("quiet", hours) or ""))
    except ValueError:  # there are none
        return False
    here = at.astimezone(zone_for(settings, zone)).time()
    return first <= here < last if first < last else here >= first or here < last
