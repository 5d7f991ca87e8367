"""Commands from a platform: obeyed for the agent of the place, shown to whoever asked."""

import json
from pathlib import Path

import pytest

from adapters.base import Address, Invocation, Shown
from tests.scenario.world import World, says, world

DM = Address(platform="terminal", space="local", channel="dm")
HALL = Address(platform="terminal", space="local", channel="hall")


async def obey(w: World, line: str, *, room: bool = False, user: str = "ana") -> Shown:
    return await w.app.desk.command(
        Invocation(
            address=HALL if room else DM, user=user, name=user.title(), line=line,
            room_kind="public" if room else "dm", room_name="hall" if room else "",
        )
    )  # fmt: skip


async def test_memory_is_shown_changed_and_taken_back(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        assert "I like tea" not in (await obey(w, "/memory show")).text
        await obey(w, "/memory add I like tea")
        await obey(w, "!memory add 我住在北京")
        shown = (await obey(w, "/memory")).text
        assert "I like tea" in shown
        assert "我住在北京" in shown
        await obey(w, "/memory undo")
        assert "我住在北京" not in (await obey(w, "/memory")).text


async def test_a_dm_and_a_room_are_two_agents(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await obey(w, "/memory add my secret is Zanzibar")
        assert "Zanzibar" not in (await obey(w, "/memory show", room=True)).text
        assert "Zanzibar" not in (await obey(w, "/memory search Zanzibar", room=True)).text
        assert "Zanzibar" not in (await obey(w, "/memory show", user="ben")).text
        assert "Zanzibar" in (await obey(w, "/memory search Zanzibar")).text


async def test_export_is_a_file(tmp_path: Path) -> None:
    async with world(tmp_path, [says("hello")]) as w:
        await w.ask("hi")
        shown = await obey(w, "/memory export")
        assert shown.file_name == "memory.json"
        assert json.loads(shown.file_text)["format"] == "reverie-agent"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/memory pin 999", "999"),
        ("/memory dance", "cannot 'dance'"),
        ("/create --name X", "not for here"),
        ("/nonsense", "no command /nonsense"),
        ("hello", "not for here"),
        ("/help", "/memory search WORDS"),
        ("/help zh", "搜索"),
    ],
)
async def test_what_cannot_be_done_is_said(tmp_path: Path, line: str, said: str) -> None:
    async with world(tmp_path) as w:
        assert said in (await obey(w, line)).text
