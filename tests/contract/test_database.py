"""One writer commits in groups: pieces succeed or fail one by one, and what was told is kept."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from memory.database.sqlite import SqliteDatabase, schema_version
from memory.errors import NewerDatabase, NotFound, StorageFault
from memory.ports import Connection

NOBODY = 65534
STEPS = ("CREATE TABLE t(name TEXT NOT NULL PRIMARY KEY, more BLOB)",)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.db"


@pytest.fixture
async def small(path: Path) -> AsyncIterator[SqliteDatabase]:
    database = SqliteDatabase(path)
    database.start(STEPS)
    yield database
    await database.close()


def put(name: str, size: int = 0) -> Callable[[Connection], int]:
    return lambda conn: conn.execute(
        "INSERT INTO t VALUES(:name, zeroblob(:size))", name=name, size=size
    )


def names(conn: Connection) -> list[str]:
    return [row["name"] for row in conn.all("SELECT name FROM t ORDER BY name")]


def kept(path: Path) -> list[str]:
    """What another process would find in the file."""
    raw = sqlite3.connect(path)
    try:
        return [row[0] for row in raw.execute("SELECT name FROM t ORDER BY name")]
    finally:
        raw.close()


async def started_and_written(database: SqliteDatabase) -> None:
    database.start(STEPS)
    await database.write(put("a"))


class Gate:
    """Holds the writer inside a piece of work, so that others gather behind it."""

    def __init__(self) -> None:
        self.entered, self.open = threading.Event(), threading.Event()

    def __call__(self, conn: Connection) -> None:
        self.entered.set()
        assert self.open.wait(20)

    async def hold(self, database: SqliteDatabase) -> "asyncio.Task[None]":
        task = asyncio.ensure_future(database.write(self))
        await asyncio.to_thread(self.entered.wait, 20)
        return task


async def test_waiting_writers_share_a_commit(small: SqliteDatabase, path: Path) -> None:
    gate = Gate()
    held = await gate.hold(small)
    before = small.commits
    writers = [asyncio.ensure_future(small.write(put(f"{n:03}"))) for n in range(200)]
    await asyncio.sleep(0)
    gate.open.set()
    assert await asyncio.gather(held, *writers) == [None, *[1] * 200]
    assert small.commits - before == 2
    assert len(kept(path)) == 200


async def test_a_group_has_a_size(path: Path) -> None:
    database = SqliteDatabase(path, group=10)
    database.start(STEPS)
    gate = Gate()
    held = await gate.hold(database)
    writers = [asyncio.ensure_future(database.write(put(f"{n:03}"))) for n in range(25)]
    await asyncio.sleep(0)
    gate.open.set()
    await asyncio.gather(held, *writers)
    await database.close()
    assert database.commits == 1 + 3


async def test_a_failing_piece_does_not_harm_its_neighbours(
    small: SqliteDatabase, path: Path
) -> None:
    def half(conn: Connection) -> None:
        put("half")(conn)
        raise NotFound("no")

    gate = Gate()
    held = await gate.hold(small)
    jobs = [put("a"), half, put("a"), put("b")]
    writers = [asyncio.ensure_future(small.write(job)) for job in jobs]
    await asyncio.sleep(0)
    gate.open.set()
    await held
    results = await asyncio.gather(*writers, return_exceptions=True)
    assert [type(result) for result in results] == [int, NotFound, StorageFault, int]
    assert "UNIQUE" in str(results[2])
    assert kept(path) == ["a", "b"]


async def test_early_work_is_told_before_the_commit(small: SqliteDatabase, path: Path) -> None:
    gate = Gate()
    held = await gate.hold(small)
    last = Gate()
    early = asyncio.ensure_future(small.write(put("early"), early=True))
    late = asyncio.ensure_future(small.write(put("late")))
    end = asyncio.ensure_future(small.write(last))
    await asyncio.sleep(0)
    gate.open.set()
    assert await early == 1
    assert not late.done()
    assert await small.read(names) == []  # readers see only what is committed
    assert kept(path) == []
    last.open.set()
    await asyncio.gather(held, late, end)
    assert await small.read(names) == kept(path) == ["early", "late"]


async def test_later_work_sees_earlier_work_of_its_group(small: SqliteDatabase) -> None:
    gate = Gate()
    held = await gate.hold(small)
    first = asyncio.ensure_future(small.write(put("a"), early=True))
    second = asyncio.ensure_future(small.write(names))
    await asyncio.sleep(0)
    gate.open.set()
    await asyncio.gather(held, first)
    assert await second == ["a"]


async def test_close_finishes_what_was_asked_for(path: Path) -> None:
    database = SqliteDatabase(path)
    database.start(STEPS)
    gate = Gate()
    held = await gate.hold(database)
    writers = [asyncio.ensure_future(database.write(put(f"{n:02}"))) for n in range(50)]
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(database.close())
    await asyncio.sleep(0)
    gate.open.set()
    await asyncio.gather(held, closing, *writers)
    assert len(kept(path)) == 50


async def test_work_that_comes_after_close_is_refused_not_left_waiting(path: Path) -> None:
    database = SqliteDatabase(path)
    database.start(STEPS)
    gate = Gate()
    held = await gate.hold(database)
    closing = asyncio.ensure_future(database.close())
    await asyncio.sleep(0)
    late = asyncio.ensure_future(database.write(put("late")))
    with pytest.raises(StorageFault, match="closed"):
        await database.read(names)
    gate.open.set()
    await asyncio.gather(held, closing)
    async with asyncio.timeout(5):
        with pytest.raises(StorageFault, match="closed"):
            await late
    assert kept(path) == []


async def test_a_cancelled_waiter_does_not_break_the_writer(
    small: SqliteDatabase, path: Path
) -> None:
    gate = Gate()
    held = await gate.hold(small)
    given_up = [asyncio.ensure_future(small.write(put(f"{n}"))) for n in range(3)]
    await asyncio.sleep(0)
    for task in (held, *given_up):
        task.cancel()
    for task in (held, *given_up):
        with suppress(asyncio.CancelledError):
            await task
    gate.open.set()
    assert await small.write(put("next")) == 1
    assert kept(path) == ["0", "1", "2", "next"]  # what was asked for is done, waited for or not


def _limit(conn: Connection, pages: int) -> None:
    conn.one(f"PRAGMA max_page_count={pages}")


async def test_a_full_disk_keeps_nothing_of_the_work(small: SqliteDatabase, path: Path) -> None:
    def two(conn: Connection) -> None:
        put("first")(conn)
        put("big", 1_000_000)(conn)

    await small.write(put("before"))
    await small.write(lambda conn: _limit(conn, 20))
    with pytest.raises(StorageFault, match="full"):
        await small.write(two)
    assert kept(path) == await small.read(names) == ["before"]
    await small.write(lambda conn: _limit(conn, 100_000))
    await small.write(two)
    assert kept(path) == ["before", "big", "first"]


async def test_a_full_disk_in_a_group_is_told_truly(small: SqliteDatabase, path: Path) -> None:
    await small.write(lambda conn: _limit(conn, 20))
    gate = Gate()
    held = await gate.hold(small)
    jobs = [put("a"), put("big", 1_000_000), put("b")]
    writers = [asyncio.ensure_future(small.write(job)) for job in jobs]
    await asyncio.sleep(0)
    gate.open.set()
    await asyncio.gather(held, return_exceptions=True)
    results = await asyncio.gather(*writers, return_exceptions=True)
    assert isinstance(results[1], StorageFault)
    told = [name for name, result in zip("a?b", results, strict=True) if result == 1]
    assert kept(path) == told  # whoever was told that it is kept, it is; the others know
    assert await small.write(put("next")) == 1


async def test_a_database_that_refuses_to_write(path: Path) -> None:
    database = SqliteDatabase(path)
    database.start(STEPS)
    await database.write(lambda conn: conn.one("PRAGMA query_only=ON"))
    for _ in range(2):
        with pytest.raises(StorageFault, match=r"readonly.*home is writable"):
            await database.write(put("a"))
    assert await database.read(names) == []
    await database.close()
    assert kept(path) == []


async def test_a_reader_cannot_write(small: SqliteDatabase) -> None:
    with pytest.raises(StorageFault, match="readonly"):
        await small.read(put("a"))


async def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    database = SqliteDatabase(tmp_path / "file" / "reverie.db")
    with pytest.raises(StorageFault, match=r"cannot be opened.*REVERIE_HOME"):
        database.start(STEPS)
    await database.close()


@contextmanager
def ordinary_user() -> Iterator[Path]:
    """A folder of one's own, as a user whom file modes bind: root writes anyway."""
    with TemporaryDirectory() as name:
        if os.geteuid() != 0:
            yield Path(name)
            return
        os.chown(name, NOBODY, NOBODY)
        os.seteuid(NOBODY)
        try:
            yield Path(name)
        finally:
            os.seteuid(0)


