"""Answers as Block Kit: what is shown fits Slack's limits, and what does not fit is told."""

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import Button, Form, Line, Part, Shown
from adapters.slack import blocks
from adapters.slack.blocks import Json, Press, form_of, home, messages, modal, question
from bot.testing.slack.blocks import (
    elements,
    message_blocks,
    options_of,
    prepared,
    text_of,
    view_problems,
)

EDIT = Button(
    label="Edit",
    line="/memory edit 12",
    form=Form(title="Edit #12", label="What is right?", value="likes 茶", long=True),
)
FORGET = Button(label="Forget", line="/memory forget 12", danger=True)
ADD = Button(label="Add", line="/memory add", form=Form(title="Remember", label="What?"))


def listed(count: int, text: str = "likes tea 喜欢茶") -> Shown:
    lines = tuple(Line(text=f"#{n} {text}", buttons=(EDIT, FORGET)) for n in range(count))
    return Shown(text="What I know:", parts=(Part(title="human", lines=lines),), buttons=(ADD,))


def pressed(made: list[Json]) -> list[tuple[str, Press]]:
    """What can be pressed, in order: what stands on it, and what it does."""
    found = []
    for name, element in elements(made):
        for one in [*options_of(element)] or [element]:
            press = Press.read(one["value"], name)
            assert press is not None
            found.append((one["text"]["text"], press))
    return found


def test_an_answer_without_buttons_is_a_text() -> None:
    shown = Shown(text="**Known** & <b>", parts=(Part(title="human", lines=(Line(text="茶"),)),))
    [message] = messages(shown)
    assert message == {"text": "*Known* &amp; &lt;b&gt;\n\n*human*\n\n• 茶"}
    assert messages(Shown()) == [{"text": "…"}]


def test_each_line_has_its_menu() -> None:
    [message] = messages(listed(2), "/memory show")
    kinds = [block["type"] for block in message["blocks"]]
    assert kinds == ["section"] * 4 + ["actions"]
    assert message["blocks"][1]["text"]["text"] == "*human*"
    assert message["text"].startswith("What I know:\n*human*\n#0 likes tea 喜欢茶\n#1")
    assert message["blocks"][2]["accessory"]["type"] == "overflow"
    edit, forget, *_, add = pressed(message["blocks"])
    of = "/memory show"
    assert edit == ("Edit", Press(line=EDIT.line, asks="form", origin=of))  # to be looked up
    assert forget == ("Forget", Press(line="/memory forget 12", asks="sure", origin=of))
    assert add == ("Add", Press(line="/memory add", asks="form", form=ADD.form, origin=of))


def test_a_part_without_lines_keeps_its_title() -> None:
    [message] = messages(Shown(parts=(Part(title="关于你"),), buttons=(ADD,)))
    assert text_of({"blocks": message["blocks"]}) == "*关于你*\n–\nAdd"


def test_one_button_stands_beside_its_line_and_many_stand_below() -> None:
    lines = (Line(text="one", buttons=(FORGET,)), Line(text="many", buttons=(FORGET, ADD) * 15))
    [message] = messages(Shown(parts=(Part(lines=lines),)))
    one, many, row, rest = message["blocks"]
    assert (one["accessory"]["type"], "confirm" in one["accessory"]) == ("button", True)
    assert "accessory" not in many
    assert (len(row["elements"]), len(rest["elements"])) == (25, 5)


def test_a_menu_that_has_no_room_for_a_line_becomes_buttons() -> None:
    long = Button(label="Join", line="/link " + "一" * 145)
    [message] = messages(Shown(parts=(Part(lines=(Line(text="x", buttons=(long, EDIT)),)),)))
    assert [block["type"] for block in message["blocks"]] == ["section", "actions"]
    assert pressed(message["blocks"])[0] == ("Join", Press(line=long.line))


def test_what_no_button_has_room_for_is_told() -> None:
    long = Button(label="Join", line="/link " + "一" * 2000)
    [message] = messages(Shown(text="So:", buttons=(long, EDIT)))
    assert f"Join: `{long.line}`" in text_of(message)
    assert [label for label, _ in pressed(message["blocks"])] == ["Edit"]


def test_a_form_that_has_no_room_in_a_menu_is_looked_up() -> None:
    form = Form(title="t" * 60, label="什么" * 40)
    ask = Button(label="Ask", line="/memory add", form=form)
    [message] = messages(Shown(parts=(Part(lines=(Line(text="x", buttons=(ask, EDIT)),)),)))
    assert pressed(message["blocks"])[0] == ("Ask", Press(line="/memory add", asks="form"))
    [message] = messages(Shown(buttons=(ask,)))
    assert pressed(message["blocks"])[0][1].form == form
    assert form_of(Shown(buttons=(EDIT, ask)), "/memory add") == form
    assert form_of(listed(1), EDIT.line) == EDIT.form
    assert form_of(listed(1), "/memory pin 1") is None


def test_an_origin_that_has_no_room_is_left_out() -> None:
    for length, kept in ((200, True), (400, False)):
        origin = "/memory search " + "茶" * length
        [message] = messages(listed(1), origin)
        assert {press.origin for _, press in pressed(message["blocks"])} == {origin * kept}
        assert message_blocks(message["blocks"])


def test_only_what_does_not_ask_anyway_asks_whether_it_is_meant() -> None:
    clear = Button(label="Clear…", line="/memory clear", danger=True, form=ADD.form)
    [message] = messages(Shown(text="Really?", buttons=(FORGET, clear, EDIT)))
    asked = [(one.get("style"), "confirm" in one) for _, one in elements(message["blocks"])]
    assert asked == [("danger", True), ("danger", False), (None, False)]


