"""Hours and zones as people write them."""

from datetime import time

import pytest

from bot.config import Settings
from bot.errors import ConfigError
from bot.hours import hours_of, zone_named


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("22-7", (time(22), time(7))),
        ("22:30-07:05", (time(22, 30), time(7, 5))),
        (" 9 – 17 ", (time(9), time(17))),
        ("22：30至7", (time(22, 30), time(7))),
        ("0-23", (time(0), time(23))),
    ],
)
def test_hours(text: str, hours: tuple[time, time]) -> None:
    assert hours_of(text) == hours


@pytest.mark.parametrize("text", ["", "22", "24-7", "22-7-9", "7-7", "7:60-8", "-7", "晚上", "a-b"])
def test_what_are_no_hours(text: str) -> None:
    with pytest.raises(ValueError, match=f"'{text}' are no hours"):
        hours_of(text)


@pytest.mark.parametrize("name", ["", "Mars/Base", "../etc/passwd", "Asia", "/etc", "亚洲/上海"])
def test_what_is_no_zone(name: str) -> None:
    assert zone_named("Asia/Shanghai").key == "Asia/Shanghai"
    with pytest.raises(ValueError, match="no time zone"):
        zone_named(name)


def test_the_setting_is_checked_with_the_others() -> None:
    assert Settings.from_env({"REVERIE_HEARTBEAT_QUIET": "22:30-7"}).heartbeat_quiet == "22:30-7"
    with pytest.raises(ConfigError) as caught:
        Settings.from_env({"REVERIE_HEARTBEAT_QUIET": "at night", "REVERIE_TIMEZONE": "Mars"})
    told = str(caught.value)
    assert "'at night' are no hours of a day. Example: REVERIE_HEARTBEAT_QUIET=22-7" in told
    assert "REVERIE_TIMEZONE" in told
