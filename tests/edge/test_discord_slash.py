"""Commands on Discord: registered once, acknowledged at once, and seen by one person."""

import asyncio
from typing import Any

import pytest

from adapters.base import Choice, Invocation, Shown
from adapters.commands import COMMANDS
from adapters.discord import sentences
from bot.testing.discord import FakeDiscord, Permission, Refused, Request
from tests.edge.discord_adapter import Listener, called, listening

NUMBER = 11  # of commands


async def ready(sim: FakeDiscord) -> None:
    await sim.until(lambda: len(sim.commands) == NUMBER)


async def test_commands_are_registered_once(sim: FakeDiscord) -> None:
    put = "PUT /applications/{}/commands"
    for times in (1, 2):
        async with listening(sim, Listener()):
            await sim.until(lambda: len(_answered(sim)) == times)  # noqa: B023 (waited for here)
            await ready(sim)
            await sim.human("Ana").dm("hi")
            await sim.human("Ana").sees(1)
    assert len(sim.requested(put)) == 1
    offered = {command["name"]: command for command in sim.commands}
    assert set(offered) == {*COMMANDS, "Remember this"}
    for name, command in offered.items():
        places = (sorted(command["integration_types"]), sorted(command["contexts"]))
        assert places == (([0], [0]) if name in ("mode", "policy") else ([0, 1], [0, 1, 2]))
    names = offered["Remember this"]["name_localizations"]
    assert names["zh-CN"] == names["zh-TW"] == "记住这条消息"
    sim.commands[0]["description"] = "old"
    async with listening(sim, Listener()):
        await sim.until(lambda: len(sim.requested(put)) == 2)


def _answered(sim: FakeDiscord) -> list[Request]:
    return [r for r in sim.requested("GET /applications/{}/commands") if r.status == 200]


@pytest.mark.parametrize("place", ["dm", "room", "thread"])
async def test_a_command_is_for_one_persons_eyes(sim: FakeDiscord, place: str) -> None:
    ana, ben, listener = sim.human("Ana"), sim.human("Ben"), Listener()
    where = {"dm": ana.dms, "room": sim.general}.get(place)
    async with listening(sim, listener):
        await ready(sim)
        where = where or await ana.thread(sim.general, "trip")
        shown = await ana.command("memory", "search", text="茶", where=where)
    assert (shown.text, shown.ephemeral) == ("I remember tea.", True)
    assert shown.acknowledged_after is not None
    assert ben.seen == ()
    [invocation] = listener.lines
    assert (invocation.line, invocation.user, invocation.name) == (
        "/memory search 茶",
        ana.id,
        "Ana",
    )
    expected = {
        "dm": ("dm", ana.dms.id, None),
        "room": (sim.guild.id, sim.general.id, None),
        "thread": (sim.guild.id, sim.general.id, where.id),
    }[place]
    address = invocation.address
    assert (address.space, address.channel, address.thread) == expected
    assert invocation.room_kind == ("dm" if place == "dm" else "public")
    assert listener.events == []


