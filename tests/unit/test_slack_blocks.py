"""Block Kit as the fake Slack reads it: filled forms, found buttons, words that are seen."""

from typing import Any

import pytest

from bot.testing.slack.blocks import chosen, find, state, text_of
from bot.testing.slack.wire import Json

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
