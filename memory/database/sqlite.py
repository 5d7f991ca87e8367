"""SQLite: one writer thread that commits in groups, and readers beside it.

A commit with `synchronous=FULL` costs one fsync (2-5 ms), whatever it holds. So the writer takes
all work that waits, runs each piece in a savepoint of its own, and commits them together: the
pieces succeed or fail one by one, and pay for one fsync. See docs/why/002-group-commit.md.
"""

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar, cast

from memory.errors import NewerDatabase, StorageFault
from memory.ports import Connection, Row

T = TypeVar("T")
log = logging.getLogger(__name__)

GROUP = 256  # pieces of work in one commit, at most
READERS = 2
BUSY_MS = 10_000  # that a lock is waited for
READER_MS = 1_000  # that a reader is waited for who stands in the way of scrubbing


class SqliteConnection:
    """The Connection port over one sqlite3 connection."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        raw.row_factory = sqlite3.Row
        self.raw = raw

    def execute(self, sql: str, /, **params: Any) -> int:
        return self.raw.execute(sql, params).rowcount

    def many(self, sql: str, rows: Sequence[Mapping[str, Any]], /) -> None:
        self.raw.executemany(sql, rows)

    def one(self, sql: str, /, **params: Any) -> Row | None:
        return cast("Row | None", self.raw.execute(sql, params).fetchone())

    def all(self, sql: str, /, **params: Any) -> list[Row]:
        return cast("list[Row]", self.raw.execute(sql, params).fetchall())


@dataclass(slots=True)
class _Job:
    work: Callable[[Connection], Any]
    early: bool
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"
    alone: bool = False  # in no transaction
    result: Any = None
    error: BaseException | None = None


@dataclass(slots=True)
class _Group:
    """The jobs of one commit, and who is still to be told."""

    told: list[_Job] = field(default_factory=list)

    def tell(self, jobs: Iterable[_Job]) -> None:
        for loop in {job.loop for job in jobs}:
            mine = [job for job in jobs if job.loop is loop]
            try:
                loop.call_soon_threadsafe(_resolve, mine)
            except RuntimeError:  # that loop is closed: nobody waits any more
                log.debug("an event loop ended before its answer", extra={"action": "orphan"})


async def _put(
    jobs: "queue.SimpleQueue[_Job | None]",
    work: Callable[[Connection], T],
    *,
    early: bool = False,
    alone: bool = False,
) -> T:
    """Have a thread do it. A future of our own: a pool's takes twice as long to come back."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    jobs.put(_Job(work, early, loop, future, alone))
    return await future


def _resolve(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)


def _connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    mode = "ro" if read_only else "rwc"
    raw = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,  # transactions are ours to begin and end
        check_same_thread=False,  # opened on one thread, then used by one other
        timeout=BUSY_MS / 1000,
    )
    raw.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    return raw


def _known_version(raw: sqlite3.Connection, steps: Sequence[str]) -> int:
    """How many of `steps` the database has had. Raises NewerDatabase for one from the future."""
    version = int(raw.execute("PRAGMA user_version").fetchone()[0])
    if version > len(steps):
        raise NewerDatabase(
            f"This database was written by a newer version of Reverie (schema {version}; this "
            f"version knows {len(steps)}). Update Reverie, then try again."
        )
    return version


def _migrate(raw: sqlite3.Connection, steps: Sequence[str]) -> None:
    """Bring the schema up to date, one transaction a step."""
    version = _known_version(raw, steps)
    for number, script in enumerate(steps[version:], start=version + 1):
        try:
            raw.executescript(f"BEGIN IMMEDIATE;{script};PRAGMA user_version={number};COMMIT;")
        except sqlite3.Error:
            if raw.in_transaction:
                raw.execute("ROLLBACK")
            raise


def schema_version(path: Path) -> int:
    """The number of migrations that the database at `path` has had; 0 where there is none."""
    if not path.exists():
        return 0
    raw = _connect(path, read_only=True)
    try:
        return int(raw.execute("PRAGMA user_version").fetchone()[0])
    finally:
        raw.close()


