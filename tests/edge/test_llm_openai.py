"""The real openai client in native mode, against a server that answers by rule or misbehaves."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from bot.llm.openai import Endpoint, OpenAIModel
from bot.testing.fake_openai import FakeOpenAI
from bot.types import Completion, Prompt, ToolSpec
from memory.types import Message, Origin, ToolCall

NOON = datetime(2026, 11, 22, 12, 47, tzinfo=UTC)
BEIJING = timezone(timedelta(hours=8))
KEY = "sk-very-secret"
NAMES = (
    "send_message",
    "core_memory_append",
    "archival_memory_insert",
    "archival_memory_search",
    "conversation_search",
)
TOOLS = tuple(
    ToolSpec(name=name, description=name, parameters={"type": "object"}) for name in NAMES
)


@pytest.fixture
async def server() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI().running() as server:
        yield server


@pytest.fixture
async def model(server: FakeOpenAI) -> AsyncIterator[OpenAIModel]:
    model = OpenAIModel(Endpoint(model="fake", base_url=server.url, api_key=KEY), tz=BEIJING)
    yield model
    await model.close()


def said(text: str, turn: int = 1, audience: str = "person", speaker: str = "Ana") -> Message:
    origin = Origin(audience="room" if audience == "room" else "person")
    return Message(
        seq=turn * 10, role="user", text=text, at=NOON, origin=origin, speaker=speaker, turn=turn
    )


def did(call: ToolCall, turn: int = 1, text: str = "", thoughts: str = "") -> Message:
    return Message(
        seq=turn * 10 + 1,
        role="assistant",
        text=text,
        thoughts=thoughts,
        at=NOON,
        origin=Origin(),
        calls=(call,),
        turn=turn,
    )


def result(call: ToolCall, text: str, turn: int = 1) -> Message:
    return Message(
        seq=turn * 10 + 2,
        role="tool",
        text=text,
        at=NOON,
        origin=Origin(),
        answers=call.id,
        turn=turn,
    )


def append(content: str) -> ToolCall:
    arguments = {"section": "human", "content": content, "request_heartbeat": True}
    written = json.dumps(arguments, ensure_ascii=False)
    return ToolCall(id="c1", name="core_memory_append", arguments=written)


def prompt(*messages: Message, closing: bool = False) -> Prompt:
    return Prompt(system="S", messages=messages, tools=TOOLS, closing=closing)


def shown(server: FakeOpenAI) -> list[dict[str, object]]:
    messages = server.requests[-1]["messages"]
    assert isinstance(messages, list)
    return messages


def arguments(completion: Completion) -> dict[str, object]:
    value: dict[str, object] = json.loads(completion.calls[0].arguments)
    return value


# --- a turn ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("I live in Leeds", "I will remember: I live in Leeds"),
        ("我住在成都", "我会记住:我住在成都"),
    ],
)
async def test_a_fact_is_saved_and_the_turn_ends_in_words(
    model: OpenAIModel, text: str, reply: str
) -> None:
    first = await model.complete(prompt(said(text)))
    assert [call.name for call in first.calls] == ["core_memory_append"]
    assert arguments(first) == {"section": "human", "content": text, "request_heartbeat": True}
    call = first.calls[0]
    second = await model.complete(prompt(said(text), did(call), result(call, "Saved.")))
    assert [call.name for call in second.calls] == ["send_message"]
    assert arguments(second) == {"message": reply}
    assert first.usage is not None
    assert first.usage.prompt > 0


@pytest.mark.parametrize("mode", ["json", "text"])
async def test_tools_that_the_endpoint_ignores(mode: str) -> None:
    server = FakeOpenAI(mode="json" if mode == "json" else "text")
    async with server.running():
        model = OpenAIModel(Endpoint(model="fake", base_url=server.url))
        completion = await model.complete(prompt(said("我叫张三")))
        await model.close()
    if mode == "json":
        assert [call.name for call in completion.calls] == ["core_memory_append"]
        assert completion.text == ""
    else:
        assert completion == Completion(text="你说:我叫张三", usage=completion.usage)


async def test_what_the_endpoint_is_shown(server: FakeOpenAI, model: OpenAIModel) -> None:
    call = append("x")
    await model.complete(
        prompt(
            said("one"),
            did(call, thoughts="I should keep that"),
            result(call, "Saved."),
            said("two", 2, audience="room"),
        )
    )
    assert shown(server) == [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "[2026-11-22 20:47] one"},
        {
            "role": "assistant",
            "content": "I should keep that",
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "Saved."},
        {"role": "user", "content": "[2026-11-22 20:47] Ana: two"},
    ]
    assert len(server.requests[-1]["tools"]) == len(NAMES)  # type: ignore[arg-type]
    assert server.headers[-1]["Authorization"] == f"Bearer {KEY}"


async def test_a_longer_history_starts_with_the_same_bytes(
    server: FakeOpenAI, model: OpenAIModel
) -> None:
    call = append("在成都")
    rows = [said("我在成都"), did(call), result(call, "Saved."), said("hi", 2), said("yo", 2)]
    await model.complete(prompt(*rows[:3]))
    before = json.dumps(shown(server))[:-1]
    await model.complete(prompt(*rows))
    assert json.dumps(shown(server)).startswith(before)


async def test_calls_and_results_that_lost_each_other_are_left_out(
    server: FakeOpenAI, model: OpenAIModel
) -> None:
    call = append("x")
    await model.complete(prompt(result(call, "Saved."), did(call), said("hi", 2)))
    assert [message["role"] for message in shown(server)] == ["system", "user"]


async def test_closing_shows_no_tools_and_ends_in_words(
    server: FakeOpenAI, model: OpenAIModel
) -> None:
    old, call = append("old"), append("我在成都")
    rows = (
        *(said("old"), did(old), result(old, "Saved old.")),
        *(said("我在成都", 2), did(call, 2), result(call, "Saved.", 2)),
    )
    completion = await model.complete(prompt(*rows, closing=True))
    assert completion.text == "我会记住:old\n我在成都"
    assert "tools" not in server.requests[-1]
    system, user = shown(server)
    assert system["content"] == "S"
    assert str(user["content"]).startswith(
        "[2026-11-22 20:47] old\n[2026-11-22 20:47] 我在成都\n---"
    )
    assert "已经存入你的记忆:我在成都" in str(user["content"])
    assert "Saved old." not in str(user["content"])
    assert str(user["content"]).endswith("请用中文回答对方的最后一条消息。")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ('{"name": "send_message", "arguments": {"message": "好的"}}', "好的"),
        ('{"name": "core_memory_append", "arguments": {"content": "x"}}', ""),
        ('Got it.\n```json\n{"name": "conversation_search", "arguments": {}}\n```', "Got it."),
        ("[2026-11-22 20:47] Hello", "Hello"),
    ],
)
async def test_a_made_up_call_in_closing(answer: str, text: str) -> None:
    server = FakeOpenAI(lambda _: {"role": "assistant", "content": answer})
    async with server.running():
        model = OpenAIModel(Endpoint(model="fake", base_url=server.url))
        completion = await model.complete(prompt(said("hi"), closing=True))
        await model.close()
    assert (completion.text, completion.calls) == (text, ())


async def test_thoughts_unusable_characters_and_odd_calls() -> None:
    def script(_: object) -> dict[str, object]:
        call = {"id": "", "type": "function", "function": {"name": "a", "arguments": {"x": 1}}}
        return {
            "content": "<think>hm</think>a\x00b\ud83d",
            "tool_calls": [call, call, 7, {"id": 1}],
        }

    async with FakeOpenAI(script).running() as server:
        model = OpenAIModel(Endpoint(model="fake", base_url=server.url))
        completion = await model.complete(prompt(said("hi")))
        await model.close()
    assert (completion.thoughts, completion.text) == ("hm", "ab")
    assert [call.arguments for call in completion.calls] == ['{"x": 1}', '{"x": 1}']
    assert len({call.id for call in completion.calls}) == 2


async def test_summaries_take_long_histories_in_parts() -> None:
    server = FakeOpenAI(lambda _: {"role": "assistant", "content": "so far"})
    async with server.running():
        model = OpenAIModel(Endpoint(model="fake", base_url=server.url, window=2000))
        rows = [said(f"第{n}句话," * 30, n) for n in range(20)]
        summary = await model.summarise("before", rows)
        assert summary.text == "so far"
        await model.close()
    texts = [json.dumps(request, ensure_ascii=False) for request in server.requests]
    assert len(texts) > 1
    assert summary.usage is not None
    assert (summary.usage.calls, summary.usage.prompt > 1000) == (len(texts), True)
    assert "before" in texts[0]
    assert all("so far" in text for text in texts[1:])
    assert all(f"第{n}句话" in "".join(texts) for n in range(20))
