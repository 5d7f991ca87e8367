"""Calls that models write as text are found; JSON that a person asked for stays text."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.llm.parse import clean, clean_json, find_calls, find_object, split_thoughts

NAMES = {"send_message", "core_memory_append", "conversation_search"}
APPEND = '{"name": "core_memory_append", "arguments": {"section": "human", "content": "住在成都"}}'
WANTED = {"section": "human", "content": "住在成都"}


@pytest.mark.parametrize(
    "text",
    [
        APPEND,
        f"```json\n{APPEND}\n```",
        f"```\n{APPEND}\n```",
        f"<tool_call>\n{APPEND}\n</tool_call>",
        f"<tools>{APPEND}</tools>",
        f"<tool_call>{APPEND}",
        f"[TOOL_CALLS] [{APPEND}]",
        f"<|python_tag|>{APPEND}",
        f"[{APPEND}]",
        APPEND.replace("arguments", "parameters"),
        APPEND.replace("{", "{{").replace("}", "}}"),
        "{" + APPEND + "}",
        f'{{"tool_calls": [{APPEND}]}}',
        f'{{"tool_calls": [{{"id": "a", "type": "function", "function": {APPEND}}}]}}',
        json.dumps({"name": "core_memory_append", "arguments": json.dumps(WANTED)}),
        '{"arguments": {"section": "human", "content": "住在成都"}, "name": "core_memory_append"}',
        f"<function=core_memory_append>{json.dumps(WANTED, ensure_ascii=False)}</function>",
        "<tool_call>\n<function=core_memory_append>\n<parameter=section>\nhuman\n</parameter>\n"
        "<parameter=content>\n住在成都\n</parameter>\n</function>\n</tool_call>",
    ],
)
def test_a_call_written_as_text_is_found(text: str) -> None:
    calls, rest = find_calls(text, NAMES)
    assert [call.name for call in calls] == ["core_memory_append"]
    assert json.loads(calls[0].arguments) == WANTED
    assert rest == ""


def test_words_around_calls_are_left() -> None:
    text = (
        f"I will keep that.\n```json\n{APPEND}\n```\n"
        '好的。\n{"name": "send_message", "arguments": {"message": "好"}}\nDone'
    )
    calls, rest = find_calls(text, NAMES)
    assert [call.name for call in calls] == ["core_memory_append", "send_message"]
    assert rest == "I will keep that.\n\n好的。\n\nDone"
    assert calls[0].id != calls[1].id


def test_words_after_doubled_braces_are_left() -> None:
    doubled = APPEND.replace("{", "{{").replace("}", "}}")
    calls, rest = find_calls(f"a {doubled} b", NAMES)
    assert len(calls) == 1
    assert rest == "a\n\nb"


def test_the_same_answer_gives_the_same_ids() -> None:
    assert find_calls(APPEND, NAMES) == find_calls(APPEND, NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello there.",
        '{"name": "Bob", "arguments": {"age": 7}}',
        '```json\n{"name": "send_message"}\n```',
        '{"name": ["send_message"], "arguments": {}}',
        '{"config": {"name": "send_message", "arguments": {}}}',
        '[{"name": "send_message", "arguments": {}}, {"name": "Bob"}]',
        '{"name": "send_message", "arguments": {"message": "cut o',
        "{{{{{{{{",
        "这是 {“名字”: “不是 JSON”}",
    ],
)
def test_other_text_stays_text(text: str) -> None:
    assert find_calls(text, NAMES) == ([], text)


def test_a_hostile_text_costs_little() -> None:
    for text in ('{"a":' * 20_000, '{{"a":' * 16_000, "[ " * 50_000, " " * 100_000 + APPEND):
        start = time.perf_counter()
        find_calls(text, NAMES)
        find_object(text)
        assert time.perf_counter() - start < 2


@given(st.text(max_size=300))
def test_any_text_is_survived_and_nothing_is_lost(text: str) -> None:
    assert find_calls(text, NAMES) == ([], text)


@given(st.dictionaries(st.text(max_size=9), st.text(max_size=40) | st.integers(), max_size=4))
def test_any_arguments_come_back_whole(arguments: dict[str, str | int]) -> None:
    text = json.dumps({"name": "send_message", "arguments": arguments}, ensure_ascii=False)
    calls, rest = find_calls(f"Well:\n```json\n{text}\n```", NAMES)
    assert json.loads(calls[0].arguments) == arguments
    assert rest == "Well:"


def test_unusable_characters_go() -> None:
    assert clean("a\x00b\ud83dc 好😀") == "abc 好😀"
    assert json.loads(clean_json('{"a": "x\\u0000y\\ud83d", "b": "\\\\u0000"}')) == {
        "a": "xy",
        "b": "\\u0000",
    }
    assert clean_json('{"a": "\\u0000') == '{"a": "\\u0000'
    assert clean_json('{"a":   "\\u4f60"}') == '{"a":   "\\u4f60"}'


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("<think>hm</think>\n好的", ("hm", "好的")),
        ("<think>cut off", ("cut off", "")),
        ("hm\n</think>\n\nYes", ("hm", "Yes")),
        ("In HTML, <think>x</think> is no tag", ("", "In HTML, <think>x</think> is no tag")),
        ("Plain", ("", "Plain")),
    ],
)
def test_thoughts_are_split_off(text: str, wanted: tuple[str, str]) -> None:
    assert split_thoughts(text) == wanted


def test_an_object_is_found_in_any_wrapping() -> None:
    wanted = {"operation": "none"}
    for text in (
        '{"operation": "none"}',
        'Sure: ```json\n{"operation": "none"}```',
        '{{"operation": "none"}}',
    ):
        assert find_object(text) == wanted
    assert find_object("none") is None
