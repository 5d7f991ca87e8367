"""Block Kit as the fake Slack reads it: filled forms, found buttons, words that are seen."""

from typing import Any

import pytest

from bot.testing.slack.blocks import chosen, find, labelled, prepared, state, text_of
from bot.testing.slack.wire import Json, Refused

OPTIONS: list[Json] = [{"value": "a"}, {"value": "b"}]
GROUPED = {"option_groups": [{"options": OPTIONS[:1]}, {"options": OPTIONS[1:]}]}


@pytest.mark.parametrize(
    ("element", "value", "held"),
    [
        ({"type": "plain_text_input"}, "茶", {"value": "茶"}),
        ({"type": "static_select", "options": OPTIONS}, "b", {"selected_option": {"value": "b"}}),
        ({"type": "static_select", **GROUPED}, "b", {"selected_option": {"value": "b"}}),
        ({"type": "radio_buttons", "options": OPTIONS}, None, {"selected_option": None}),
        ({"type": "overflow", "options": OPTIONS}, "a", {"selected_option": {"value": "a"}}),
        ({"type": "external_select"}, {"value": "x"}, {"selected_option": {"value": "x"}}),
        ({"type": "checkboxes", "options": OPTIONS}, ["a", "b"], {"selected_options": OPTIONS}),
        ({"type": "checkboxes", "options": OPTIONS}, None, {"selected_options": []}),
        ({"type": "users_select"}, "U1", {"selected_user": "U1"}),
        ({"type": "datepicker"}, "2026-01-31", {"selected_date": "2026-01-31"}),
    ],
)
def test_what_an_element_holds(element: Json, value: Any, held: Json) -> None:
    named = {"action_id": "x", **element}
    assert chosen(named, value) == {"type": element["type"], **held}


def test_an_option_that_is_not_there() -> None:
    with pytest.raises(LookupError, match="'x' has no option 'c'"):
        chosen({"type": "static_select", "action_id": "x", "options": OPTIONS}, "c")


def test_a_form_keeps_what_nobody_touched_and_bounds_what_is_typed() -> None:
    field = {"type": "plain_text_input", "action_id": "fact", "max_length": 3}
    menu = {"type": "static_select", "action_id": "who", "options": OPTIONS}
    blocks: list[Json] = [
        {"type": "input", "block_id": "1", "element": field},
        {"type": "section", "block_id": "2", "accessory": {**menu, "initial_option": OPTIONS[0]}},
    ]
    values = state(blocks, {"fact": "茶"})["values"]
    assert values["1"]["fact"]["value"] == "茶"
    assert values["2"]["who"]["selected_option"] == OPTIONS[0]
    with pytest.raises(ValueError, match="at most 3"):
        state(blocks, {"1": "long"})


def test_buttons_are_found_by_value_and_block() -> None:
    button = {"type": "button", "action_id": "pin"}
    blocks: list[Json] = [
        {"type": "actions", "block_id": f"{n}", "elements": [{**button, "value": f"{n}"}]}
        for n in range(3)
    ]
    assert find(blocks, "pin")[0] == "0"
    assert find(blocks, "pin", value="1")[0] == "1"
    assert find(blocks, "pin", block_id="2")[1]["value"] == "2"
    with pytest.raises(LookupError, match=r"no 'pin' \(value '9'\) here, only \['pin'\]"):
        find(blocks, "pin", value="9")


def test_the_words_of_a_message() -> None:
    message: Json = {
        "text": "all",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "记忆"}},
            {"type": "section", "fields": [{"type": "mrkdwn", "text": "one"}]},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "2 days ago"}]},
            {"type": "actions", "elements": [{"type": "button", "text": {"text": "Pin"}}]},
            {"type": "markdown", "text": "**bold**"},
        ],
    }
    assert text_of(message).split("\n") == ["all", "记忆", "one", "2 days ago", "Pin", "**bold**"]


def choice(value: str, text: str = "Edit") -> Json:
    return {"value": value, "text": {"type": "plain_text", "text": text}}


def menu(*options: Json) -> Json:
    overflow = {"type": "overflow", "action_id": "menu", "options": list(options)}
    return {"type": "section", "text": {"type": "mrkdwn", "text": "茶"}, "accessory": overflow}


def asking(**words: str) -> Json:
    texts = {name: {"type": "plain_text", "text": text} for name, text in words.items()}
    button = {"type": "button", "action_id": "b", "text": texts["title"], "confirm": texts}
    return {"type": "actions", "elements": [button]}


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        (menu(*[choice("1")] * 6), "must have 1 to 5 options"),
        (menu(choice("1" * 151)), "value of an option must be less than 151"),
        (menu(choice("1", "茶" * 76)), "text of an option must have 1 to 75"),
        ({**menu(choice("1")), "block_id": "1" * 256}, "block_id must be less than 256"),
        (asking(title="t", text="t", confirm="是" * 31, deny="d"), "confirm of a confirm dialog"),
        (asking(title="t", text="t", confirm="c"), "deny of a confirm dialog"),
    ],
)
def test_what_slack_refuses_of_menus_and_questions(block: Json, problem: str) -> None:
    with pytest.raises(Refused) as refused:
        prepared([block])
    assert problem in str(refused.value.details)


def test_what_people_press_is_found_by_what_they_read() -> None:
    menus = [{**menu(choice(f"{n}"), choice(f"-{n}", "忘记")), "block_id": f"{n}"} for n in (1, 2)]
    menus[1]["text"] = {"type": "mrkdwn", "text": "咖啡"}
    row = {**asking(title="Add", text="t", confirm="c", deny="d"), "block_id": "3"}
    assert labelled([*menus, row], "忘记")[:2] == ("1", "-1")
    assert labelled([*menus, row], "忘记", "咖啡")[:2] == ("2", "-2")
    assert labelled([*menus, row], "Add", "咖啡")[2]["type"] == "button"
    with pytest.raises(LookupError, match="no 'Add' beside '水'"):
        labelled([*menus, row], "Add", "水")
