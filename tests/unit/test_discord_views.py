"""Answers as messages with buttons: all that they need lies in a custom_id of 100 characters."""

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Button, Form, Line, Part, Shown
from adapters.discord import sentences, views
from adapters.discord.views import Press, Source, Verb

SHOWN = Source(line="/memory show")
EDIT = Form(title="Edit #12", label="What is right?", value="likes tea 茶", long=True)


def line(number: int, text: str = "likes tea") -> Line:
    forget = Button(label="Forget", line=f"/memory forget {number}", danger=True)
    edit = Button(label="Edit", line=f"/memory edit {number}", form=EDIT)
    return Line(text=f"#{number} {text}", buttons=(edit, forget))


def shown(count: int, *whole: Button) -> Shown:
    part = Part(title="human · 关于你", lines=tuple(line(number) for number in range(1, count + 1)))
    return Shown(text="What I remember:", parts=(part,), end="That is all.", buttons=whole)


def buttons(message: views.Message) -> list[discord.ui.Button[discord.ui.View]]:
    found = message.view.children if message.view else []
    return [item for item in found if isinstance(item, discord.ui.Button)]


def menus(message: views.Message) -> list[discord.ui.Select[discord.ui.View]]:
    found = message.view.children if message.view else []
    return [item for item in found if isinstance(item, discord.ui.Select)]


def press_of(button: discord.ui.Button[discord.ui.View]) -> Press:
    press = Press.read(button.custom_id or "")
    assert press is not None
    return press


@given(
    verb=st.sampled_from(Verb),
    own=st.booleans(),
    long=st.booleans(),
    line=st.text(max_size=110),
    origin=st.text(min_size=1, max_size=60),
    title=st.text(max_size=45),
    label=st.text(max_size=45),
    number=st.integers(0, 200),
)
def test_a_custom_id_says_all_or_is_none(
    verb: Verb, own: bool, long: bool, line: str, origin: str, title: str, label: str, number: int
) -> None:
    press = Press(verb=verb, own=own, long=long, line=line, origin=origin, title=title, label=label)
    id_ = press.written(number)
    if id_ is None:
        return
    assert len(id_) <= 100
    back = Press.read(id_)
    assert back is not None
    assert (back.verb, back.own, back.long, back.line) == (verb, own, long, line)
    if verb is Verb.FORM:
        assert (back.title, back.label) == (title, label)
    if verb in (Verb.ASK, Verb.PICK):
        assert back.origin == origin


@pytest.mark.parametrize("id_", ["", "rv", "rvx00|/memory show", "forget", "rvg0|a", "RVg00|a"])
def test_what_is_not_ours_is_nothing(id_: str) -> None:
    assert Press.read(id_) is None


def test_short_lines_have_long_lives() -> None:
    assert Press(verb=Verb.GIVE, line="/memory pin 12").written() == "rvg00|/memory pin 12"
    assert Press(verb=Verb.GIVE, line="词" * 95).written() is None
    with_bar = Press(verb=Verb.FORM, line="/memory add", title="a|b", label="c")
    assert with_bar.written() is None


def test_one_line_has_its_buttons_below() -> None:
    [message] = views.messages(shown(1), SHOWN)
    assert message.text == (
        "What I remember:\n\n**human · 关于你**\n\n- #1 likes tea\n\nThat is all."
    )
    edit, forget = buttons(message)
    assert (edit.label, edit.style) == ("Edit", discord.ButtonStyle.secondary)
    assert (forget.label, forget.style) == ("Forget", discord.ButtonStyle.danger)
    assert press_of(edit) == Press(verb=Verb.ASK, line="/memory edit 1", origin="/memory show")
    assert press_of(forget).verb is Verb.SURE


def test_few_lines_are_told_apart_by_marks() -> None:
    [message] = views.messages(shown(4, Button(label="Export", line="/memory export")), SHOWN)
    assert "① #1 likes tea\n② #2 likes tea\n③ #3 likes tea\n④ #4 likes tea" in message.text
    labels = [button.label for button in buttons(message)]
    assert labels == [f"{mark} {verb}" for mark in "①②③④" for verb in ("Edit", "Forget")] + [
        "Export"
    ]
    assert [item.row for item in buttons(message)] == [0, 0, 1, 1, 2, 2, 3, 3, 4]


@pytest.mark.parametrize(("count", "sizes"), [(5, [5]), (26, [25, 1]), (100, [25] * 4)])
def test_many_lines_are_chosen_from_menus(count: int, sizes: list[int]) -> None:
    made = views.messages(shown(count, Button(label="Export", line="/memory export")), SHOWN)
    found = menus(made[-1])
    assert [len(menu.options) for menu in found] == sizes
    labels = [option.label for menu in found for option in menu.options]
    assert labels == [f"#{number} likes tea" for number in range(1, count + 1)]
    assert len({option.value for menu in found for option in menu.options}) == count
    assert len({menu.custom_id for menu in found}) == len(found)
    assert [button.label for button in buttons(made[-1])] == ["Export"]
    assert all(message.view is None for message in made[:-1])


