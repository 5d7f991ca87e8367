"""The home: the folder with everything that survives, and the lock that lets one process in."""

from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from memory.errors import HomeBusy, StorageFault


def open_home(home: Path) -> FileLock:
    """Make the folder if need be, and take its lock. The lock goes when the process goes.

    Raises HomeBusy where another process has it, StorageFault where the folder cannot be used.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):  # a file system without modes
            home.chmod(0o700)
        lock = FileLock(home / "lock")
        lock.acquire(timeout=0)
    except Timeout as error:
        raise HomeBusy(
            f"Another Reverie process is using {home}. Stop it first, or set REVERIE_HOME to"
            " another folder."
        ) from error
    except OSError as error:
        raise StorageFault(
            f"The home {home} cannot be used: {error.strerror or error}. Make it writable, or set"
            " REVERIE_HOME to another folder."
        ) from error
    return lock
