"""Buttons, forms, the Home tab and the shortcut of the real Slack adapter, against the fake."""

import pytest

from adapters.base import Button, Form, Line, Part, Shown
from bot.testing.slack import FakeSlack, Human, Interaction, Json
from bot.testing.slack.blocks import text_of
from tests.edge.slack_world import Listener, online

EDIT = Form(title="Edit #12", label="What is right?", value="drinks tea 喝茶", long=True)
LISTED = Shown(
    text="What I know of you:",
    parts=(
        Part(
            title="human",
            lines=(
                Line(
                    text="#12 drinks tea 喝茶",
                    buttons=(
                        Button(label="Edit", line="/memory edit 12", form=EDIT),
                        Button(label="Why?", line="/memory why 12"),
                        Button(label="Forget", line="/memory forget 12", danger=True),
                    ),
                ),
            ),
        ),
    ),
    buttons=(Button(label="Export", line="/memory export"),),
)
UNDO = Shown(text="Forgotten 已忘记.", buttons=(Button(label="Undo", line="/memory undo"),))


@pytest.fixture
def listener(fake: FakeSlack) -> Listener:
    listener = Listener(fake)
    listener.answers = {
        "/memory show": LISTED,
        "!memory show": LISTED,
        "/memory forget": UNDO,
        "/memory why": Shown(text="Ana said it 是 Ana 说的."),
        "/memory edit": Shown(text="Changed 已更改."),
        "/memory undo": Shown(text="Undone 已撤销."),
        "/memory add": Shown(text="Remembered 已记住."),
        "/memory export": Shown(text="All.", file_name="memory.json", file_text="{}"),
    }
    return listener


async def forgets(ana: Human, place: Json) -> Interaction:
    """Chooses it from the menu of #12, and says yes to the question."""
    pressed = await ana.press(place, "Forget", beside="#12")
    asked = await pressed.modal()
    assert asked["title"]["text"] == "Really? · 真的吗？"
    assert "`/memory forget 12`" in text_of(asked)
    await ana.submit(asked)
    return pressed


async def shown_list(ana: Human, where: str | None = "#general") -> Json:
    seen = await ana.command("/memory", "show", where=where)
    return seen.shown[0]


# ---- buttons


@pytest.mark.parametrize("http", [False, True], ids=["socket", "http"])
async def test_a_button_gives_its_command(fake: FakeSlack, listener: Listener, http: bool) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener, http=http):
        shown = await shown_list(ana)
        await forgets(ana, shown)
        await fake.until(lambda: "Forgotten 已忘记." in text_of(shown))
        await ana.press(shown, "Undo")
        await fake.until(lambda: "Undone 已撤销." in text_of(shown))
    assert listener.lines == [
        "/memory show",
        "/memory forget 12",
        "/memory show",
        "/memory undo",
        "/memory show",
    ]
    given = listener.invocations[1]
    general = fake.channel("general").id
    assert (given.user, given.name, given.own) == (ana.id, "Ana", False)
    assert (given.address.channel, given.room_kind, given.room_name) == (
        general,
        "public",
        "general",
    )
    assert shown["to"] == ana.id
    assert "drinks tea" in text_of(shown)  # the list stays where it is
    assert fake.workspace.ephemerals == [shown]
    assert all(ack.took < 0.5 for ack in fake.acks)