@pytest.mark.parametrize("what", ["file", "folder"])
async def test_a_read_only_place(what: str) -> None:
    with ordinary_user() as folder:
        path = folder / "reverie.db"
        first = SqliteDatabase(path)
        first.start(STEPS)
        await first.close()
        locked = path if what == "file" else folder
        mode = locked.stat().st_mode
        locked.chmod(mode & 0o555)
        second = SqliteDatabase(path)
        try:
            with pytest.raises(StorageFault):
                await started_and_written(second)
        finally:
            locked.chmod(mode)
            await second.close()
        assert kept(path) == []


@pytest.mark.parametrize("read_only", [False, True])
async def test_a_newer_database_is_refused(path: Path, read_only: bool) -> None:
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA user_version=2")
    raw.close()
    database = SqliteDatabase(path, read_only=read_only)
    with pytest.raises(NewerDatabase, match=r"newer version of Reverie .*schema 2.*Update"):
        database.start(STEPS)
    await database.close()
    assert schema_version(path) == 2


@pytest.fixture
def diary(path: Path) -> bytes:
    data = b"Dear diary, " * 1000
    path.write_bytes(data)
    return data


async def test_a_file_that_is_no_database(path: Path, diary: bytes) -> None:
    database = SqliteDatabase(path)
    with pytest.raises(StorageFault, match="not a database"):
        database.start(STEPS)
    await database.close()
    assert await asyncio.to_thread(path.read_bytes) == diary


