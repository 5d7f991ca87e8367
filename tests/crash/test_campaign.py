"""The short form of the campaign: the real program, killed for real."""

import importlib.util
import sys
from pathlib import Path


def test_nothing_is_lost_doubled_or_reordered(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location(
        "campaign", Path(__file__).with_name("campaign.py")
    )
    assert spec is not None
    assert spec.loader is not None
    campaign = importlib.util.module_from_spec(spec)
    sys.modules["campaign"] = campaign  # dataclasses look their module up
    spec.loader.exec_module(campaign)
    report = campaign.campaign(kills=8, messages=40, seed=7, folder=tmp_path)
    assert report.kills == 8
    assert report.rows > 100
    assert report.passed, report