class SqliteDatabase:
    """The Database port over one file."""

    def __init__(self, path: Path, *, read_only: bool = False, group: int = GROUP) -> None:
        self._path = path
        self._group = group
        self._read_only = read_only
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._questions: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._open: list[sqlite3.Connection] = []
        self._readers: list[threading.Thread] = []
        self._writer: threading.Thread | None = None
        self._closed = False
        self.commits = 0  # for benchmarks and doctor

    def start(self, steps: Sequence[str]) -> None:
        """Open the file, migrate it, and start the writer.

        Raises NewerDatabase, or StorageFault with the reason where the file cannot be used.
        """
        try:
            raw = _connect(self._path, read_only=self._read_only)
            self._open.append(raw)
            _known_version(raw, steps)
            if not self._read_only:
                raw.execute("PRAGMA journal_mode=WAL")
                raw.execute("PRAGMA synchronous=FULL")
                _migrate(raw, steps)
        except sqlite3.Error as error:
            raise StorageFault(
                f"The database {self._path} cannot be opened: {error}. Check that its folder "
                "exists, is writable and has room, or set REVERIE_HOME to another one."
            ) from error
        self._readers = [
            threading.Thread(target=self._read_loop, name=f"reader-{number}", daemon=True)
            for number in range(READERS)
        ]
        for reader in self._readers:
            reader.start()
        if not self._read_only:
            self._writer = threading.Thread(
                target=self._write_loop, args=(raw,), name="writer", daemon=True
            )
            self._writer.start()

    async def read(self, work: Callable[[Connection], T], /) -> T:
        if self._closed:
            raise StorageFault("This database is closed.")
        return await _put(self._questions, work)

    def _read_loop(self) -> None:
        raw: sqlite3.Connection | None = None
        while (job := self._questions.get()) is not None:
            try:
                if raw is None:
                    raw = _connect(self._path, read_only=True)
                    self._open.append(raw)
                self._answer(raw, job)
            except sqlite3.Error as error:
                job.error = _storage_fault(error)
            _Group().tell([job])

    @staticmethod
    def _answer(raw: sqlite3.Connection, job: _Job) -> None:
        """All that a piece of work reads is of one moment."""
        raw.execute("BEGIN")
        try:
            job.result = job.work(SqliteConnection(raw))
        except BaseException as error:
            if isinstance(error, sqlite3.Error):
                raise
            job.error = error
        finally:
            if raw.in_transaction:
                raw.execute("ROLLBACK")

    async def write(self, work: Callable[[Connection], T], /, *, early: bool = False) -> T:
        return await self._asked(work, early=early)

    async def scrub(self) -> bool:
        return await self._asked(_scrub, alone=True)

    async def _asked(
        self, work: Callable[[Connection], T], *, early: bool = False, alone: bool = False
    ) -> T:
        if self._closed or self._writer is None:
            how = "closed" if self._closed else "open for reading only"
            raise StorageFault(f"This database is {how}.")
        return await _put(self._jobs, work, early=early, alone=alone)

    def _write_loop(self, raw: sqlite3.Connection) -> None:
        connection = SqliteConnection(raw)
        while (job := self._jobs.get()) is not None:
            jobs = [job]
            stop = False
            while len(jobs) < self._group:
                try:
                    more = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    stop = True
                    break
                jobs.append(more)
            for alone, some in groupby(jobs, lambda job: job.alone):
                if alone:
                    self._run_alone(connection, list(some))
                else:
                    self._commit_group(raw, connection, list(some))
            if stop:
                return

    @staticmethod
    def _run_alone(connection: SqliteConnection, jobs: list[_Job]) -> None:
        for job in jobs:
            try:
                job.result = job.work(connection)
            except sqlite3.Error as error:
                job.error = _storage_fault(error)
        _Group().tell(jobs)

    def _commit_group(
        self, raw: sqlite3.Connection, connection: SqliteConnection, jobs: list[_Job]
    ) -> None:
        group = _Group()
        # Nobody waits for the disk here: the next durable commit takes these pages along.
        hasty = all(job.early for job in jobs)
        try:
            raw.execute(f"PRAGMA synchronous={'NORMAL' if hasty else 'FULL'}")
            raw.execute("BEGIN IMMEDIATE")
            for job in jobs:
                self._run(raw, connection, job)
                if job.early:
                    group.tell([job])
                    group.told.append(job)
            raw.execute("COMMIT")
            self.commits += 1
        except sqlite3.Error as error:
            if raw.in_transaction:
                raw.execute("ROLLBACK")
            fault = _storage_fault(error)
            for job in jobs:
                job.error = job.error or fault
            log.error("a commit failed: %s", error, extra={"action": "commit_failed"})
        group.tell([job for job in jobs if job not in group.told])

    @staticmethod
    def _run(raw: sqlite3.Connection, connection: SqliteConnection, job: _Job) -> None:
        """One job in its savepoint. A full disk ends the whole transaction: that goes up."""
        raw.execute("SAVEPOINT job")
        try:
            job.result = job.work(connection)
        except BaseException as error:
            if not raw.in_transaction:
                raise sqlite3.OperationalError(str(error)) from error
            raw.execute("ROLLBACK TO job")
            job.error = _storage_fault(error) if isinstance(error, sqlite3.Error) else error
        raw.execute("RELEASE job")

    async def close(self) -> None:
        """Finish what was asked for, then close."""
        self._closed = True  # what comes from now on is refused
        if self._writer is not None:
            self._jobs.put(None)
            await asyncio.to_thread(self._writer.join)
            self._writer = None
        for _ in self._readers:
            self._questions.put(None)
        for reader in self._readers:
            await asyncio.to_thread(reader.join)
        for raw in self._open:
            raw.close()
        self._open.clear()


def _scrub(conn: Connection) -> bool:
    """`secure_delete` would not do: where SQLite parts a full page, a copy of the rows that moved
    may stay between those that remain, and nothing clears it when the rows go. So the whole file
    is written anew, and the log that held the old pages is cut off. About 10 ms for a megabyte.
    """
    conn.execute("PRAGMA synchronous=FULL")
    conn.execute("VACUUM")
    conn.execute(f"PRAGMA busy_timeout={READER_MS}")
    done = conn.one("PRAGMA wal_checkpoint(TRUNCATE)")  # waits for readers
    conn.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    return done is not None and done["busy"] == 0


def _storage_fault(error: BaseException) -> StorageFault:
    return StorageFault(
        f"The database refuses: {error}. Nothing of this change was kept. Check that the disk has "
        "room and that the home is writable."
    )
