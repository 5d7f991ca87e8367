"""`/policy`: everybody sees the rules of a workspace, its admins change them, and they are kept."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from memory import audience
from memory.types import now
from tests.scenario.consent_world import (
    ANA,
    DM,
    HALL,
    all_bytes,
    file,
    found,
    heard,
    in_thread,
    obey,
    slack,
    texts,
)
from tests.scenario.world import World


async def rule(w: World, line: str) -> str:
    return (await obey(w, line, user="boss", governs=True)).plain()


async def test_all_of_it_is_shown_with_where_it_is_from(tmp_path: Path) -> None:
    async with slack(tmp_path, retention_person_days=90) as w:
        shown = (await obey(w, "/policy")).plain()
        for told in (
            "for 90 days · 私信保留 90 天 (REVERIE_RETENTION_PERSON_DAYS)",
            "for ever · 房间里的消息永久保留 (REVERIE_RETENTION_ROOM_DAYS)",
            "`/memory pause` · 我会从",
            "(REVERIE_OPT_IN)",
            "我不读的房间(`/mode off`): no room · 没有",
        ):
            assert told in shown
        await rule(w, "/policy opt-in on")
        await rule(w, "！规则 保留 房间 365")
        today = f"{now():%Y-%m-%d}"
        shown = (await obey(w, "/规则")).plain()
        assert f"学习 (chosen here on {today} · {today} 在这里设定)" in shown
        assert f"365 天 (chosen here on {today}" in shown
        assert "私信保留 90 天 (REVERIE" in shown
    async with slack(tmp_path) as w:
        assert "365 天 (chosen here" in (await obey(w, "/policy")).plain()
        assert "REVERIE_OPT_IN" in await rule(w, "/policy opt-in default")
        elsewhere = replace(DM, space="elsewhere")
        assert "chosen" not in (await obey(w, "/policy", address=elsewhere)).plain()


@pytest.mark.parametrize("line", ["/policy opt-in on", "/规则 保留 私信 1"])
async def test_only_admins_change_it(tmp_path: Path, line: str) -> None:
    async with slack(tmp_path) as w:
        before = (await obey(w, "/policy")).plain()
        said = (await obey(w, line)).plain()
        assert "Only an admin of the workspace" in said
        assert "只有工作区管理员" in said
        assert (await obey(w, "/policy")).plain() == before


@pytest.mark.parametrize(
    "line", ["/policy nonsense", "/policy keep", "/policy keep person 0", "/policy keep room many",
             "/policy opt-in maybe", "/policy keep person 30 perhaps", "/policy keep all 3"],
)  # fmt: skip
async def test_what_is_no_rule_is_refused_with_an_example(tmp_path: Path, line: str) -> None:
    async with slack(tmp_path) as w:
        assert "/policy keep person 30" in await rule(w, line)
        assert "chosen" not in await rule(w, "/policy")


async def test_people_have_to_agree_once_an_admin_says_so(tmp_path: Path) -> None:
    async with slack(tmp_path) as w:
        await rule(w, "/policy opt-in on")
        await in_thread(w, "1", "hello")
        assert w.adapter.posts == []
        await rule(w, "/规则 同意 关")
        await in_thread(w, "1", "你好")
        assert len(w.adapter.posts) == 1


async def aged(w: World, days: int) -> None:
    """All that was said was said so many days earlier."""
    micros = days * 86_400_000_000
    await w.app.store.database.write(
        lambda conn: conn.execute("UPDATE messages SET at = at - :micros", micros=micros)
    )


@pytest.mark.parametrize("text", ["Zanzibar is my harbour", "桑给巴尔岛是我的港口"])
async def test_messages_past_their_days_go_with_their_files_once_it_is_confirmed(
    tmp_path: Path, text: str
) -> None:
    async with slack(tmp_path) as w:
        w.adapter.files = {"old.txt": f"file {text}".encode(), "new.txt": b"fresh tea"}
        await heard(w, text, files=[file("old.txt")])
        await aged(w, 40)
        await heard(w, "new 新的", files=[file("new.txt")])
        await rule(w, "/policy keep person 60")  # nothing is as old: there is nothing to ask
        asked = await obey(w, "/policy keep person 30", user="boss", governs=True)
        assert "removes 3 messages" in asked.plain()  # the file, the words, the answer
        assert "永久删除" in asked.plain()
        assert [button.line for button in asked.buttons] == ["/policy keep person 30"]
        assert "60 days" in (await obey(w, "/policy")).plain()
        await w.app.schedule.tidy()
        assert text in await found(w, text)
        assert "30 days" in await rule(w, "/policy keep person 30 是")
        await w.app.schedule.tidy()
        assert (await texts(w))[-1] == "new 新的"
        left = all_bytes(tmp_path)
        for word in (text, "zanzibar", "harbour", "桑给", "港口"):
            assert word.encode() not in left
        assert left.count(b"fresh tea") >= 2
        kept = [path.name.rpartition("-")[2] for path in (tmp_path / "files").rglob("*.txt")]
        assert kept == ["new.txt"]


async def test_what_is_confirmed_in_one_workspace_is_kept_in_another(tmp_path: Path) -> None:
    async with slack(tmp_path, retention_room_days=30) as w:
        await in_thread(w, "1", "old 旧的")
        await aged(w, 40)
        await rule(w, "/policy keep room forever")
        await w.app.schedule.tidy()
        agent = next(one.id for one in await w.app.store.agents() if one.kind == "room")
        assert await texts(w, agent) == ["old 旧的"]
        asked = await rule(w, "/policy keep room default")
        assert "`/policy keep room default yes`" in asked
        await rule(w, "/policy keep room default yes")
        await w.app.schedule.tidy()
        assert await texts(w, agent) == []


async def test_rooms_off_limits_are_named_to_who_may_read_them(tmp_path: Path) -> None:
    secret = replace(HALL, channel="layoffs")
    async with slack(tmp_path) as w:
        for address, room in ((HALL, "public"), (secret, "private")):
            await obey(w, "/mode off", address=address, room=room, user="boss", governs=True)  # type: ignore[arg-type]
        shown = (await obey(w, "/policy")).plain()
        assert "#hall, 1 that you cannot read" in shown
        assert "layoffs" not in shown
        assert "#hall, #layoffs" in await rule(w, "/policy")
        rooms = await w.app.store.agents()
        layoffs = next(agent.id for agent in rooms if agent.name == "layoffs")
        await w.app.store.database.write(lambda conn: audience.entered(conn, layoffs, ANA))
        assert "#hall, #layoffs" in (await obey(w, "/policy")).plain()


async def test_a_sweep_scrubs_once_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with slack(tmp_path) as w:
        scrubbed = []
        scrub = w.app.store.database.scrub

        async def count() -> bool:
            scrubbed.append(1)
            return await scrub()

        monkeypatch.setattr(w.app.search._database, "scrub", count)
        at = now()
        for day, expected in ((0, 1), (0, 1), (1, 2), (1, 2)):
            await obey(w, "/memory pause")
            await heard(w, "hush 嘘")
            await obey(w, "/memory resume")
            w.app.schedule._clock = lambda day=day: at + timedelta(days=day)  # type: ignore[misc]
            await w.app.schedule.tidy()
            assert len(scrubbed) == expected
        w.app.schedule._clock = lambda: at + timedelta(days=2)
        for _ in range(2):
            await w.app.schedule.tidy()  # what is left of the second day
        w.app.schedule._clock = lambda: at + timedelta(days=3)
        await w.app.schedule.tidy()  # there is nothing to do
        assert len(scrubbed) == 3