async def test_where_the_bot_is_no_member_a_command_is_about_the_person(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener()
    away = sim.add_guild("Away")
    hall = sim.channel("hall", guild=away)
    async with listening(sim, listener):
        await ready(sim)
        sim.leave(away)
        await ana.command("memory", "show", where=hall)
        await ana.command("memory", "show", where=sim.between(ana, sim.human("Ben")))
    assert [(i.room_kind, i.address.space) for i in listener.lines] == [("dm", "dm")] * 2


async def test_help_is_in_the_language_of_the_client(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener()
    async with listening(sim, listener):
        await ready(sim)
        await ana.command("help")
        sim.human("Cai", locale="zh-CN")
        await sim.human("Cai").command("help")
    assert [invocation.line for invocation in listener.lines] == ["/help", "/help zh"]


async def test_a_long_answer_and_a_document_go_along(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener()
    listener.shown = Shown(
        text="记住 @everyone。\n" * 500, file_name="memory.json", file_text='{"茶": 1}'
    )
    async with listening(sim, listener):
        await ready(sim)
        shown = await ana.command("memory", "export", where=sim.general)
        await sim.until(lambda: shown.text.count("记住") == 500)
    assert shown.ephemeral
    assert len(shown.messages) > 2
    for request in sim.requested("POST /webhooks/{}/{}"):
        assert isinstance(request.body, dict)
        assert request.body["allowed_mentions"]["parse"] == []
    files = [file for message in shown.messages for file in message.attachments]
    assert [(file.name, file.data.decode()) for file in files] == [("memory.json", '{"茶": 1}')]


async def test_a_command_that_came_too_late_has_no_effect() -> None:
    listener = Listener()
    async with FakeDiscord(ack_within=0.3).running() as sim, listening(sim, listener):
        await ready(sim)
        sim.fail("POST /interactions/{}/{}/callback", code=10062)
        shown = await sim.human("Ana").command("memory", "clear")
        assert shown.failed
        await sim.human("Ana").command("memory", "show")
    assert [invocation.line for invocation in listener.lines] == ["/memory show"]


async def test_a_typed_command_is_answered_where_only_the_asker_reads(sim: FakeDiscord) -> None:
    ana, ben, listener = sim.human("Ana"), sim.human("Ben"), Listener(called)
    async with listening(sim, listener):
        await ana.dm("!memory show")
        [direct] = await ana.sees(1)
        await ana.say(sim.general, "！记忆")
        [private] = await ana.sees(1)
        await ana.say(sim.general, "<@bot> !help")
        [helped] = await ana.sees(1)
        await ana.say(sim.general, "!help")  # for another bot
        await sim.until(lambda: "!help" in listener.texts)
    assert {m.channel.id for m in (direct, private, helped)} == {ana.dms.id}
    assert direct.content == "I remember tea."
    assert ben.seen == ()
    assert [i.line for i in listener.lines] == ["!memory show", "！记忆", "!help"]
    assert [i.room_kind for i in listener.lines] == ["dm", "public", "public"]
    assert listener.texts == ["!help"]


async def test_who_takes_no_dms_is_told_of_the_other_way(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener()
    ana.user.closed = True
    async with listening(sim, listener):
        await ana.say(sim.general, "!memory show")
        [told] = await ana.sees(1)
    assert told.channel is sim.general
    assert "Use /memory" in told.content
    assert "tea" not in told.content


# ---- what is offered, and to whom


async def test_whose_memory_is_offered(sim: FakeDiscord) -> None:
    ana = sim.human("Ana")
    async with listening(sim, Listener()):
        await ready(sim)
        room = await ana.autocomplete("memory", "show", focused="whose", where=sim.general)
        direct = await ana.autocomplete("memory", "show", focused="whose")
    assert [(choice.name, choice.value) for choice in room] == [
        ("This room's · 本房间的", "room"),
        ("My own · 我自己的", "me"),
    ]
    assert [choice.value for choice in direct] == ["me"]


async def test_facts_are_offered_while_one_types(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener()
    listener.choices = [
        Choice(label="#12 likes tea", value="12"),
        Choice(label="#13 喜欢茶" + "。" * 200, value="13"),
        *(Choice(label=f"#{number} other", value=str(number)) for number in range(20, 60)),
    ]
    async with listening(sim, listener):
        await ready(sim)
        found = await ana.autocomplete("memory", "forget", focused="number", number="茶")
        assert [choice.value for choice in found] == ["13"]
        assert len(found[0].name) == 100
        everything = await ana.autocomplete(
            "memory", "edit", focused="number", where=sim.general, whose="me"
        )
        assert len(everything) == 25
        await ana.command("memory", "edit", number="13", text="爱茶")
    first, second = listener.asked
    assert (first.line, first.own, first.room_kind) == ("茶", False, "dm")
    assert (second.line, second.own, second.room_kind) == ("", True, "public")
    assert [i.line for i in listener.lines] == ["/memory edit 13 爱茶"]


async def test_facts_that_take_too_long_are_none(
    sim: FakeDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Listener):
        async def facts(self, invocation: Invocation) -> list[Choice]:
            await asyncio.Event().wait()
            return []

    monkeypatch.setattr("adapters.discord.commands.AT_MOST", 0.05)
    async with listening(sim, Slow()):
        await ready(sim)
        assert await sim.human("Ana").autocomplete("memory", "why", focused="number") == ()


@pytest.mark.parametrize(
    ("command", "path", "options", "line"),
    [
        ("memory", ["search"], {"text": "茶 tea", "page": 2}, "/memory search 茶 tea --page 2"),
        ("memory", ["add"], {"text": "I live in 柏林"}, "/memory add I live in 柏林"),
        ("memory", ["show"], {"day": "2026-10-01"}, "/memory show --as-of 2026-10-01"),
        ("memory", ["show"], {}, "/memory show"),
        ("usage", [], {}, "/usage"),
        ("memory", ["unpin"], {"number": "12"}, "/memory unpin 12"),
        ("memory", ["share"], {"number": "12"}, "/memory share 12"),
        ("memory", ["unshare"], {"number": "12"}, "/memory unshare 12"),
        ("memory", ["why"], {"number": "12"}, "/memory why 12"),
        ("memory", ["clear"], {}, "/memory clear human"),
        ("memory", ["clear"], {"block": "persona", "confirm": "yes"}, "/memory clear persona yes"),
        ("memory", ["undo"], {}, "/memory undo"),
        ("memory", ["undo"], {"change": 7}, "/memory undo 7"),
        ("memory", ["history"], {"page": 3}, "/memory history 3"),
        ("memory", ["keep"], {"number": "12"}, "/memory keep 12"),
        ("memory", ["learned"], {}, "/memory learned"),
        ("memory", ["digest"], {"every": "weekly"}, "/memory digest weekly"),
        ("memory", ["digest"], {}, "/memory digest"),
        ("memory", ["quiet"], {}, "/memory quiet"),
        (
            "memory",
            ["quiet"],
            {"hours": "22-7", "zone": "Asia/Tokyo"},
            "/memory quiet 22-7 Asia/Tokyo",
        ),
        ("memory", ["pause"], {}, "/memory pause"),
        ("memory", ["resume"], {}, "/memory resume"),
        ("persona", [], {"text": "我是诗人"}, "/persona 我是诗人"),
        ("persona", [], {}, "/persona"),
        ("link", [], {"code": "7KQ2-M4XP", "confirm": "yes"}, "/link 7KQ2-M4XP yes"),
        ("link", [], {}, "/link"),
        ("unlink", [], {}, "/unlink"),
        ("forgetme", [], {"confirm": "yes"}, "/forgetme yes"),
        ("stop", [], {}, "/stop"),
        ("memory", ["incognito"], {"state": "on"}, "/memory incognito on"),
        ("memory", ["incognito"], {}, "/memory incognito"),
    ],
)
async def test_a_command_becomes_a_line(
    sim: FakeDiscord, command: str, path: list[str], options: dict[str, Any], line: str
) -> None:
    listener = Listener()
    async with listening(sim, listener):
        await ready(sim)
        shown = await sim.human("Ana").command(command, *path, **options)
    assert shown.ephemeral
    [invocation] = listener.lines
    assert (invocation.line, invocation.realm, invocation.own) == (line, "dm", False)


async def test_the_mode_is_for_admins_of_a_room(sim: FakeDiscord) -> None:
    ana, chief, listener = sim.human("Ana"), sim.human("Chief", admin=True), Listener()
    async with listening(sim, listener):
        await ready(sim)
        with pytest.raises(Refused, match="may not use"):
            await ana.command("mode", where=sim.general)
        with pytest.raises(Refused, match="not offered"):
            await chief.command("mode")
        await chief.command("mode", where=sim.general, mode="listen")
        sim.allow(sim.general, Permission.MANAGE_CHANNELS, ana)
        await ana.command("mode", where=sim.general)
        await chief.command("memory", "show")
    assert [(i.line, i.admin) for i in listener.lines] == [
        ("/mode listen", True),
        ("/mode", True),
        ("/memory show", False),
    ]


async def test_who_may_manage_a_room_is_known_from_messages_too(sim: FakeDiscord) -> None:
    ana, chief, listener = sim.human("Ana"), sim.human("Chief", admin=True), Listener()
    async with listening(sim, listener):
        await ana.say(sim.general, "<@bot> !mode off")
        thread = await chief.thread(sim.general, "trip")
        await chief.say(sim.general, "<@bot> ！模式 off", thread=thread)
        await chief.dm("!help")
        await sim.until(lambda: len(listener.lines) == 3)
    assert {i.line: i.admin for i in listener.lines} == {
        "!mode off": False,
        "！模式 off": True,
        "!help": False,
    }


async def test_the_rules_of_a_server_are_seen_by_all_and_changed_by_its_managers(
    sim: FakeDiscord,
) -> None:
    ana, chief, listener = sim.human("Ana"), sim.human("Chief", admin=True), Listener()
    async with listening(sim, listener):
        await ready(sim)
        sim.allow(sim.general, Permission.MANAGE_CHANNELS, ana)
        await ana.command("policy", where=sim.general)
        await chief.command("policy", where=sim.general, rule="opt-in", value="on")
        rule = {"rule": "keep person", "value": "30", "confirm": "yes"}
        await chief.command("policy", where=sim.general, **rule)
        await ana.say(sim.general, "<@bot> !policy opt-in off")
        await chief.say(sim.general, "<@bot> ！规则 同意 关")
        await sim.until(lambda: len(listener.lines) == 5)
    assert {i.line: i.governs for i in listener.lines} == {
        "/policy": False,
        "/policy opt-in on": True,
        "/policy keep person 30 yes": True,
        "!policy opt-in off": False,
        "！规则 同意 关": True,
    }


# ---- remember this


async def test_a_message_is_remembered_from_its_menu(sim: FakeDiscord) -> None:
    ana, ben, listener = sim.human("Ana"), sim.human("Ben"), Listener()
    async with listening(sim, listener):
        await ready(sim)
        mine = await ana.say(sim.general, "我的门牌是 42")
        his = await ben.say(sim.general, "<@Ana> the door code is 42")
        empty = await ben.upload(sim.general, "a.txt", b"tea")
        for message in (mine, his):
            assert (await ana.menu("Remember this", message)).ephemeral
        nothing = await ana.menu("Remember this", empty)
    assert nothing.text == sentences.NO_WORDS
    assert [(i.line, i.about) for i in listener.lines] == [
        ("/memory add 我的门牌是 42", mine.id),
        ("/memory add Ben: @Ana the door code is 42", his.id),
    ]


async def test_an_outdated_command_is_explained(
    sim: FakeDiscord, caplog: pytest.LogCaptureFixture
) -> None:
    ana, listener = sim.human("Ana"), Listener()
    async with listening(sim, listener):
        await ready(sim)
        [old] = [command for command in sim.commands if command["name"] == "memory"]
        old["options"] = [{"type": 3, "name": "what", "description": "show, search"}]
        shown = await ana.command("memory", what="show")
        stray = {**old, "name": "remind", "options": []}
        sim.commands.append(stray)
        gone = await ana.command("remind")
    assert shown.text == gone.text == sentences.OUTDATED
    assert shown.ephemeral
    assert listener.lines == []
    assert "Traceback" not in caplog.text
