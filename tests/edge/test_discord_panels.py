"""Buttons, menus and forms on Discord: whoever presses gives the command, whenever it is."""

import asyncio

import pytest

from adapters.base import Button, Form, Invocation, Line, Part, Shown
from adapters.discord import sentences
from bot.testing.discord import FakeDiscord, Interaction, Refused
from tests.edge.discord_adapter import Listener, listening

CALLBACK = "POST /interactions/{}/{}/callback"
FOLLOW_UP = "POST /webhooks/{}/{}"


async def ready(sim: FakeDiscord) -> None:
    await sim.until(lambda: sim.commands)


ADD = Button(
    label="Add", line="/memory add", form=Form(title="Remember", label="What? · 什么？", long=True)
)
EXPORT = Button(label="Export", line="/memory export")


def fact(number: int, text: str) -> Line:
    form = Form(title=f"Edit #{number}", label="What is right?", value=text, long=True)
    return Line(
        text=f"#{number} {text}",
        buttons=(
            Button(label="Edit", line=f"/memory edit {number}", form=form),
            Button(label="Pin", line=f"/memory pin {number}"),
            Button(label="Forget", line=f"/memory forget {number}", danger=True),
        ),
    )


def memory(*facts: Line) -> Shown:
    return Shown(
        text="I remember:", parts=(Part(title="human", lines=facts),), buttons=(ADD, EXPORT)
    )


def knowing(count: int) -> Listener:
    listener = Listener()
    facts = [fact(number, f"likes tea {number}") for number in range(1, count)]
    listener.shows["/memory show"] = memory(*facts, fact(count, "喜欢喝茶"))
    listener.shown = Shown(text="Done. 好的。")
    return listener


def lines(listener: Listener) -> list[str]:
    return [invocation.line for invocation in listener.lines]


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_button_gives_its_command(sim: FakeDiscord, restarted: bool) -> None:
    ana, listener = sim.human("Ana"), knowing(2)
    async with listening(sim, listener):
        await ready(sim)
        shown = await ana.command("memory", "show", where=sim.general)
        if not restarted:
            done = await ana.click(shown.messages[-1], "② Pin")
    if restarted:  # nothing of it was kept
        async with listening(sim, listener):
            done = await ana.click(shown.messages[-1], "② Pin")
    assert lines(listener) == ["/memory show", "/memory pin 2"]
    assert (done.text, done.ephemeral) == ("Done. 好的。", True)
    first, second = listener.lines
    assert first == _with_line(second, "/memory show")
    assert sim.human("Ben").seen == ()


def _with_line(invocation: Invocation, line: str) -> Invocation:
    return Invocation(
        address=invocation.address,
        user=invocation.user,
        name=invocation.name,
        line=line,
        room_kind=invocation.room_kind,
        room_name=invocation.room_name,
        realm=invocation.realm,
        admin=invocation.admin,
        own=invocation.own,
    )


@pytest.mark.parametrize("text", ["likes coffee", "喜欢咖啡\n和茶"])
async def test_a_form_gives_its_command_with_the_text(sim: FakeDiscord, text: str) -> None:
    ana, listener = sim.human("Ana"), knowing(1)
    async with listening(sim, listener):
        await ready(sim)
        shown = await ana.command("memory", "show")
        opened = await ana.click(shown.messages[0], "Edit")
        assert opened.form is not None
        assert opened.form["title"] == "Edit #1"
        same = await ana.submit(opened)
        changed = await ana.submit(opened, {"What is right?": text})
        added = await ana.submit(
            await ana.click(shown.messages[0], "Add"), {"What? · 什么？": text}
        )
    assert {seen.text for seen in (same, changed, added)} == {"Done. 好的。"}
    assert [line for line in lines(listener) if line != "/memory show"] == [
        "/memory edit 1 喜欢喝茶",
        f"/memory edit 1 {text}",
        f"/memory add {text}",
    ]


async def test_a_form_that_survives_a_restart(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), knowing(1)
    async with listening(sim, listener):
        await ready(sim)
        shown = await ana.command("memory", "show")
        opened = await ana.click(shown.messages[0], "Edit")
    async with listening(sim, listener):
        await ana.submit(opened, {"text": "喜欢咖啡"})
        again = await ana.click(shown.messages[0], "Edit")
        assert again.form is not None
        assert again.form["components"][0]["component"]["value"] == "喜欢喝茶"
    assert "/memory edit 1 喜欢咖啡" in lines(listener)


async def test_a_form_of_what_is_gone_is_empty(
    sim: FakeDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Listener):
        async def command(self, invocation: Invocation) -> Shown:
            shown = await super().command(invocation)
            if len(self.lines) > 2:
                await asyncio.Event().wait()
            return shown

    monkeypatch.setattr("adapters.discord.presses.AT_MOST", 0.05)
    ana, listener = sim.human("Ana"), Slow()
    listener.shows["/memory show"] = memory(fact(1, "tea"))
    async with listening(sim, listener):
        await ready(sim)
        shown = await ana.command("memory", "show")
        listener.shows.clear()
        for _ in range(2):  # gone, and then too slow to tell
            opened = await ana.click(shown.messages[0], "Edit")
            assert opened.form is not None
            assert opened.form["title"] == "Edit"
            assert opened.form["components"][0]["component"].get("value") is None


