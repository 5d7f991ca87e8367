"""The whole corpus of attacks.py; and each guard taken away: then attacks succeed."""

import pytest

from tests.trust.attacks import BREAKS, KINDS, PINGS, broken, campaign
from tests.trust.hostile import LANGUAGES
from tests.trust.schemes import SCENES


async def test_no_attack_succeeds() -> None:
    report = await campaign()
    assert report.gains == []
    assert set(report.tried) == {*KINDS, PINGS}
    assert min(report.tried.values()) >= 16
    assert report.tried.total() >= 350


@pytest.mark.parametrize("name", BREAKS)
async def test_attacks_succeed_where_a_guard_is_off(name: str) -> None:
    with broken(name):
        report = await campaign(BREAKS[name].kinds, LANGUAGES[:1])
    assert {kind for kind, _ in report.gains} == set(BREAKS[name].kinds)
    if name == "taint":
        gains = [gain for _, gain in report.gains]
        assert [way for way in SCENES if not any(f": {way}, " in gain for gain in gains)] == []
