"""A running `reverie`, line by line in both directions, and the model server beside it."""

import json
import resource
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import IO, Any

from tests.scenario.conftest import ROOT, Cli

PATIENCE = 20.0  # seconds without a word, after which a test has failed

Record = dict[str, Any]


class Heard:
    """The lines of a pipe, as they come."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self.lines: list[str] = []
        self._next = 0
        self._open = True
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._follow, args=(pipe,), daemon=True)
        self._thread.start()

    def _follow(self, pipe: IO[bytes]) -> None:
        for line in pipe:
            with self._news:
                self.lines.append(line.decode().rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._open = False
            self._news.notify_all()

    def until(self, words: str) -> str:
        """The next line that has these words; those before it are passed over."""
        with self._news:
            while True:
                while self._next < len(self.lines):
                    self._next += 1
                    if words in self.lines[self._next - 1]:
                        return self.lines[self._next - 1]
                heard = self._open and self._news.wait(PATIENCE)
                assert heard, f"{words!r} never came, but {self.lines}"

    def all(self) -> str:
        """Everything, once the other end is closed."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        return "\n".join(self.lines)


class Talk:
    """One process. `out` and `err` are what it says."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        self.process = process
        self._in = process.stdin
        self.out = Heard(process.stdout)
        self.err = Heard(process.stderr)

    def tell(self, *lines: str | bytes | Record) -> None:
        """Write lines: as they are, or records as JSON."""
        for line in lines:
            text = json.dumps(line) if isinstance(line, dict) else line
            self._in.write((text if isinstance(text, bytes) else text.encode()) + b"\n")
        self._in.flush()

    def record(self, kind: str) -> Record:
        """The next record of a type, of a program that was started with --json."""
        record: Record = json.loads(self.out.until(f'{{"type": "{kind}"'))
        return record

    def records(self, kind: str) -> list[Record]:
        """All records of a type, of a program that has ended."""
        records = [json.loads(line) for line in self.out.all().splitlines()]
        return [record for record in records if record["type"] == kind]

    def ask(self, *lines: str | bytes | Record) -> str:
        """Write lines; the text of the next reply, of a program that was started with --json."""
        self.tell(*lines)
        return str(self.record("reply")["text"])

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def room(self, size: int) -> None:
        """How many bytes each of its files may have from now on: 0 is a full disk."""
        limits = (size, resource.RLIM_INFINITY)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, limits)

    def hang_up(self) -> None:
        """The end of its input."""
        self._in.close()

    def end(self, *, hang_up: bool = True) -> int:
        """Close its input, unless it ends by itself; the exit code. It may never have stumbled."""
        if hang_up:
            self.hang_up()
        code = self.process.wait(PATIENCE)
        assert "Traceback" not in self.out.all() + self.err.all()
        return code

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.out.all()
        self.err.all()
        with suppress(BrokenPipeError):
            self._in.close()


@contextmanager
def talking(cli: Cli, *args: str, **environ: str) -> Iterator[Talk]:
    """`reverie chat`, with what it needs to be talked to."""
    with subprocess.Popen(
        cli.command("chat", *args),
        cwd=cli.folder,
        env=cli.environ(**environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        talk = Talk(process)
        try:
            yield talk
        finally:
            talk.close()


class Server:
    """The fake model server, as a process that can be killed and started again."""

    def __init__(self, *args: str) -> None:
        self._args = args
        self._port = "0"
        self._running = ExitStack()
        self.url = ""
        self.start()

    def start(self) -> None:
        """Serve; once more at the same address where it has served before."""
        process = self._running.enter_context(
            subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "bot.testing.fake_openai",
                    "--port",
                    self._port,
                    *self._args,
                ],
                cwd=ROOT,
                stdout=subprocess.PIPE,
            )
        )
        self._running.callback(process.kill)
        assert process.stdout
        self.url = process.stdout.readline().decode().strip()
        self._port = self.url.rpartition(":")[2].partition("/")[0]

    def stop(self) -> None:
        self._running.close()

    def fail(self, kind: str, times: int = 1, retry_after: float | None = None) -> None:
        """Let the next requests go wrong; -1: all of them."""
        fault = {"kind": kind, "times": times, "retry_after": retry_after}
        self._faults("POST", json.dumps(fault).encode())

    def heal(self) -> None:
        self._faults("DELETE")

    def _faults(self, method: str, body: bytes | None = None) -> None:
        url = self.url.removesuffix("/v1") + "/faults"
        request = urllib.request.Request(url, data=body, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            assert response.status == 200

    def settings(self, **more: str) -> dict[str, str]:
        """What a person sets to use it, with little patience."""
        return {
            "REVERIE_LLM_BASE_URL": self.url,
            "REVERIE_LLM_MODEL": "fake",
            "REVERIE_LLM_MODE": "native",
            "REVERIE_LLM_RETRIES": "0",
            "REVERIE_OUTAGE_SECONDS": "0.05",
            **more,
        }


@contextmanager
def serving(*args: str) -> Iterator[Server]:
    server = Server(*args)
    try:
        yield server
    finally:
        server.stop()
