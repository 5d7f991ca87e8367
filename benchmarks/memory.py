"""Memory: what the program takes at rest, what an agent adds, what one on disk costs; start-up."""

import argparse
import asyncio
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.common import ROOT, Platform, event, machine, median, scratch, show
from bot.app import App, opened
from bot.config import Settings
from bot.intake import route
from memory.audience import operator
from memory.births import ensure_agent
from memory.embed.hashing import HashingEmbedder
from memory.ports import Connection

SAID = ("I like green tea and I live in Berlin.", "我去年开始学 Rust。", "What do I like?")
WARM = 50  # agents that talk before the first look, so that what all share is there
ON_DISK = 10_000


def rss(process: int | str = "self") -> int:
    """Resident memory of a process, in kB (proc(5), VmRSS)."""
    gc.collect()
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


# --- in a process of its own ----------------------------------------------------------------------


@asynccontextmanager
async def running(
    home: Path, embedder: HashingEmbedder | None = None
) -> AsyncIterator[tuple[App, Platform]]:
    """The program with its default settings and the offline model, at work."""
    settings = Settings.from_env({"REVERIE_HOME": str(home)})
    async with opened(settings, embedder=embedder) as app, asyncio.TaskGroup() as tasks:
        platform = Platform()
        tasks.create_task(app.run([platform]), name="app")
        await platform.ready
        yield app, platform
        app.stop()


async def idle(home: Path, _: int) -> dict[str, float]:
    """Nobody talks."""
    began = time.perf_counter()
    async with running(home):
        took = time.perf_counter() - began
        await asyncio.sleep(0.5)
        return {"kB": rss(), "ms": took * 1000}


async def talked(home: Path, agents: int) -> dict[str, float]:
    """So many agents hear and answer what is SAID; then each of them is searched.

    The embedder hashes: its vectors are as long as the default's, and come at once.
    """
    async with running(home, HashingEmbedder(384)) as (app, platform):
        await talk(app, platform, 0, WARM)
        before = rss()
        await talk(app, platform, WARM, WARM + agents)
        after = rss()
        await searched(app, WARM, WARM + agents)
        return {
            "talked": (after - before) / agents,
            "searched": (rss() - before) / agents,
            "kB": rss(),
        }


async def talk(app: App, platform: Platform, start: int, end: int) -> None:
    """Agents talk, fifty at a time; then everything that was said has its vector."""
    for group in range(start, end, 50):
        people = [f"person{number}" for number in range(group, min(end, group + 50))]
        for text in SAID:
            await asyncio.gather(*(platform.ask(user, text) for user in people))
    while await app.store.database.read(queued):  # noqa: ASYNC110 -- the queue is a table
        await asyncio.sleep(0.1)
    await searched(app, start, min(end, start + WARM))


async def searched(app: App, start: int, end: int) -> None:
    for number in range(start, end):
        agent = route(event(f"person{number}", 0))[0].id
        hits, _ = await app.search.find(operator(agent), "messages", "green tea")
        assert hits


def queued(conn: Connection) -> bool:
    return conn.one("SELECT 1 FROM embed_queue LIMIT 1") is not None


async def born(home: Path, agents: int) -> dict[str, float]:
    """So many agents are written, and stay on disk."""
    async with running(home) as (app, _):
        births = [route(event(f"person{number}", 0)) for number in range(agents)]

        def work(conn: Connection) -> None:
            for birth, identity in births:
                ensure_agent(conn, birth, identity)

        await app.store.database.write(work)
    return {}


INSIDE = {"idle": idle, "talked": talked, "born": born}

# --- outside --------------------------------------------------------------------------------------


def clean(home: Path) -> dict[str, str]:
    """An environment without settings but the home."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_PRELOAD") if name in os.environ}
    return {**kept, "HOME": str(home), "REVERIE_HOME": str(home)}


def inside(mode: str, home: Path, agents: int = 0) -> dict[str, float]:
    """Run a part in a fresh process; what it found."""
    command = [sys.executable, __file__, "--inside", mode, "--home", str(home)]
    done = subprocess.run(
        [*command, "--agents", str(agents)],
        env=clean(home), stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout)
    return found


def help_ms(home: Path) -> float:
    began = time.perf_counter()
    command = [sys.executable, "-m", "bot", "--help"]
    subprocess.run(command, cwd=ROOT, env=clean(home), stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1000


def chat(home: Path) -> tuple[float, int, int]:
    """The real program: ms until it has answered a first message, kB then, and kB when the
    embedder had its turn."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "bot", "chat", "--json"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=ROOT, env=clean(home), stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL,
        text=True,
    ) as program:  # fmt: skip
        assert program.stdin is not None
        assert program.stdout is not None
        program.stdin.write("My name is Ana.\n")
        program.stdin.flush()
        while json.loads(program.stdout.readline())["type"] != "reply":
            pass
        took = (time.perf_counter() - began) * 1000
        answered = rss(program.pid)
        time.sleep(3)
        embedded = rss(program.pid)
        program.stdin.close()
    return took, answered, embedded


def main(given: argparse.Namespace) -> None:
    with scratch(given.folder) as folder:
        print(machine(folder), flush=True)
        homes = [folder / f"home{number}" for number in range(10)]
        for home in homes:
            home.mkdir()
        helps = [help_ms(homes[0]) for _ in range(6)][1:]
        chats = [chat(home) for home in homes[1:4]]
        show(
            "Start-up, ms",
            ["", "p50", "aim"],
            [
                ["reverie --help", median(helps), "500"],
                ["reverie chat, until it has answered", median([c[0] for c in chats]), "2000"],
            ],
        )
        empty = [inside("idle", home) for home in homes[4:7]]
        inside("born", homes[7], ON_DISK)
        full = [inside("idle", homes[7]) for _ in range(3)]
        found = inside("talked", homes[8], given.agents)
        at_rest = median([each["kB"] for each in empty])
        on_disk = median([each["kB"] for each in full])
        ready = [median([each["ms"] for each in runs]) for runs in (empty, full)]
        show(
            "Resident memory",
            ["", "", "aim"],
            [
                ["at rest, default settings", f"{at_rest / 1000:.0f} MB", "150 MB"],
                ["chat, after its first answer", f"{chats[0][1] / 1000:.0f} MB", "150 MB"],
                ["chat, after its first vectors", f"{chats[0][2] / 1000:.0f} MB", ""],
                [
                    f"each of {given.agents} agents that talked",
                    f"{found['talked']:.1f} kB",
                    "100 kB",
                ],
                ["the same, each searched by meaning too", f"{found['searched']:.1f} kB", "100 kB"],
                [f"{ON_DISK} agents on disk, more at rest", f"{on_disk - at_rest:.0f} kB", "0"],
                ["ready to receive, empty home", f"{ready[0]:.0f} ms", ""],
                [f"ready to receive, {ON_DISK} agents", f"{ready[1]:.0f} ms", "the same"],
            ],
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=1000, help="that talk")
    parser.add_argument("--folder", type=Path, help="where homes are made; a real disk")
    parser.add_argument("--inside", choices=INSIDE, help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        print(json.dumps(asyncio.run(INSIDE[arguments.inside](arguments.home, arguments.agents))))
    else:
        main(arguments)