async def test_buttons_outlive_the_bot(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        shown = await shown_list(ana)
    async with online(fake, listener):
        await forgets(ana, shown)
        await fake.until(lambda: "Forgotten" in text_of(shown))
    assert listener.lines[1:] == ["/memory forget 12", "/memory show"]


async def test_buttons_in_direct_messages(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        await ana.dm("!memory show")
        [listed] = await ana.sees("drinks tea")
        await forgets(ana, listed)
        await fake.until(lambda: "Forgotten" in text_of(listed))
    assert "to" not in listed
    assert listed["edited"]["user"] == fake.app.user
    given = listener.invocations[1]
    assert (given.line, given.room_kind) == ("/memory forget 12", "dm")
    assert given.address.channel == listed["channel"]


async def test_buttons_in_a_thread_are_answered_there(fake: FakeSlack, listener: Listener) -> None:
    ana, bo = fake.human("Ana"), fake.human("Bo")
    async with online(fake, listener):
        root = await bo.say("#general", "hello")
        await ana.say("#general", "!memory show", thread=root)
        [listed] = await ana.sees("drinks tea")
        await forgets(ana, listed)
        await fake.until(lambda: "Forgotten" in text_of(listed))
        [why] = await (await ana.press(listed, "Why?")).sees()
    assert listed["thread_ts"] == why["thread_ts"] == root["ts"]
    assert listener.invocations[1].address.thread == root["ts"]


async def test_where_the_url_is_used_up_the_answer_comes_all_the_same(
    fake: FakeSlack, listener: Listener
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        shown = await shown_list(ana)
        fake.fail("response_url", status=404)
        await forgets(ana, shown)
        [answer] = await ana.sees("Forgotten")
    assert answer is not shown
    assert fake.calls("chat.postEphemeral")[0]["user"] == ana.id


async def test_a_document_by_button(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        listed = await shown_list(ana)
        await ana.press(listed, "Export")
        [row] = await ana.sees(lambda row: bool(row.get("files")))
        await fake.until(lambda: "direct message" in text_of(listed))
    assert row["channel"] == fake.workspace.im(ana.id).id


# ---- forms


async def filled(listener: Listener, ana: Human, pressed: Interaction, text: str) -> None:
    before = len(listener.invocations)
    view = await pressed.modal()
    assert view["blocks"][0]["element"]["initial_value"] == "drinks tea 喝茶"
    assert view["title"]["text"] == "Edit #12"
    done = await ana.submit(view, {"text": text})
    assert (done.error, done.errors, ana.modals) == ("", {}, [])
    await listener.obeys(before + 1)


@pytest.mark.parametrize("http", [False, True], ids=["socket", "http"])
async def test_a_form_is_filled_in(fake: FakeSlack, listener: Listener, http: bool) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener, http=http):
        pressed = await ana.press(await shown_list(ana), "Edit")
        await filled(listener, ana, pressed, "drinks coffee\n喝咖啡")
        [answer] = await ana.sees("Changed")
    show = "/memory show"  # for the form, and afterwards
    assert listener.lines == [show, show, "/memory edit 12 drinks coffee\n喝咖啡", show]
    given = listener.invocations[2]
    assert (given.address.channel, given.room_kind) == (fake.channel("general").id, "public")
    assert (answer["to"], answer["channel"]) == (ana.id, fake.channel("general").id)


async def test_a_form_outlives_the_bot(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        pressed = await ana.press(await shown_list(ana), "Edit")
        await pressed.modal()
    async with online(fake, listener):
        await filled(listener, ana, pressed, "drinks water 喝水")
        assert await ana.sees("Changed")


@pytest.mark.parametrize("error", ["expired_trigger_id", "exchanged_trigger_id"])
async def test_a_form_that_comes_too_late(fake: FakeSlack, listener: Listener, error: str) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        shown = await shown_list(ana)
        fake.fail("views.open", error=error)
        pressed = await ana.press(shown, "Edit")
        [answer] = await pressed.sees()
    assert "Please press again" in answer["text"]
    assert "请再按一次" in answer["text"]
    assert set(listener.lines) == {"/memory show"}


# ---- who may


async def test_who_may_change_the_mode(fake: FakeSlack, listener: Listener) -> None:
    boss, ana, bo = fake.human("Boss", admin=True), fake.human("Ana"), fake.human("Bo")
    fake.channel("team", members=[ana, bo, boss]).creator = ana.id
    async with online(fake, listener):
        for person in (boss, ana, bo):
            await person.command("/mode", "open", where="#team")
        await ana.say("#team", "!mode listen")
        await (await bo.command("/mode", where="#general")).sees()
        await listener.obeys(4)
        await bo.say("#team", "<@bot> !mode off")
        await listener.obeys(5)
    who = [(row.line, row.user, row.admin) for row in listener.invocations]
    assert who == [
        ("/mode open", boss.id, True),
        ("/mode open", ana.id, True),
        ("/mode open", bo.id, False),
        ("/mode", bo.id, False),
        ("!mode off", bo.id, False),
    ]
    assert listener.texts == ["!mode listen"]  # other bots may listen to it


# ---- Home


async def test_home_is_the_persons_memory(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        view = await ana.open_home()
    assert "drinks tea 喝茶" in text_of(view)
    [given] = listener.invocations
    assert (given.line, given.own, given.room_kind, given.realm) == (
        "/memory show",
        True,
        "dm",
        None,
    )
    assert (given.user, given.address.channel) == (ana.id, fake.workspace.im(ana.id).id)


async def test_home_is_fresh_after_each_press(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        view = await ana.open_home()
        await forgets(ana, view)
        await fake.until(lambda: ana.home is not view)
        after = ana.home
        listener.answers["/memory show"] = Shown(text="Nothing 无")
        await ana.press(after, "Undo")
        await fake.until(lambda: ana.home is not after)
    assert text_of(after).startswith("Forgotten 已忘记.")
    assert "drinks tea" in text_of(after)
    assert text_of(ana.home) == "Undone 已撤销.\nNothing 无"
    assert listener.lines == [
        "/memory show",
        "/memory forget 12",
        "/memory show",
        "/memory undo",
        "/memory show",
    ]
    assert {row.own for row in listener.invocations} == {True}
    assert fake.calls("chat.postEphemeral") == []


async def test_a_form_at_home(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        view = await ana.open_home()
        await filled(listener, ana, await ana.press(view, "Edit"), "drinks milk 喝牛奶")
        await fake.until(lambda: ana.home is not view)
        fake.fail("views.open", error="expired_trigger_id")
        view = ana.home
        await ana.press(view, "Edit")
        await fake.until(lambda: ana.home is not view)
    assert listener.lines[2] == "/memory edit 12 drinks milk 喝牛奶"
    assert listener.invocations[2].own
    assert text_of(view).startswith("Changed 已更改.")
    assert "请再按一次" in text_of(ana.home)


async def test_the_messages_tab_has_prompts_once(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        await ana.open_home("messages")
        await fake.until(lambda: fake.workspace.prompts)
        await ana.open_home("messages")
        await ana.open_home()
    [prompts] = fake.workspace.prompts.values()
    assert [prompt["title"] for prompt in prompts][-1] == "你记得我什么？"
    assert len(fake.calls("assistant.threads.setSuggestedPrompts")) == 1


async def test_prompts_that_slack_does_not_know_hurt_nobody(
    fake: FakeSlack, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        fake.fail("assistant.threads.setSuggestedPrompts", error="unknown_method")
        await ana.open_home("messages")
        await ana.open_home()
    assert "slack home failed" not in caplog.text
    assert {delivery.attempts for delivery in fake.deliveries} == {1}


# ---- the shortcut


async def test_remember_this(fake: FakeSlack, listener: Listener) -> None:
    ana, bo = fake.human("Ana"), fake.human("Bo")
    async with online(fake, listener):
        own = await ana.say("#general", "I like <#random> & 茶")
        others = await bo.say("#general", "the launch is on Friday 周五", thread=own)
        seen = await ana.shortcut("remember", own)
        [answer] = await seen.sees()
        [second] = await (await ana.shortcut("remember", others)).sees()
        said = await ana.dm("my birthday is in May")
        await (await ana.shortcut("remember", said)).sees()
    assert listener.lines == [
        "/memory add I like #random & 茶",
        "/memory add Bo: the launch is on Friday 周五",
        "/memory add my birthday is in May",
    ]
    general = fake.channel("general").id
    abouts = [(row.about, row.room_kind, row.user) for row in listener.invocations]
    assert abouts == [
        (f"{general}:{own['ts']}", "public", ana.id),
        (f"{general}:{others['ts']}", "public", ana.id),
        (f"{said['channel']}:{said['ts']}", "dm", ana.id),
    ]
    assert (answer["text"], answer["to"]) == ("Remembered 已记住.", ana.id)
    assert second["thread_ts"] == own["ts"]


async def test_nothing_to_remember(fake: FakeSlack, listener: Listener) -> None:
    ana = fake.human("Ana")
    async with online(fake, listener):
        said = await ana.upload("#general", "a.png", b"1")
        [answer] = await (await ana.shortcut("remember", said)).sees()
    assert "没有我能记住的文字" in answer["text"]
    assert listener.invocations == []
