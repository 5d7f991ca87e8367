"""Mode json with the real client: an operation that keeps the person's own words, then a reply."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from bot.errors import ModelRejected
from bot.llm.json_mode import LINE, JsonModel
from bot.llm.openai import Endpoint
from bot.testing.fake_openai import FakeOpenAI, Script
from bot.types import Completion, Prompt, ToolSpec
from memory.types import Message, Origin, ToolCall

NOON = datetime(2026, 11, 22, 12, 47, tzinfo=UTC)
ALL = (
    "send_message",
    "core_memory_append",
    "archival_memory_insert",
    "archival_memory_search",
    "conversation_search",
)


def said(text: str, turn: int = 1) -> Message:
    return Message(seq=1, role="user", text=text, at=NOON, origin=Origin(), turn=turn)


def spoke(text: str, turn: int = 1) -> Message:
    return Message(seq=2, role="assistant", text=text, at=NOON, origin=Origin(), turn=turn)


def done(call: ToolCall, result: str, turn: int = 1) -> tuple[Message, Message]:
    asked = Message(
        seq=3, role="assistant", text="", at=NOON, origin=Origin(), calls=(call,), turn=turn
    )
    told = Message(
        seq=4, role="tool", text=result, at=NOON, origin=Origin(), answers=call.id, turn=turn
    )
    return asked, told


def prompt(*messages: Message, tools: tuple[str, ...] = ALL, closing: bool = False) -> Prompt:
    specs = tuple(ToolSpec(name=name, description=name, parameters={}) for name in tools)
    return Prompt(system="S", messages=messages, tools=specs, closing=closing)


def answers(*texts: str) -> Script:
    """A model that says these, one after the other."""
    left = list(texts)
    return lambda _: {"role": "assistant", "content": left.pop(0)}


async def ask(server: FakeOpenAI, *prompts: Prompt) -> list[Completion]:
    async with server.running():
        model = JsonModel(Endpoint(model="fake", base_url=server.url))
        try:
            return [await model.complete(prompt) for prompt in prompts]
        finally:
            await model.close()


def call_of(completion: Completion) -> tuple[str, Mapping[str, object]]:
    (call,) = completion.calls
    return call.name, json.loads(call.arguments)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("I'm a nurse in Leeds", "core_memory_append"),
        ("我叫张三,是一名Python开发者", "core_memory_append"),
        ("我下周五要去看牙医", "archival_memory_insert"),
        ("We moved to Berlin on March 3rd", "archival_memory_insert"),
        ("Do I have a dog?", "archival_memory_search"),
        ("我上次说过什么?", "conversation_search"),
    ],
)
async def test_a_message_becomes_an_operation_in_the_persons_own_words(
    text: str, name: str
) -> None:
    server = FakeOpenAI()
    (completion,) = await ask(server, prompt(said(text)))
    wanted: dict[str, object] = {"content": text, "request_heartbeat": True}
    if name == "core_memory_append":
        wanted["section"] = "human"
    elif name.endswith("search"):
        wanted = {"query": text}
    assert call_of(completion) == (name, wanted)
    assert len(server.requests) == 1
    assert "tools" not in server.requests[0]


async def test_the_models_own_words_are_never_saved() -> None:
    for operation in ("save_about_person", "save_note"):
        answer = json.dumps({"operation": operation, "content": "User's wife", "query": "wife"})
        (completion,) = await ask(FakeOpenAI(answers(answer)), prompt(said("老婆怀了老三")))
        assert call_of(completion)[1]["content"] == "老婆怀了老三"


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ("What is my name and what do I do?", "archival_memory_search"),
        ("我的猫叫什么名字?", "archival_memory_search"),
        ("你知道我喜欢什么吗", "archival_memory_search"),
        ("Can you remember that I like tea?", "core_memory_append"),
        ("能记住我喜欢茶吗?", "core_memory_append"),
    ],
)
async def test_a_question_is_no_fact_whatever_the_model_says(text: str, tool: str) -> None:
    chosen = json.dumps({"operation": "save_about_person", "query": ""})
    (completion,) = await ask(FakeOpenAI(answers(chosen)), prompt(said(text)))
    assert [call.name for call in completion.calls] == [tool]


async def test_a_burst_is_kept_whole_and_no_more_than_it() -> None:
    rows = (said("I am old news"), spoke("ok"), said("My name is Sam", 2), said("I like tea", 2))
    (completion,) = await ask(FakeOpenAI(), prompt(*rows))
    assert call_of(completion)[1]["content"] == "My name is Sam\nI like tea"


async def test_nothing_to_keep_is_answered_at_once() -> None:
    server = FakeOpenAI()
    (completion,) = await ask(server, prompt(said("Hello!")))
    assert (completion.text, completion.calls) == ("You said: Hello!", ())
    assert len(server.requests) == 2
    assert completion.usage is not None
    assert completion.usage.prompt > 100  # of both requests


async def test_after_an_operation_comes_the_reply_without_tools() -> None:
    server = FakeOpenAI()
    call = ToolCall(id="c", name="archival_memory_search", arguments='{"query": "狗"}')
    rows = (said("早", 1), spoke("早上好", 1), said("我的狗叫什么?", 2))
    (completion,) = await ask(
        server, prompt(*rows, *done(call, "1. [2026-11-20 10:00] 我的狗叫旺财", 2))
    )
    assert completion == Completion(text="你告诉过我:我的狗叫旺财", usage=completion.usage)
    (request,) = server.requests
    shown = json.dumps(request, ensure_ascii=False)
    assert "tools" not in request
    assert "tool_calls" not in shown
    assert "archival_memory_search" not in shown
    assert "1. [2026-11-20 10:00] 我的狗叫旺财" in shown
    assert "早上好" not in shown
    assert "根据找到的内容" in shown


async def test_a_failed_save_is_not_promised() -> None:
    server = FakeOpenAI()
    call = ToolCall(id="c", name="core_memory_append", arguments='{"content": "x"}')
    await ask(server, prompt(said("I like tea"), *done(call, "Error: the section is full")))
    shown = json.dumps(server.requests[0])
    assert "the section is full" in shown
    assert "you will remember" not in shown


@pytest.mark.parametrize(
    ("answer", "query"),
    [
        ('{"operation": "search_notes", "query": "女儿"}', "女儿"),
        ('{"operation": "search_notes", "query": "daughter"}', "我女儿几岁了?"),
        ('{"operation": "search_notes"}', "我女儿几岁了?"),
        ('Sure! ```json\n{"operation": "search_notes", "query": " 女儿 "}\n```', "女儿"),
    ],
)
async def test_a_query_stays_in_the_persons_language(answer: str, query: str) -> None:
    (completion,) = await ask(FakeOpenAI(answers(answer)), prompt(said("我女儿几岁了?")))
    assert call_of(completion) == ("archival_memory_search", {"query": query})


@pytest.mark.parametrize("answer", ["", "none", '{"operation": "fly"}', '{"operation": "sav', "[]"])
async def test_no_operation_that_can_be_read_means_none(answer: str) -> None:
    (completion,) = await ask(FakeOpenAI(answers(answer, "Hi.")), prompt(said("I like tea")))
    assert (completion.text, completion.calls) == ("Hi.", ())


@pytest.mark.parametrize(
    ("tools", "name"),
    [
        (("core_memory_append",), "core_memory_append"),
        (("archival_memory_insert",), "archival_memory_insert"),
        (ALL, "core_memory_append"),
    ],
)
async def test_only_tools_of_the_prompt_are_used(tools: tuple[str, ...], name: str) -> None:
    server = FakeOpenAI()
    (completion,) = await ask(server, prompt(said("I like tea"), tools=tools))
    assert call_of(completion)[0] == name
    schema = json.dumps(server.requests[0]["response_format"])
    assert ("search_notes" in schema) == ("archival_memory_search" in tools)


async def test_long_words_become_a_note() -> None:
    text = "我喜欢茶。" * LINE
    (completion,) = await ask(FakeOpenAI(), prompt(said(text)))
    assert call_of(completion) == (
        "archival_memory_insert",
        {"content": text, "request_heartbeat": True},
    )


async def test_without_memory_tools_or_words_there_is_only_the_reply() -> None:
    for asked in (prompt(said("I like tea"), tools=("send_message",)), prompt(said(" \n"))):
        server = FakeOpenAI(answers("Hi."))
        (completion,) = await ask(server, asked)
        assert completion.text == "Hi."
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("refuses", "formats"),
    [
        ((), ["json_schema", "json_schema"]),
        (("json_schema",), ["json_schema", "json_object", "json_object"]),
        (("response_format",), ["json_schema", "json_object", None, None]),
    ],
)
async def test_the_strictest_format_that_is_taken_is_found_and_remembered(
    refuses: tuple[str, ...], formats: list[str | None]
) -> None:
    answer = '{"operation": "save_about_person", "query": ""}'
    server = FakeOpenAI(answers(answer, answer), refuses=refuses)
    both = await ask(server, prompt(said("I like tea")), prompt(said("I like jam")))
    assert [call_of(one)[1]["content"] for one in both] == ["I like tea", "I like jam"]
    given = [request.get("response_format") for request in server.requests]
    assert [one["type"] if isinstance(one, dict) else None for one in given] == formats


async def test_a_request_that_is_refused_in_every_format() -> None:
    server = FakeOpenAI(refuses=("messages",))
    with pytest.raises(ModelRejected):
        await ask(server, prompt(said("I like tea")))


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ('{"name": "send_message", "arguments": {"message": "Hi."}}', "Hi."),
        ('```json\n{"name": "core_memory_append", "arguments": {"content": "x"}}\n```', ""),
        ("<think>They greet me.</think>Hello.", "Hello."),
    ],
)
async def test_a_reply_that_is_a_made_up_call(answer: str, text: str) -> None:
    none = '{"operation": "none", "query": ""}'
    (completion,) = await ask(FakeOpenAI(answers(none, answer)), prompt(said("Hello")))
    assert (completion.text, completion.calls) == (text, ())


async def test_closing_asks_once_and_for_words() -> None:
    server = FakeOpenAI()
    (completion,) = await ask(server, prompt(said("I like tea"), closing=True))
    assert (completion.text, completion.calls) == ("You said: I like tea", ())
    assert len(server.requests) == 1
