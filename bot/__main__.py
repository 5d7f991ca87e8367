"""The console script: `reverie`, the same as `python -m bot`."""

import os
import signal
import sys

signal.signal(signal.SIGINT, signal.SIG_DFL)  # while modules are read, Ctrl-C just ends it

from contextlib import suppress  # noqa: E402
from typing import TextIO  # noqa: E402

from bot.errors import ReverieError  # noqa: E402
from memory.errors import MemoryFault  # noqa: E402

INTERRUPTED = 130  # as shells have it: 128 + SIGINT


def main() -> None:
    """Run the command line. What goes wrong and has a sentence ends with it, not a traceback."""
    if sys.stderr is None:  # closed: what is said there must not go to standard output
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 -- for as long as the process lives
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot write every letter
    code = _run()
    with suppress(ValueError):  # it was closed
        code = _flushed(code)
    sys.exit(code)


def _run() -> int:
    from bot.cli import app

    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        app(prog_name="reverie")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read has had enough
        return 1
    except (ReverieError, MemoryFault, OSError) as error:
        from bot.cli.show import fail

        return fail(error)
    return 0


def _flushed(code: int) -> int:
    """Write out what is left; if nobody reads any more, nothing is said about it."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        _drop(sys.stdout)
        if not isinstance(error, BrokenPipeError):
            from bot.cli.show import fail

            fail(ReverieError(f"What I say cannot be written: {error.strerror}."))
        code = code or 1
    try:
        sys.stderr.flush()
    except OSError:
        _drop(sys.stderr)
    return code


def _drop(stream: TextIO) -> None:
    """Forget what a stream could not write, so that the end of the process does not try again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    main()
