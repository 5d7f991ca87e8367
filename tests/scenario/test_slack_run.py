"""`reverie run` on Slack: the real program, the real slack-bolt, a simulator on loopback."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.testing.slack import FakeSlack
from tests.scenario.conftest import ROOT


@contextmanager
def program(fake: FakeSlack, home: Path) -> "Iterator[subprocess.Popen[bytes]]":
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "REVERIE_HOME": str(home / "reverie"),
        "REVERIE_EMBEDDING": "off",
        "SLACK_BOT_TOKEN": fake.app.bot_token,
        "SLACK_APP_TOKEN": fake.app.app_token,
        "REVERIE_SLACK_API_BASE": fake.api_url,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "run"],
        cwd=home, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_it_remembers_across_a_kill(tmp_path: Path) -> None:
    async with FakeSlack().running() as fake:
        ana = fake.human("Ana")
        with program(fake, tmp_path) as first:
            await fake.connected(within=30)
            await ana.dm("我叫张三,是一名Python开发者")
            await ana.sees("Python开发者", within=20)
            first.send_signal(signal.SIGKILL)
            first.wait()
        with program(fake, tmp_path):
            await fake.connected(within=30)
            await ana.dm("你还记得我是做什么的吗?")
            await ana.sees("Python开发者", within=20, count=2)
