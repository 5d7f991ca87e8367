"""The process dies at every hop of a message's life: nothing is lost, and nothing happens twice."""

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.base import Post
from bot.app import App, opened
from bot.config import Settings
from bot.testing.fakes import (
    HOPS,
    CrashAt,
    FakeAdapter,
    Script,
    ScriptedLLM,
    wish,
)
from bot.types import Completion, Prompt
from memory import recall
from memory.agents import identity_id
from memory.database.sqlite import SqliteDatabase
from memory.store import Store
from tests.crash.dying import life, settled

ANA = identity_id("terminal", "local", "ana")
EVENTS = range(1, 4)
NEVER = 10**6


class DyingLLM(ScriptedLLM):
    """A model whose caller dies before, or after, it has answered."""

    def __init__(self, script: Script, crash: CrashAt) -> None:
        super().__init__(script)
        self._crash = crash

    async def complete(self, prompt: Prompt) -> Completion:
        self._crash.passing("complete")
        answer = await super().complete(prompt)
        self._crash.passing("completed")
        return answer


class DyingAdapter(FakeAdapter):
    def __init__(self, crash: CrashAt) -> None:
        super().__init__()
        self._crash = crash

    async def send(self, post: Post) -> str:
        self._crash.passing("send")
        return await super().send(post)


# --- two turns of two steps ----------------------------------------------------------------------


def said(event: int) -> str:
    return f"fact {event}: 我喜欢茶{event}"


def appends(prompt: Prompt) -> Completion:
    """Keeps what was said, and answers when that is done."""
    last = prompt.messages[-1]
    if last.role == "tool":
        asked = next(row.text for row in prompt.messages[::-1] if row.role == "user")
        return Completion(text=f"Kept {asked}")
    keep = wish("core_memory_append", section="human", content=last.text, request_heartbeat=True)
    return Completion(calls=(keep,))


def searches(prompt: Prompt) -> Completion:
    """Looks something up, and answers with it."""
    last = prompt.messages[-1]
    if last.role == "tool":
        asked = next(row.text for row in prompt.messages[::-1] if row.role == "user")
        return Completion(text=f"Kept {asked}")
    find = wish("conversation_search", query=last.text)
    keep = wish("archival_memory_insert", content=last.text)
    return Completion(calls=(find, keep))


SCRIPTS: dict[str, Callable[[Prompt], Completion]] = {"append": appends, "search": searches}


# --- lives ---------------------------------------------------------------------------------------


async def talk(app: App, adapter: FakeAdapter) -> None:
    """The platform delivers everything it has, again if need be."""
    for event in EVENTS:
        await adapter.say(said(event), event=f"{event}")
        await settled(app)


async def live(home: Path, script: Script, crash: CrashAt) -> list[Post]:
    return await life(home, crash, DyingLLM(script, crash), DyingAdapter(crash), talk)


async def check(home: Path, script: str, posts: list[Post], *, twice: int = 0) -> None:
    """What must be true in the end, whatever happened on the way."""
    database = SqliteDatabase(home / "reverie.db", read_only=True)
    database.start(("",))
    rows = await database.read(lambda conn: recall.page(conn, ANA))
    assert [row.text for row in rows if row.role == "user"] == [said(n) for n in EVENTS]
    answers = [f"Kept {said(n)}" for n in EVENTS]
    assert [row.text for row in rows if row.role == "assistant" and row.text] == answers
    assert len(rows) == len(EVENTS) * (4 if script == "append" else 5)
    kept = {
        "append": "SELECT text FROM facts WHERE label = 'human' AND state = 'active' ORDER BY seq",
        "search": "SELECT text FROM passages ORDER BY seq",
    }[script]
    facts = await database.read(lambda conn: conn.all(kept))
    assert [row["text"] for row in facts] == [said(n) for n in EVENTS]
    outbox = await database.read(lambda conn: conn.all("SELECT * FROM outbox ORDER BY id"))
    assert [(row["text"], row["state"]) for row in outbox] == [(text, "sent") for text in answers]
    inbox = await database.read(lambda conn: conn.all("SELECT * FROM inbox ORDER BY id"))
    assert [(row["dedup"], row["state"]) for row in inbox] == [
        (f"terminal:{n}", "done") for n in EVENTS
    ]
    await database.close()
    sent = Counter((post.key, post.text) for post in posts)
    assert [text for _, text in sent] == answers  # in order, and a repeated one has its old key
    assert sum(sent.values()) <= len(answers) + twice


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("hop", HOPS)
async def test_a_death_at_any_hop_loses_and_doubles_nothing(
    tmp_path: Path, hop: str, nth: int, script: str
) -> None:
    crash = CrashAt(hop, nth)
    posts = await live(tmp_path, SCRIPTS[script], crash)
    assert crash.dead
    if hop == "sent":
        assert len(posts) == nth
    posts += await live(tmp_path, SCRIPTS[script], CrashAt(hop, NEVER))
    await check(tmp_path, script, posts, twice=int(hop == "sent"))
    assert len(posts) == len(EVENTS) + int(hop == "sent")


@pytest.mark.parametrize("seed", range(6))
async def test_deaths_in_a_row_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    script = chance.choice(list(SCRIPTS))
    posts: list[Post] = []
    twice = 0
    for _ in range(6):
        crash = CrashAt(chance.choice(HOPS), chance.randint(1, 3))
        posts += await live(tmp_path, SCRIPTS[script], crash)
        twice += crash.dead
    posts += await live(tmp_path, SCRIPTS[script], CrashAt("claim", NEVER))
    await check(tmp_path, script, posts, twice=twice)


async def test_a_message_that_kills_each_time_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.worker.GIVE_UP", 3)
    for _ in range(3):
        crash = CrashAt("complete", 1)
        assert await live(tmp_path, appends, crash) == []
        assert crash.dead
    posts = await live(tmp_path, appends, CrashAt("complete", NEVER))
    assert posts[0].text.startswith("处理这条消息时我内部出了错")
    assert [post.text for post in posts[1:]] == [f"Kept {said(n)}" for n in (2, 3)]


async def test_without_a_death_everything_is_said_once(tmp_path: Path) -> None:
    posts = await live(tmp_path, appends, CrashAt("claim", NEVER))
    posts += await live(tmp_path, appends, CrashAt("claim", NEVER))  # all of it delivered again
    await check(tmp_path, "append", posts)
    assert len(posts) == len(EVENTS)


async def test_the_home_is_free_after_a_death(tmp_path: Path) -> None:
    await live(tmp_path, appends, CrashAt("commit", 1))
    settings = Settings(home=tmp_path, embedding="off")
    async with opened(settings, llm=ScriptedLLM()) as app:
        assert type(app.store) is Store
        assert len(await app.store.waiting()) == 1
