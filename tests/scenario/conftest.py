"""The real program, in an environment that holds nothing but a home of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, slots=True)
class Cli:
    """Runs `reverie` in `folder`. Search is by words, so that nothing has to be loaded."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def environ(self, **more: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "REVERIE_HOME": str(self.home),
            "REVERIE_EMBEDDING": "off",
            **more,
        }

    def command(self, *args: str) -> list[str]:
        return [sys.executable, "-m", "bot", *args]

    def __call__(self, *args: str, stdin: str = "", **environ: str) -> Ran:
        """Run to the end. No command may ever show a traceback."""
        done = subprocess.run(
            self.command(*args),
            cwd=self.folder,
            env=self.environ(**environ),
            input=stdin.encode(),
            capture_output=True,
            timeout=60,
            check=False,
        )
        ran = Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in ran.out + ran.err
        return ran

    @contextmanager
    def running(self, **environ: str) -> Iterator["subprocess.Popen[bytes]"]:
        """`reverie run`, which is killed in the end."""
        process = subprocess.Popen(
            self.command("run"),
            cwd=self.folder,
            env=self.environ(**environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def ok(self, *args: str, stdin: str = "", **environ: str) -> Ran:
        ran = self(*args, stdin=stdin, **environ)
        assert (ran.code, ran.err) == (0, "")
        return ran

    def refused(self, *args: str, stdin: str = "", **environ: str) -> str:
        """Run what must not work; the sentence that it says."""
        ran = self(*args, stdin=stdin, **environ)
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith("reverie: ")
        return ran.err.removeprefix("reverie: ")


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


@pytest.fixture(scope="session")
def home_of_ada(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one agent, made once."""
    cli = Cli(tmp_path_factory.mktemp("ada"))
    cli.ok("agents", "create", "Ada", "--persona", "I am Ada.", "--human", "我叫张三\nlikes tea")
    return cli.home


@pytest.fixture
def ada(cli: Cli, home_of_ada: Path) -> Callable[..., Ran]:
    """A home with one agent, and `reverie memory VERB … --agent Ada` there."""
    shutil.copytree(home_of_ada, cli.home)

    def memory(*args: str) -> Ran:
        return cli.ok("memory", *args, "--agent", "Ada")

    return memory
