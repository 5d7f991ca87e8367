"""The Home tab of the real Slack adapter: a person's own memory, and a place to correct it."""

import pytest

from adapters.base import Button, Form, Line, Part, Shown
from bot.testing.slack import FakeSlack, Human, Json
from bot.testing.slack.blocks import text_of
from tests.edge.slack_world import Listener, online

ADD = Button(label="Add", line="/memory add", form=Form(title="Remember", label="What?", long=True))


def fact(number: int, text: str) -> Line:
    form = Form(title=f"Edit #{number}", label="What is right?", value=text, long=True)
    edit = Button(label="Edit", line=f"/memory edit {number}", form=form)
    why = Button(label="Why?", line=f"/memory why {number}")
    forget = Button(label="Forget", line=f"/memory forget {number}", danger=True)
    return Line(text=f"#{number} {text}", buttons=(edit, why, forget))


def known(*facts: Line) -> Shown:
    export = Button(label="Export", line="/memory export")
    return Shown(parts=(Part(title="human", lines=facts),), buttons=(ADD, export))


@pytest.fixture
def listener(fake: FakeSlack) -> Listener:
    listener = Listener(fake)
    reason = (Part(title="Facts", lines=(fact(9, "旧的说法"),)),)
    listener.answers = {
        "/memory show": known(fact(1, "likes tea"), fact(2, "喜欢喝茶")),
        "/memory why": Shown(text="小明说的", parts=reason),
        "/memory forget": Shown(text="Forgotten 已忘记."),
        "/memory add": Shown(text="Saved 已记住."),
        "/memory export": Shown(text="All.", file_name="memory.json", file_text='{"茶": 1}'),
    }
    return listener


async def after(fake: FakeSlack, ana: Human, view: Json) -> Json:
    await fake.until(lambda: ana.home is not view)
    return ana.home


@pytest.mark.parametrize("http", [False, True], ids=["socket", "http"])
async def test_pressed_and_filled_in_at_home(
    fake: FakeSlack, listener: Listener, http: bool
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener, http=http):
        view = await ana.open_home()
        asked = await (await ana.press(view, "Forget", beside="#2")).modal()
        listener.answers["/memory show"] = known(fact(1, "likes tea"))
        await ana.submit(asked)
        less = await after(fake, ana, view)
        form = await (await ana.press(less, "Add")).modal()
        await ana.submit(form, {"text": "喜欢猫\nand dogs"})
        more = await after(fake, ana, less)
    assert text_of(less).startswith("Forgotten 已忘记.\n*human*")
    assert "喜欢喝茶" not in text_of(less)
    assert text_of(more).startswith("Saved 已记住.")
    assert listener.lines == [
        "/memory show",
        "/memory forget 2",
        "/memory show",
        "/memory add 喜欢猫\nand dogs",
        "/memory show",
    ]
    direct = fake.workspace.im(ana.id).id
    places = {(row.own, row.room_kind, row.address.channel) for row in listener.invocations}
    assert places == {(True, "dm", direct)}
    assert len(fake.calls("conversations.open")) == 1
    assert [row for row in ana.screen if row.get("to")] == []


async def test_home_outlives_the_bot(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        view = await ana.open_home()
    async with online(fake, listener):
        await ana.press(view, "Why?", beside="#2")
        found = await after(fake, ana, view)
    assert text_of(found).startswith("小明说的")
    assert "likes tea" in text_of(found)


async def test_what_is_shown_on_top_is_looked_up_in_its_own_answer(
    fake: FakeSlack, listener: Listener
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        view = await ana.open_home()
        await ana.press(view, "Why?", beside="#1")
        found = await after(fake, ana, view)
        form = await (await ana.press(found, "Edit", beside="#9")).modal()
    assert form["blocks"][0]["element"]["initial_value"] == "旧的说法"
    assert listener.lines[-1] == "/memory why 1"
    assert listener.invocations[-1].own


async def test_a_document_from_home(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        view = await ana.open_home()
        await ana.press(view, "Export")
        sent = await after(fake, ana, view)
        [row] = await ana.sees(lambda row: bool(row.get("files")))
    assert "已通过私信发给你" in text_of(sent)
    assert row["channel"] == fake.workspace.im(ana.id).id


async def test_a_home_with_more_than_slack_shows(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    listener.answers["/memory show"] = known(*(fact(n, "喜欢喝茶") for n in range(1, 151)))
    async with online(fake, listener):
        view = await ana.open_home()
        assert len(view["blocks"]) == 100
        assert "… and 53 more" in text_of(view)
        assert "还有 53 条" in text_of(view)
        asked = await (await ana.press(view, "Forget", beside="#97 ")).modal()
        await ana.submit(asked)
        await after(fake, ana, view)
    assert listener.lines[1] == "/memory forget 97"


async def test_a_home_that_slack_does_not_take_hurts_nobody(
    fake: FakeSlack, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        view = await ana.open_home()
        fake.fail("views.publish", error="internal_error")
        await ana.press(view, "Why?", beside="#1")
        await fake.until(lambda: [row.error for row in fake.requests].count("internal_error"))
        await ana.press(view, "Why?", beside="#2")
        assert "小明说的" in text_of(await after(fake, ana, view))
    assert "an answer was not taken: internal_error" in caplog.text
    assert "Traceback" not in caplog.text
    assert "喜欢喝茶" not in caplog.text
