"""What a room knows of somebody is changed by hand by them, or by an admin, and by nobody else."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.base import Address, Invocation
from bot.testing.fakes import ScriptedLLM, wish
from memory.audience import operator
from tests.scenario.world import World, calls, world

PLACES = {
    "slack": (Address(platform="slack", space="T1", channel="C1"), "Ana", "Bo"),
    "discord": (Address(platform="discord", space="7", channel="9"), "安娜", "李雷"),
}
CHANGES = {
    "slack": (
        "edit {n} owes Bo a boat", "pin {n}", "share {n}", "forget {n}", "forget tea", "undo",
        "undo {change}", "clear human:{name} yes", "add --block human:{name} owes Bo a boat",
    ),
    "discord": (
        "修改 {n} 欠李雷一条船", "置顶 {n}", "共享 {n}", "忘记 {n}", "忘记 绿茶", "撤销",
        "撤销 {change}", "清空 human:{name} 是", "添加 --block human:{name} 欠李雷一条船",
    ),
}  # fmt: skip


class Hall:
    """A room where Ana, or 安娜, has told what she likes; and commands that are given there."""

    def __init__(self, w: World, platform: str) -> None:
        self.w = w
        self.address, self.ana, self.bo = PLACES[platform]
        self.realm = "discord" if platform == "discord" else None

    async def obey(self, line: str, who: str, *, governs: bool = False) -> str:
        shown = await self.w.app.desk.command(
            Invocation(
                address=self.address, user=who, name=who, line=f"/memory {line}",
                room_kind="public", room_name="hall", realm=self.realm, governs=governs,
            )
        )  # fmt: skip
        return shown.plain()

    async def known(self) -> list[str]:
        """The lines that are shown about the one who told."""
        shown = (await self.obey("show", self.bo)).split("\n")
        return [line for line in shown if re.search("tea|绿茶|boat|船", line)]

    async def agent(self) -> str:
        return next(one.id for one in await self.w.app.store.agents() if one.kind == "room")

    async def state(self) -> tuple[list[str], str]:
        """That, and all that was changed."""
        return await self.known(), await self.obey("history", self.bo)

    async def filled(self, line: str) -> str:
        history = re.findall(r"#(\d+)", await self.obey("history", self.bo))
        number = re.search(r"#(\d+)", (await self.known())[0])
        assert number
        return line.format(n=number[1], name=self.ana, change=history[0])


@pytest.fixture(params=PLACES)
async def hall(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Hall]:
    async with world(tmp_path) as w:
        here = Hall(w, request.param)
        await here.obey("add likes tea 喜欢绿茶", here.ana)
        yield here


@pytest.mark.parametrize(
    ("hall", "line"), [(one, line) for one in PLACES for line in CHANGES[one]], indirect=["hall"]
)
async def test_they_and_an_admin_change_it_and_nobody_else(hall: Hall, line: str) -> None:
    before = await hall.state()
    for who, governs in ((hall.bo, False), (hall.ana, False), (hall.bo, True)):
        told = await hall.obey(await hall.filled(line), who, governs=governs)
        if who == hall.bo and not governs:
            assert f"'human:{hall.ana}' is about somebody else. Only they, or an admin" in told
            assert await hall.state() == before
        else:
            assert "somebody else" not in told
            assert await hall.state() != before
            again = "add likes tea 喜欢绿茶" if re.match("undo|撤销", line) else "undo"
            await hall.obey(again, hall.ana)
            before = await hall.state()


async def test_others_may_see_it_and_add_to_their_own(hall: Hall) -> None:
    assert "绿茶" in await hall.obey("show", hall.bo)
    assert "绿茶" in await hall.obey("search 绿茶", hall.bo)
    assert "Saved" in await hall.obey("add likes sailing 喜欢帆船", hall.bo)
    told = await hall.obey("forget sailing", hall.ana)
    assert f"human:{hall.bo}" in told
    assert "Forgot" in await hall.obey("forget 帆船", hall.bo)
    assert "somebody else" in await hall.obey("undo", hall.ana)
    assert "Took back" in await hall.obey("undo", hall.bo)


async def test_what_a_room_knows_of_itself_is_everybodys(hall: Hall) -> None:
    await hall.obey("add --block room 周五开会", hall.ana)
    assert "Forgot" in await hall.obey("forget 周五开会", hall.bo)


async def test_an_operator_is_not_held(hall: Hall) -> None:
    room = await hall.agent()
    await hall.w.app.store.undo(room, None, actor="operator", viewer=operator(room))
    assert await hall.known() == []


async def test_in_a_direct_message_nothing_is_asked(tmp_path: Path) -> None:
    llm = ScriptedLLM([calls(wish("core_memory_append", section="human", content="likes tea"))])
    async with world(tmp_path, llm=llm) as w:
        await w.say("I like tea, 我喜欢绿茶")
        await w.settled()
        address = Address(platform="terminal", space="local", channel="dm")
        for line, said in (("/memory forget tea", "Forgot"), ("/memory undo", "Took back")):
            shown = await w.app.desk.command(
                Invocation(address=address, user="ana", name="Ana", line=line)
            )
            assert said in shown.plain()
