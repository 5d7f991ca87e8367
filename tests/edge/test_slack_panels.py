"""Lists on Slack that stay fresh: what is pressed there is shown in their place, or beside."""

import asyncio

import pytest

from adapters.base import Button, Form, Invocation, Line, Part, Shown
from bot.testing.slack import FakeSlack, Human, Json
from bot.testing.slack.blocks import text_of
from tests.edge.slack_world import Listener, online

PIN = Shown(text="Pinned 已置顶.", buttons=(Button(label="Undo", line="/memory undo"),))
SURE = Shown(
    text="Everything of you? 全部吗？",
    buttons=(
        Button(
            label="Confirm…",
            line="/forgetme",
            danger=True,
            form=Form(title="Are you sure?", label="Type yes, or 是, to confirm"),
        ),
    ),
)


def fact(number: int, text: str, *more: Button) -> Line:
    form = Form(title=f"Edit #{number}", label="What is right?", value=text, long=True)
    edit = Button(label="Edit", line=f"/memory edit {number}", form=form)
    pin = Button(label="Pin", line=f"/memory pin {number}")
    why = Button(label="Why?", line=f"/memory why {number}")
    return Line(text=f"#{number} {text}", buttons=(edit, pin, why, *more))


def listing(*facts: Line) -> Shown:
    return Shown(text="I remember:", parts=(Part(title="human", lines=facts),))


@pytest.fixture
def listener(fake: FakeSlack) -> Listener:
    listener = Listener(fake)
    undo = Button(label="Undo", line="/memory undo 40")
    listener.answers = {
        "/memory show": listing(fact(1, "likes tea"), fact(2, "喜欢喝茶")),
        "/memory search": listing(fact(2, "喜欢喝茶")),
        "/memory pin": PIN,
        "/memory why": Shown(
            text="小明说的", parts=(Part(lines=(Line(text="#40", buttons=(undo,)),)),)
        ),
        "/memory undo": Shown(text="Undone 已撤销."),
        "/memory add": Shown(
            text="Saved 已记住.", buttons=(Button(label="Undo", line="/memory undo"),)
        ),
        "/memory edit": Shown(text="Changed 已更改."),
        "/forgetme": SURE,
    }
    return listener


async def given(ana: Human, name: str, text: str = "", where: str | None = "#general") -> Json:
    return (await ana.command(name, text, where=where)).shown[0]


