"""What every test stands on: an empty environment, a database of its own, a clock."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from memory.database.sqlite import SqliteDatabase
from memory.schema import MIGRATIONS
from memory.store import Store

KEPT = ("PATH", "PYTHONPATH", "PYTEST_CURRENT_TEST")


class Clock:
    """Time that passes only when it is told to: a second for each look."""

    def __init__(self) -> None:
        self.at = datetime(2026, 1, 31, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in set(os.environ) - set(KEPT):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    database = SqliteDatabase(tmp_path / "reverie.db")
    database.start(MIGRATIONS)
    yield database
    await database.close()


@pytest.fixture
def store(database: SqliteDatabase) -> Store:
    return Store(database)


@pytest.fixture
def clock() -> Clock:
    return Clock()
