"""The house keeps its measure: files one can hold, functions that fit a screen, honest keys."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from memory.schema import MIGRATIONS

ROOT = Path(__file__).parents[2]
FILE_LINES, FUNCTION_LINES = 400, 60
SOURCES = sorted(
    path
    for folder in ("adapters", "bot", "memory", "tests", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
)


def test_there_is_something_to_measure() -> None:
    assert len(SOURCES) > 30


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_sizes(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= FILE_LINES
    long = [name for name, lines in functions(ast.parse(text)) if lines > FUNCTION_LINES]
    assert long == []


def functions(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def test_every_key_starts_with_agent_id() -> None:
    sql = "\n".join(MIGRATIONS)
    keys = re.findall(
        r"PRIMARY KEY\((\w+)|(\w+) TEXT NOT NULL PRIMARY KEY|UNIQUE INDEX \w+ ON \w+\((\w+)", sql
    )
    assert len(keys) >= 18
    assert {name for match in keys for name in match if name} == {"agent_id"}