async def test_migrations_go_forward_one_by_one(path: Path) -> None:
    first = SqliteDatabase(path)
    first.start(STEPS)
    await first.write(put("old"))
    await first.close()
    second = SqliteDatabase(path)
    second.start((*STEPS, "ALTER TABLE t ADD COLUMN note TEXT; UPDATE t SET note = 'kept'"))
    row = await second.read(lambda conn: conn.one("SELECT name, note FROM t"))
    assert row is not None
    assert tuple(row) == ("old", "kept")
    await second.close()
    assert schema_version(path) == 2


async def test_a_migration_that_fails_leaves_the_old_version(path: Path) -> None:
    first = SqliteDatabase(path)
    first.start(STEPS)
    await first.write(put("old"))
    await first.close()
    broken = SqliteDatabase(path)
    with pytest.raises(StorageFault, match="no such table: nowhere"):
        broken.start((*STEPS, "ALTER TABLE t ADD COLUMN note TEXT; DELETE FROM nowhere"))
    await broken.close()
    assert schema_version(path) == 1
    again = SqliteDatabase(path)
    again.start(STEPS)
    columns = await again.read(lambda conn: conn.all("SELECT * FROM pragma_table_info('t')"))
    await again.close()
    assert [row["name"] for row in columns] == ["name", "more"]
    assert kept(path) == ["old"]


async def test_reading_only(path: Path) -> None:
    first = SqliteDatabase(path)
    first.start(STEPS)
    await first.write(put("a"))
    reader = SqliteDatabase(path, read_only=True)
    reader.start(STEPS)
    assert await reader.read(names) == ["a"]
    with pytest.raises(StorageFault, match="reading only"):
        await reader.write(put("b"))
    await reader.close()
    await first.close()


async def test_a_file_that_vanishes_is_a_sentence(path: Path) -> None:
    database = SqliteDatabase(path)
    database.start(STEPS)
    await asyncio.to_thread(path.unlink)
    with pytest.raises(StorageFault, match="The database refuses"):
        await database.read(names)
    await database.close()


def test_there_is_no_version_where_there_is_no_file(path: Path) -> None:
    assert schema_version(path) == 0
    assert not path.exists()
