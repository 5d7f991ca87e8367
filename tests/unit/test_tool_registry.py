"""Calling tools, and the registry of them."""

import contextvars
import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bot import tool
from bot.errors import ConfigError, ToolError, UserError
from bot.tools.base import RESULT_LIMIT, AnyTool, Registry, ToolContext, as_text, call
from memory.errors import ReadOnly

CONTEXT = ToolContext(call_id="call-1")


@tool
def query_database(sql: str) -> str:
    """Run SQL.

    Args:
        sql: the query
    """
    return sql


@tool
def send_notification(message: str, channel: str = "general") -> str:
    """Send it.

    Args:
        message: the words
        channel: the channel
    """
    return f"#{channel}"


@tool
async def keep(content: str, context: ToolContext) -> str:
    """Keep a line.

    Args:
        content: the line
    """
    return f"{context.call_id}: {content}"


VOICE = contextvars.ContextVar("VOICE", default="none")


@tool
def where() -> list[str]:
    """Tell the thread and the caller's variable."""
    return [str(threading.current_thread() is threading.main_thread()), VOICE.get()]


async def test_sync_tools_run_in_a_thread_with_the_callers_context() -> None:
    VOICE.set("caller")
    assert json.loads(await call(where, {}, CONTEXT)) == ["False", "caller"]


async def test_async_tools_get_the_context() -> None:
    assert await call(keep, {"content": "x"}, CONTEXT) == "call-1: x"


@tool
def fail(how: str) -> str:
    """Fail.

    Args:
        how: the way
    """
    if how == "stop":
        raise StopIteration
    if how == "read-only":
        raise ReadOnly("no")
    raise ValueError(how)


@tool
async def fail_async(how: str) -> str:
    """Fail.

    Args:
        how: the way
    """
    return fail(how)


@pytest.mark.parametrize("failing", [fail, fail_async])
async def test_a_failing_tool_is_told_to_the_model(failing: AnyTool) -> None:
    with pytest.raises(ToolError, match="ValueError: 磁盘"):
        await call(failing, {"how": "磁盘"}, CONTEXT)
    with pytest.raises(ReadOnly):
        await call(failing, {"how": "read-only"}, CONTEXT)


async def test_even_stop_iteration_comes_back() -> None:
    with pytest.raises(ToolError, match="StopIteration"):
        await call(fail, {"how": "stop"}, CONTEXT)


def test_results_are_text_or_json_and_bounded() -> None:
    assert as_text("已保存") == "已保存"
    assert as_text({"名": [1, None]}) == '{"名": [1, null]}'
    assert as_text(Path("a")) == '"a"'
    long = as_text("x" * (RESULT_LIMIT + 5))
    assert long.endswith("x\n[cut here: 5 more characters]")


def test_registry_keeps_order_and_refuses_a_second_name() -> None:
    registry = Registry([send_notification, query_database])
    registry.add(query_database)
    assert [spec.name for spec in registry.specs] == ["send_notification", "query_database"]
    assert registry.get("query_database") is query_database
    with pytest.raises(ToolError, match=r"no tool 'x'. Tools: send_notification, query_database"):
        registry.get("x")
    with pytest.raises(UserError, match="two tools called 'query_database'"):
        registry.add(tool(query_database.function))


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], str]:
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, source: str) -> str:
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
        monkeypatch.delitem(sys.modules, name, raising=False)
        return name

    return write


GOOD = '''
from bot import tool

@tool
def zebra(x: str) -> str:
    """Z.

    Args:
        x: it
    """
    return x

@tool
def apple() -> str:
    """A."""
    return ""
'''


def test_modules_are_loaded_in_their_order(module: Callable[[str, str], str]) -> None:
    registry = Registry()
    registry.load([module("tools_good", GOOD)])
    assert [spec.name for spec in registry.specs] == ["zebra", "apple"]


@pytest.mark.parametrize(
    ("source", "error", "said"),
    [
        ("x = 1", ConfigError, "has no function marked with @tool"),
        ("x = (", ConfigError, "cannot be imported (SyntaxError"),
        ("1 / 0", ConfigError, "cannot be imported (ZeroDivisionError"),
        ("from bot import tool\n@tool\ndef f(): ...", UserError, "'f' cannot be a tool"),
    ],
)
def test_bad_modules_are_refused(
    module: Callable[[str, str], str], source: str, error: type[UserError], said: str
) -> None:
    with pytest.raises(error) as refused:
        Registry().load([module("tools_bad", source)])
    assert said in str(refused.value)


def test_a_missing_module_is_named() -> None:
    with pytest.raises(ConfigError, match="'no_such_tools' cannot be imported"):
        Registry().load(["no_such_tools"])