@pytest.mark.parametrize("line", ["show", "search 茶 --page 2"])
async def test_a_list_that_was_changed_is_shown_anew_in_its_place(
    fake: FakeSlack, listener: Listener, line: str
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        shown = await given(ana, "/memory", line)
        listener.answers[f"/memory {line.split()[0]}"] = listing(fact(2, "喜欢喝茶 · pinned"))
        await ana.press(shown, "Pin", beside="#2")
        await fake.until(lambda: "pinned" in text_of(shown))
    assert listener.lines == [f"/memory {line}", "/memory pin 2", f"/memory {line}"]
    assert text_of(shown).index("Pinned 已置顶.") < text_of(shown).index("I remember:")
    assert "likes tea" not in text_of(shown)
    assert fake.workspace.ephemerals == [shown]
    assert shown["to"] == ana.id


async def test_what_is_only_looked_up_comes_beside_the_list(
    fake: FakeSlack, listener: Listener
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        shown = await given(ana, "/memory", "show")
        before = text_of(shown)
        [why] = await (await ana.press(shown, "Why?", beside="#2")).sees()
        await ana.press(why, "Undo")
        await fake.until(lambda: "Undone 已撤销." in text_of(why))
    assert text_of(shown) == before
    assert listener.lines[1:] == ["/memory why 2", "/memory undo 40", "/memory why 2"]
    assert "小明说的" in text_of(why)


async def test_an_answer_that_is_no_list_gives_way_to_the_next(
    fake: FakeSlack, listener: Listener
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        shown = await given(ana, "/memory", "add 喝茶")
        await ana.press(shown, "Undo")
        await fake.until(lambda: text_of(shown) == "Undone 已撤销.")
    assert listener.lines == ["/memory add 喝茶", "/memory undo"]
    assert shown["blocks"] == []


@pytest.mark.parametrize("word", ["yes", "是"])
async def test_what_is_dangerous_is_confirmed_by_a_word(
    fake: FakeSlack, listener: Listener, word: str
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        shown = await given(ana, "/forgetme", where=None)
        view = await (await ana.press(shown, "Confirm…")).modal()
        assert view["blocks"][0]["label"]["text"] == "Type yes, or 是, to confirm"
        listener.answers["/forgetme"] = Shown(text="Forgotten 已清除.")
        await ana.submit(view, {"text": word})
        await fake.until(lambda: text_of(shown) == "Forgotten 已清除.")
    assert listener.lines == ["/forgetme", f"/forgetme {word}"]


async def test_a_form_shows_the_text_as_it_is_by_now(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        shown = await given(ana, "/memory", "search 茶")
    listener.answers["/memory search"] = listing(fact(2, "喜欢喝绿茶"))
    async with online(fake, listener):
        view = await (await ana.press(shown, "Edit")).modal()
        assert view["blocks"][0]["element"]["initial_value"] == "喜欢喝绿茶"
        await ana.close(view)
    assert listener.lines == ["/memory search 茶", "/memory search 茶"]


async def test_a_form_of_what_is_gone_or_late_is_empty(
    fake: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Listener):
        slow = False

        async def command(self, invocation: Invocation) -> Shown:
            if self.slow:
                await asyncio.Event().wait()
            return await super().command(invocation)

    monkeypatch.setattr("adapters.slack.presses.AT_MOST", 0.05)
    ana, listener = fake.human("Ana"), Slow(fake)
    listener.answers = {"/memory show": listing(fact(2, "喜欢喝茶"))}
    async with online(fake, listener):
        shown = await given(ana, "/memory", "show")
        listener.answers.clear()
        for listener.slow in (False, True):
            view = await (await ana.press(shown, "Edit")).modal()
            assert view["title"]["text"] == "Edit"
            assert view["blocks"][0]["label"]["text"] == "The words · 文字"
            assert "initial_value" not in view["blocks"][0]["element"]
            await ana.close(view)


async def test_a_question_that_is_answered_with_no_changes_nothing(
    fake: FakeSlack, listener: Listener
) -> None:
    ana = fake.human("Ana")
    forget = Button(label="Forget 忘记", line="/memory forget 1", danger=True)
    listener.answers["/memory show"] = listing(fact(1, "likes tea", forget))
    async with online(fake, listener):
        shown = await given(ana, "/memory", "show")
        asked = await (await ana.press(shown, "Forget 忘记")).modal()
        assert asked["close"]["text"] == "No · 否"
        await ana.close(asked)
        fake.fail("views.open", error="expired_trigger_id")
        [late] = await (await ana.press(shown, "Forget 忘记")).sees()
    assert "请再按一次" in text_of(late)
    assert listener.lines == ["/memory show"]


async def test_an_answer_that_cannot_take_the_place_of_the_list_comes_beside_it(
    fake: FakeSlack, listener: Listener
) -> None:
    ana, bo = fake.human("Ana"), fake.human("Bo")
    async with online(fake, listener):
        root = await bo.say("#general", "hello 你好")
        listener.answers["!memory show"] = listener.answers["/memory show"]
        await ana.say("#general", "!memory show", thread=root)
        [shown] = await ana.sees("#2")
        fake.fail("response_url", status=404)
        await ana.press(shown, "Pin", beside="#2")
        [anew] = await ana.sees("Pinned")
    assert anew is not shown
    assert (anew["to"], anew["thread_ts"]) == (ana.id, root["ts"])
    assert "喜欢喝茶" in text_of(anew)
    assert listener.lines[-1] == "!memory show"
    assert not [row for row in bo.screen if "喜欢喝茶" in text_of(row)]


async def test_the_rules_of_a_workspace_are_its_admins_and_not_who_made_a_channel(
    fake: FakeSlack, listener: Listener
) -> None:
    boss, ana = fake.human("Boss", admin=True), fake.human("Ana")
    async with online(fake, listener):
        await given(boss, "/policy", "opt-in on")
        await given(ana, "/policy", "keep person 30")
        await boss.say("#general", "<@bot> ！规则 同意 开")
        await listener.obeys(3)
    assert [row.governs for row in listener.invocations] == [True, False, True]


async def test_an_admin_may_change_what_is_known_of_others_and_reading_asks_nobody(
    fake: FakeSlack, listener: Listener
) -> None:
    boss, ana = fake.human("Boss", admin=True), fake.human("Ana")
    async with online(fake, listener):
        for human, rest in ((boss, "edit 2 tea"), (ana, "forget 2"), (boss, "show")):
            await given(human, "/memory", rest)
        await boss.say("#general", "！记忆 忘记 绿茶")
        await listener.obeys(4)
    assert [row.governs for row in listener.invocations] == [True, False, False, True]


async def test_a_slash_command_in_a_channel_is_in_no_thread(
    fake: FakeSlack, listener: Listener
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        await given(ana, "/memory", "incognito on")
        root = await ana.say("#general", "hello")
        await ana.say("#general", "!memory incognito on", thread=root)
        await listener.obeys(2)
    assert [(row.aside, row.address.thread) for row in listener.invocations] == [
        (True, None),
        (False, root["ts"]),
    ]


async def test_only_for_the_mode_it_matters_who_is_an_admin(
    fake: FakeSlack, listener: Listener
) -> None:
    boss = fake.human("Boss", admin=True)
    async with online(fake, listener):
        for name, text in (("/memory", "show"), ("/mode", "open"), ("/memory", "add /mode")):
            await given(boss, name, text)
        await boss.say("#general", "<@bot> ！模式 open")
        await listener.obeys(4)
    assert [row.admin for row in listener.invocations] == [False, True, False, True]
