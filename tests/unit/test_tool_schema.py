"""From a function to what a model is told, and from a model's JSON to a call."""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Literal, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import tool
from bot.errors import ToolError, UserError
from bot.tools.base import AnyTool, ToolContext, parse_arguments, wants_heartbeat


@tool
def query_database(sql: str) -> str:
    """Execute a read-only SQL query against the analytics database.

    Args:
        sql: The SQL query to execute (SELECT only)

    Returns:
        Query results as a string
    """
    conn = sqlite3.connect(":memory:")
    try:
        return str(conn.execute(sql).fetchall())
    finally:
        conn.close()


@tool
def send_notification(message: str, channel: str = "general") -> str:
    """Send a notification to a Slack channel.

    Args:
        message: The notification message
        channel: Slack channel name

    Returns:
        Confirmation message
    """
    return f"Notification sent to #{channel}"


@tool(kind="write", aliases={"label": "section"})
async def keep(section: str, content: str, context: ToolContext) -> str:
    """Keep a line. 记下一行。

    Args:
        section: The block.
        content: The line, in the person's
            own words.
    """
    return f"{context.call_id}: {section}: {content}"


@tool
def everything(
    text: str,
    count: int,
    share: float,
    sure: bool,
    mode: Literal["any", "all"],
    level: Literal[1, 2],
    tags: list[str],
    pages: list[int] | None = None,
    note: Optional[str] = "x",  # noqa: UP045
    limit: int = 5,
    extra: str | None = None,
) -> dict[str, object]:
    """All the types.

    It has a second paragraph
    on two lines.

    Args:
        text (str): words
        count: a number
        share: a share
        sure: yes or no
        mode: which
        level: how much
        tags: labels
        pages: numbers
        note: a note
        limit: a limit
        extra: more
    """
    return {"count": count, "标签": tags}


def properties(of: AnyTool) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = of.spec.parameters["properties"]
    return found


def test_the_tutorials_tools_work_as_they_are() -> None:
    assert query_database.spec.name == "query_database"
    assert query_database.spec.description == (
        "Execute a read-only SQL query against the analytics database."
    )
    assert properties(query_database)["sql"] == {
        "type": "string",
        "description": "The SQL query to execute (SELECT only)",
    }
    assert query_database("SELECT 1 + 1") == "[(2,)]"
    assert send_notification.spec.parameters["required"] == ["message"]
    assert properties(send_notification)["channel"]["default"] == "general"
    assert parse_arguments(send_notification, '{"message": "hi"}') == {
        "message": "hi",
        "channel": "general",
    }


def test_schemas_of_all_types() -> None:
    shapes = {
        name: {key: value for key, value in schema.items() if key != "description"}
        for name, schema in properties(everything).items()
    }
    assert shapes == {
        "text": {"type": "string"},
        "count": {"type": "integer"},
        "share": {"type": "number"},
        "sure": {"type": "boolean"},
        "mode": {"type": "string", "enum": ["any", "all"]},
        "level": {"type": "integer", "enum": [1, 2]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "pages": {"type": "array", "items": {"type": "integer"}, "default": None},
        "note": {"type": "string", "default": "x"},
        "limit": {"type": "integer", "default": 5},
        "extra": {"type": "string", "default": None},
        "request_heartbeat": {"type": "boolean"},
    }
    assert everything.spec.parameters["required"] == [
        "text", "count", "share", "sure", "mode", "level", "tags",
    ]  # fmt: skip
    assert (
        everything.spec.description == "All the types.\n\nIt has a second paragraph on two lines."
    )
    json.dumps(everything.spec.parameters)


def test_context_is_hidden_and_continued_lines_are_joined() -> None:
    assert list(properties(keep)) == ["section", "content", "request_heartbeat"]
    assert properties(keep)["content"]["description"] == "The line, in the person's own words."
    assert keep.context == "context"
    assert keep.kind == "write"


def defined(signature: str, described: str = "x: it") -> Callable[..., object]:
    """A function of this signature whose docstring describes x, or what is given."""
    names: dict[str, Any] = {"Literal": Literal}
    source = f'def f({signature}):\n    """Do.\n\n    Args:\n        {described}\n    """'
    exec(source, names)
    function: Callable[..., object] = names["f"]
    return function


def no_docstring(x: str) -> str:
    return x


def 查询() -> None:  # noqa: N802
    """查询。"""


def yields() -> Iterator[int]:
    """Count."""
    yield 1


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (no_docstring, "has no docstring"),
        (查询, "Latin letters"),
        (yields, "it yields"),
        (lambda x: x, "Latin letters"),
        (str, "only a function"),
        (defined("x"), "'x' has no type annotation"),
        (defined("*x: str"), "*x has no fixed arguments"),
        (defined("**x: str"), "*x has no fixed arguments"),
        (defined("x: str, /"), "'x' is positional-only"),
        (defined("x: dict[str, str]"), "'x' has a type it cannot have; use str"),
        (defined("x: list"), "'x' has a type it cannot have"),
        (defined("x: None"), "'x' has a type it cannot have"),
        (defined("x: str | int"), "'x' has a type it cannot have"),
        (defined("x: str | int | None"), "'x' has a type it cannot have"),
        (defined("x: Literal['a', 1]"), "'x' has a type it cannot have"),
        (defined("x: list[list[str]]"), "'x' has a type it cannot have"),
        (defined("x: str, y: str"), "'y' is not described under 'Args:'"),
        (defined("x: str", "x:"), "'x' is not described under 'Args:'"),
        (defined("", "x: it"), "describes 'x', which is no argument"),
        (defined("request_heartbeat: bool"), "'request_heartbeat' is reserved"),
        (defined("x: str = None"), "default of argument 'x' does not fit"),
        (defined("x: int = True"), "default of argument 'x' does not fit"),
        (defined("x: 'Nowhere'"), "annotation cannot be read"),
    ],
)
def test_a_bad_function_is_refused_with_the_reason(
    function: Callable[..., object], reason: str
) -> None:
    with pytest.raises(UserError, match="cannot be a tool") as refused:
        tool(function)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "aliases", [{"x": "nowhere"}, {"section": "content"}, {"x": "request_heartbeat"}]
)
def test_a_bad_alias_is_refused(aliases: Mapping[str, str]) -> None:
    with pytest.raises(UserError, match="alias"):
        tool(aliases=aliases)(keep.function)


