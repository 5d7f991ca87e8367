"""docs/embedding-the-bot.md is true: its programs run, and print what it says."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.scenario.conftest import ROOT

PAGE = (ROOT / "docs" / "embedding-the-bot.md").read_text(encoding="utf-8")
HEARING = re.search(r"```python file=echo\.py\n(.*?)```", PAGE, re.DOTALL)
PROGRAMS = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)
DATE = re.compile(r"\d{4}-\d\d-\d\d")


def test_the_page_has_its_programs() -> None:
    assert HEARING is not None
    assert len(PROGRAMS) == 3


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> None:
    assert HEARING is not None
    module = ModuleType("echo")
    exec(compile(HEARING[1], "echo.py", "exec"), module.__dict__)
    monkeypatch.setitem(sys.modules, "echo", module)


@pytest.mark.usefixtures("echo")
@pytest.mark.parametrize(("program", "printed"), PROGRAMS, ids=["slack", "discord", "bot"])
async def test_a_program_prints_what_the_page_says(
    program: str, printed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, object] = {"__name__": "program"}
    exec(compile(program, "program.py", "exec"), names)
    main = names["main"]
    assert callable(main)
    await main()
    assert DATE.sub("DATE", capsys.readouterr().out) == DATE.sub("DATE", printed)