async def test_what_is_dangerous_is_asked_once_more(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), knowing(1)
    async with listening(sim, listener):
        await ready(sim)
        shown = await ana.command("memory", "show", where=sim.general)
        asked = await ana.click(shown.messages[0], "Forget")
        assert asked.ephemeral
        assert "Really? · 真的吗？" in asked.text
        assert "`/memory forget 1`" in asked.text
        kept = await ana.click(asked.messages[0], sentences.NO)
        assert kept.text == sentences.UNCHANGED
        assert kept.messages[0].components == []
        assert lines(listener) == ["/memory show"]
        asked = await ana.click(shown.messages[0], "Forget")
        await ana.click(asked.messages[0], sentences.YES)
        [question] = asked.messages
        await sim.until(lambda: question.content == "Done. 好的。")
        with pytest.raises(Refused):  # it is done once
            await ana.click(question, sentences.YES)
    assert lines(listener) == ["/memory show", "/memory forget 1"]


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_line_is_chosen_from_many(sim: FakeDiscord, restarted: bool) -> None:
    ana, listener = sim.human("Ana"), knowing(60)
    async with listening(sim, listener):
        await ready(sim)
        shown = await ana.command("memory", "show", where=sim.general)
        await sim.until(lambda: shown.messages[-1].components)
        chosen = None if restarted else await choose(ana_picks=shown, sim=sim)
    async with listening(sim, listener):
        chosen = chosen or await choose(ana_picks=shown, sim=sim)
        assert (chosen.text, chosen.ephemeral) == ("- #60 喜欢喝茶", True)
        await ana.click(chosen.messages[0], "Pin")
        opened = await ana.click(chosen.messages[0], "Edit")
        assert opened.form is not None
        assert opened.form["components"][0]["component"]["value"] == "喜欢喝茶"
    assert "/memory pin 60" in lines(listener)


async def choose(*, ana_picks: Interaction, sim: FakeDiscord) -> Interaction:
    last = ana_picks.messages[-1]
    menu = last.components[2]["components"][0]
    return await sim.human("Ana").click(last, menu["custom_id"], "#60 喜欢喝茶")


async def test_a_line_that_is_gone_is_told(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), knowing(9)
    async with listening(sim, listener):
        await ready(sim)
        shown = await ana.command("memory", "show")
        listener.shows["/memory show"] = memory(fact(1, "tea"))
        menu = shown.messages[0].components[0]["components"][0]
        chosen = await ana.click(shown.messages[0], menu["custom_id"], "#9 喜欢喝茶")
    assert sentences.NOT_THERE in chosen.text


# ---- whose, and who


async def test_ones_own_memory_stays_ones_own_in_a_room(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), knowing(9)
    async with listening(sim, listener):
        await ready(sim)
        shown = await ana.command("memory", "show", where=sim.general, whose="me")
        menu = shown.messages[0].components[0]["components"][0]
        chosen = await ana.click(shown.messages[0], menu["custom_id"], "#9 喜欢喝茶")
        await ana.click(chosen.messages[0], "Pin")
        await ana.submit(await ana.click(chosen.messages[0], "Edit"))
        asked = await ana.click(chosen.messages[0], "Forget")
        await ana.click(asked.messages[0], sentences.YES)
        await sim.until(lambda: lines(listener)[-1] == "/memory forget 9")
        await ana.command("memory", "show", where=sim.general, whose="room")
    *before, last = listener.lines
    assert all(invocation.own for invocation in before)
    assert not last.own
    assert {invocation.room_kind for invocation in listener.lines} == {"public"}


# ---- typed, and late


async def test_typed_commands_have_buttons_at_home_only(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), knowing(1)
    listener.shown = memory(fact(1, "喜欢喝茶"))
    async with listening(sim, listener):
        await ana.dm("!memory show")
        [direct] = await ana.sees(1)
        await ana.say(sim.general, "!memory show")
        [of_the_room] = await ana.sees(1)
        await ana.click(direct, "Pin")
    assert of_the_room.channel is ana.dms
    assert of_the_room.components == []
    assert "- #1 喜欢喝茶" in of_the_room.content
    assert lines(listener) == ["!memory show", "!memory show", "/memory pin 1"]


@pytest.mark.parametrize("code", [10062, 40060])
async def test_a_press_that_came_too_late_has_no_effect(
    code: int, caplog: pytest.LogCaptureFixture
) -> None:
    listener = knowing(1)
    async with FakeDiscord(ack_within=0.3).running() as sim, listening(sim, listener):
        ana = sim.human("Ana")
        await ready(sim)
        shown = (await ana.command("memory", "show", where=sim.general)).messages[0]
        for which in ("Pin", "Forget", "Add"):
            sim.fail(CALLBACK, code=code)
            assert (await ana.click(shown, which)).failed
        if code == 10062:
            told = await ana.sees(3, where=ana.dms)
            assert {message.content for message in told} == {sentences.TOO_LATE}
        done = await ana.click(shown, "Pin")
        assert done.text == "Done. 好的。"
        assert len([m for m in ana.seen if m.channel is ana.dms]) == (3 if code == 10062 else 0)
    assert lines(listener) == ["/memory show", "/memory pin 1"]
    assert caplog.text.count("a command came too late") == 3
    assert "Traceback" not in caplog.text


async def test_an_answer_that_is_not_taken_is_explained(
    sim: FakeDiscord, caplog: pytest.LogCaptureFixture
) -> None:
    ana, listener = sim.human("Ana"), Listener()
    async with listening(sim, listener):
        await ready(sim)
        sim.fail(FOLLOW_UP, code=50027)
        asking = asyncio.create_task(ana.command("memory", "show", where=sim.general))
        assert await ana.sees(lambda m: m.content == sentences.UNANSWERED, where=ana.dms)
        asking.cancel()
    assert "an answer was not taken" in caplog.text
    assert "Traceback" not in caplog.text