def test_arguments_with_near_misses() -> None:
    text = json.dumps(
        {
            "text": 2024,
            "count": "3",
            "share": "0.5",
            "sure": "True",
            "mode": "ANY ",
            "level": "2",
            "tags": "one",
            "pages": "[1, 2]",
            "note": None,
            "limit": 7.0,
            "request_heartbeat": True,
        }
    )
    assert parse_arguments(everything, text) == {
        "text": "2024",
        "count": 3,
        "share": 0.5,
        "sure": True,
        "mode": "any",
        "level": 2,
        "tags": ["one"],
        "pages": [1, 2],
        "note": "x",
        "limit": 7,
        "extra": None,
    }


def test_aliases_and_double_encoding() -> None:
    given = json.dumps({"label": "human", "content": "我喜欢喝茶"})
    assert parse_arguments(keep, given) == {"section": "human", "content": "我喜欢喝茶"}
    assert parse_arguments(keep, json.dumps(given)) == {"section": "human", "content": "我喜欢喝茶"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not valid JSON"),
        ("[1]", "must be one JSON object, not [1]"),
        ("null", "must be one JSON object, not null"),
        ('"abc"', "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ('{"message": NaN}', "not valid JSON"),
        ("", "Argument 'message' is missing: text."),
        ('{"message": null}', "Argument 'message' is missing"),
        ('{"message": {"a": 1}}', "Argument 'message' must be text, not {\"a\": 1}."),
        ('{"message": true}', "must be text, not true"),
        ('{"message": "x", "to": "y"}', "Unknown argument 'to'. Allowed: message, channel."),
    ],
)
def test_wrong_arguments_are_told_to_the_model(text: str, said: str) -> None:
    with pytest.raises(ToolError) as told:
        parse_arguments(send_notification, text)
    assert said in str(told.value)


def complete(**changed: object) -> str:
    right: dict[str, object] = {
        "text": "a", "count": 1, "share": 1.5, "sure": True, "mode": "any", "level": 1, "tags": [],
    }  # fmt: skip
    return json.dumps({**right, **changed})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"count": "abc"}, "'count' must be a whole number, not \"abc\""),
        ({"count": 1.5}, "'count' must be a whole number, not 1.5"),
        ({"count": True}, "'count' must be a whole number"),
        ({"share": "inf"}, "'share' must be a number"),
        ({"share": 10**400}, "'share' must be a number"),
        ({"sure": "maybe"}, "'sure' must be true or false"),
        ({"mode": "none"}, '\'mode\' must be one of "any", "all", not "none"'),
        ({"level": 3}, "'level' must be one of 1, 2"),
        ({"tags": [["a"]]}, "'tags' must be a list, each item text"),
        ({"pages": ["x"]}, "'pages' must be a list, each item a whole number"),
        ({"tags": {"a": "b"}}, "'tags' must be a list"),
    ],
)
def test_each_wrong_type_is_named(changed: Mapping[str, object], said: str) -> None:
    with pytest.raises(ToolError) as told:
        parse_arguments(everything, complete(**changed))
    assert said in str(told.value)


def test_all_problems_are_told_at_once_and_long_values_are_cut() -> None:
    with pytest.raises(ToolError) as told:
        parse_arguments(everything, complete(count="x" * 1000, sure="?"))
    assert "'count'" in str(told.value)
    assert "'sure'" in str(told.value)
    assert len(str(told.value)) < 300


def test_text_that_cannot_be_stored_is_mended() -> None:
    assert parse_arguments(query_database, '{"sql": "a\\u0000b\\ud800c"}') == {"sql": "ab?c"}


def test_big_whole_numbers_stay_exact() -> None:
    assert parse_arguments(everything, complete(count="9007199254740993"))["count"] == (
        9007199254740993
    )


def test_a_default_list_is_not_shared() -> None:
    @tool
    def tags(tags: list[str] = ["a"]) -> None:  # noqa: B006
        """Do.

        Args:
            tags: labels
        """

    first = parse_arguments(tags, "{}")["tags"]
    assert isinstance(first, list)
    first.append("b")
    assert parse_arguments(tags, "{}") == {"tags": ["a"]}


@given(st.text(max_size=200) | st.recursive(st.integers() | st.text(), st.lists).map(json.dumps))
def test_any_text_gives_arguments_or_a_tool_error(text: str) -> None:
    with suppress(ToolError):  # nothing else may come out
        assert set(parse_arguments(send_notification, text)) == {"message", "channel"}
    assert wants_heartbeat(text) in (True, False)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{"request_heartbeat": true}', True),
        ('{"request_heartbeat": "True"}', True),
        ('{"request_heartbeat": false}', False),
        ('{"request_heartbeat": null}', False),
        ("{}", False),
        ("{", False),
    ],
)
def test_heartbeat_wish(text: str, wanted: bool) -> None:
    assert wants_heartbeat(text) is wanted