def test_what_does_not_fit_is_told_and_the_last_buttons_stay() -> None:
    [message] = messages(listed(60))
    lines = sum("Forget" in str(block) for block in message["blocks"])
    assert len(message_blocks(message["blocks"])) == 50
    assert lines == 46
    assert "… and 14 more: `/memory search`" in text_of(message)
    assert "还有 14 条" in text_of(message)
    assert pressed(message["blocks"])[-1][1].line == "/memory add"


def test_long_lines_fill_a_message_by_their_characters() -> None:
    [message] = messages(listed(40, "喜欢茶" * 200))
    lines = sum("Forget" in str(block) for block in message["blocks"])
    assert 15 < lines < 20
    assert f"还有 {40 - lines} 条" in text_of(message)


def test_an_answer_stands_on_top_of_the_list_that_it_changed() -> None:
    undo = Button(label="Undo", line="/memory undo")
    said = Shown(text="Forgotten 已忘记.", buttons=(undo,))
    [message] = messages(listed(60), "/memory show", said)
    assert len(message_blocks(message["blocks"])) == 50
    kinds = [block["type"] for block in message["blocks"]]
    assert kinds[:3] == ["section", "actions", "divider"]
    assert pressed(message["blocks"])[0][1] == Press(line="/memory undo", origin="/memory show")
    assert "还有 17 条" in text_of(message)


def test_an_answer_that_is_too_long_for_that_comes_after_the_list() -> None:
    listing, *said = messages(listed(3), "/memory show", Shown(text="说" * 9000))
    assert text_of(listing).startswith("What I know:")
    assert "".join(part["text"] for part in said).count("说") == 9000


def test_a_home_tab_has_the_answer_on_top() -> None:
    view = home(listed(200), "/memory show", listed(40, "on top"), "/memory why 1")
    assert len(prepared(view["blocks"], most=100)) == len(view["blocks"]) >= 98
    texts = [text_of({"blocks": [block]}) for block in view["blocks"]]
    middle = [block["type"] for block in view["blocks"]].index("divider")
    assert middle == blocks.SAID_BLOCKS
    assert "on top" in texts[2]
    origins = {press.origin for _, press in pressed(view["blocks"][:middle])}
    assert origins == {"/memory why 1"}
    assert {press.origin for _, press in pressed(view["blocks"][middle:])} == {"/memory show"}
    assert "more: `/memory search`" in texts[middle - 2]
    assert "more: `/memory search`" in texts[-2]
    assert home(Shown(), "")["blocks"]


def test_a_home_tab_has_room_for_almost_a_hundred_lines() -> None:
    view = home(listed(97), "/memory show")
    assert len(prepared(view["blocks"], most=100)) == 100
    assert "more" not in text_of(view)
    assert "还有 2 条" in text_of(home(listed(98), "/memory show"))


def test_a_form() -> None:
    assert EDIT.form is not None
    view = modal(EDIT.form, "about")
    assert view_problems(view) == []
    [block] = prepared(view["blocks"])
    assert block["element"]["initial_value"] == "likes 茶"
    assert block["element"]["multiline"] is True
    assert (view["private_metadata"], view["title"]["text"]) == ("about", "Edit #12")
    typed = {"state": {"values": {"text": {"text": {"value": " 绿茶 \n"}}}}}
    assert blocks.typed_in(typed) == "绿茶"


def test_a_text_that_is_too_long_for_a_form_is_asked_for_anew() -> None:
    view = modal(Form(title="Edit " * 9, label="What is right?", value="很长" * 2000), "about")
    assert view_problems(view) == []
    [block] = prepared(view["blocks"])
    assert "initial_value" not in block["element"]
    assert "请输入全文" in block["label"]["text"]


def test_a_question() -> None:
    view = question("Forget 忘记", "/memory forget 12", "about")
    assert view_problems(view) == []
    assert prepared(view["blocks"])
    assert "`/memory forget 12`" in text_of(view)
    assert blocks.typed_in({**view, "state": {"values": {}}}) == ""


def test_values_that_are_not_ours() -> None:
    for value in ("", "1", "{}", '{"line": 1}', "[1]", '["/x", "t"]', "[", None):
        assert Press.read(value, "0.") is None


TEXTS = st.text(alphabet=st.sampled_from("aä茶*_`<>&\n #🙂"), max_size=400)
BUTTONS = st.sampled_from([EDIT, FORGET, ADD])
LONG = TEXTS.map(lambda text: text * 50)
LINES = st.builds(Line, text=TEXTS | LONG, buttons=st.lists(BUTTONS, max_size=7).map(tuple))
SHOWN = st.builds(
    Shown,
    text=TEXTS.map(lambda text: text * 50),
    parts=st.lists(
        st.builds(Part, title=TEXTS, lines=st.lists(LINES, max_size=40).map(tuple)), max_size=4
    ).map(tuple),
    end=TEXTS.map(lambda text: text * 50),
    buttons=st.lists(BUTTONS, max_size=30).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(shown=SHOWN, said=st.none() | SHOWN, origin=TEXTS)
def test_slack_takes_whatever_it_is(shown: Shown, said: Shown | None, origin: str) -> None:
    for message in messages(shown, origin, said):
        assert message["text"]
        assert message_blocks(message.get("blocks", [])) is not None
    view = home(shown, origin, said, origin)
    assert 0 < len(prepared(view["blocks"], most=100)) <= 100