def test_what_the_menus_leave_out_is_told() -> None:
    made = views.messages(shown(120), SHOWN)
    assert sum(len(menu.options) for menu in menus(made[-1])) == 100
    assert "the first 100 of 120 lines" in made[-1].text
    assert "120 行中的前 100 行" in made[-1].text


def test_a_line_without_room_is_told_as_a_command() -> None:
    more = Button(label="More · 更多", line=f"/memory search {'茶' * 100} --page 2")
    [message] = views.messages(shown(1, more), SHOWN)
    assert [button.label for button in buttons(message)] == ["Edit", "Forget"]
    assert f"More · 更多: `{more.line}`" in message.text


def test_the_same_button_may_stand_twice() -> None:
    undo = Button(label="Undo", line="/memory undo")
    [message] = views.messages(Shown(text="Done.", buttons=(undo, undo)), SHOWN)
    first, second = buttons(message)
    assert first.custom_id != second.custom_id
    assert press_of(first) == press_of(second)


def test_more_than_five_stand_in_rows() -> None:
    many = tuple(Button(label=f"b{n}", line=f"/memory undo {n}") for n in range(1, 28))
    [message] = views.messages(Shown(text="Done.", buttons=many), SHOWN)
    assert [item.row for item in buttons(message)] == [n // 5 for n in range(25)]
    assert "b26: `/memory undo 26`" in message.text


@pytest.mark.parametrize(
    ("form", "verb"),
    [
        (Form(title="Remember", label="What? · 什么？"), Verb.FORM),
        (Form(title="Edit", label="What?", value="tea"), Verb.ASK),
        (Form(title="t" * 45, label="l" * 45), Verb.ASK),
    ],
)
def test_a_form_lies_in_the_button_where_it_can(form: Form, verb: Verb) -> None:
    add = Button(label="Add", line="/memory add", form=form)
    [message] = views.messages(Shown(text="Hm.", buttons=(add,)), SHOWN)
    press = press_of(buttons(message)[0])
    assert (press.verb, press.line) == (verb, "/memory add")
    if verb is Verb.FORM:
        assert (press.title, press.label) == (form.title, form.label)


@pytest.mark.parametrize(
    ("given_line", "again"),
    [
        ("/memory", "/memory"),
        ("/memory search tea --page 2", "/memory search tea --page 2"),
        ("！记忆 搜索 茶", "！记忆 搜索 茶"),
        ("!memory history 3", "!memory history 3"),
        ("/memory clear human yes", "/memory show"),
        ("/memory showers", "/memory show"),
        ("/forgetme yes", "/memory show"),
        (f"/memory search {'tea ' * 40}", "/memory show"),
    ],
)
def test_only_what_reads_is_given_again(given_line: str, again: str) -> None:
    made = views.messages(shown(9), Source(line=given_line, own=True))
    [menu] = menus(made[-1])
    press = Press.read(menu.custom_id)
    assert press is not None
    assert (press.verb, press.own, press.origin) == (Verb.PICK, True, again)


def test_without_a_source_there_are_no_buttons() -> None:
    [message] = views.messages(shown(2, Button(label="Export", line="/memory export")))
    assert message.view is None
    assert message.text == shown(2).plain()


def test_every_answer_says_something() -> None:
    assert [m.text for m in views.messages(Shown(text=""))] == ["…"]
    [message] = views.messages(Shown(file_name="memory.json", file_text='{"茶": 1}'))
    assert message.text == "memory.json"
    assert [file.fp.read().decode() for file in message.files] == ['{"茶": 1}']


def test_an_endless_answer_is_a_beginning_and_a_file() -> None:
    text = "词语 word\n" * 3000
    made = views.messages(Shown(text=text, buttons=(Button(label="Undo", line="/x"),)), SHOWN)
    assert len(made) == 1
    assert len(made[0].text) <= 2000
    assert made[0].text.endswith(sentences.WHOLE_IN_FILE)
    [file] = made[0].files
    assert (file.filename, file.fp.read().decode()) == ("answer.md", text)
    assert len(buttons(made[0])) == 1


def test_forms_keep_to_discords_measure() -> None:
    form = Form(title="长" * 60, label="l" * 60, value="v" * 4001, long=True)
    made = views.modal(form, Press(verb=Verb.ASK, own=True, line="/memory edit 12"))
    data = made.to_dict()
    field = data["components"][0]["component"]
    assert len(data["title"]) == len(data["components"][0]["label"]) == 45
    assert (field.get("value"), field["style"], field["max_length"]) == (None, 2, 4000)
    assert data["custom_id"] == "rvt10|/memory edit 12"


def test_menus_show_plain_words() -> None:
    bold = Line(text="**#1** likes `tea`\n  and  茶" + "x" * 200, buttons=line(1).buttons)
    made = views.messages(
        Shown(parts=(Part(lines=(bold, *(line(n) for n in range(2, 9)))),)), SHOWN
    )
    option = menus(made[-1])[0].options[0]
    assert option.label.startswith("#1 likes tea and 茶xxx")
    assert len(option.label) == 100
