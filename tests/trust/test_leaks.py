"""A small run of leaks.py, and each guard of the rule taken away: then it must leak."""

import pytest

from tests.trust.breaks import BREAKS, broken
from tests.trust.leaks import LAWFUL, campaign
from tests.trust.worlds import marked, marks_in


async def test_nothing_leaks_and_what_is_lawful_is_seen() -> None:
    report = await campaign(60, 4)
    assert [str(leak) for leak in report.leaks] == []
    assert {why for why in LAWFUL if report.seen[why] >= 10} == set(LAWFUL)
    assert report.reads > 2000


@pytest.mark.parametrize("place", BREAKS)
async def test_each_guard_is_missed_when_it_is_off(place: str) -> None:
    with broken(place):
        report = await campaign(100, 3, first=True)
    assert report.leaks
    assert not report.ok


def test_marks_are_told_from_each_other() -> None:
    numbers = [0, 1, 10, 11, 100, 1001, 1234]
    assert marks_in(" ".join(marked(n) for n in numbers)) == set(numbers)
    assert all(marks_in(marked(n)) == {n} for n in numbers)
