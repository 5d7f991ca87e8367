"""The fake model server: a whole conversation by its rules, and faults over HTTP."""

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession

from bot.testing.fake_memory import answer_by_rule, operation
from bot.testing.fake_openai import CANNED, FakeOpenAI

TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {}}}
    for name in (
        "send_message",
        "core_memory_append",
        "archival_memory_insert",
        "archival_memory_search",
        "conversation_search",
    )
]


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


def request(*messages: tuple[str, str], system: str = "") -> dict[str, object]:
    rows = [{"role": role, "content": content} for role, content in messages]
    return {"messages": [{"role": "system", "content": system}, *rows], "tools": TOOLS}


def called(answer: dict[str, object]) -> tuple[str, dict[str, object]]:
    calls = answer["tool_calls"]
    assert isinstance(calls, list)
    function = calls[0]["function"]
    return function["name"], json.loads(function["arguments"])


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("Hello!", "none"),
        ("你好!", "none"),
        ("My dog is called Rex", "save_about_person"),
        ("我喜欢喝茶", "save_about_person"),
        ("I see the dentist on 3 May", "save_note"),
        ("我明天去看牙医", "save_note"),
        ("What is my dog called?", "search_notes"),
        ("我养了什么狗", "search_notes"),
        ("What did I say yesterday?", "search_chat"),
        ("我们上次聊了什么?", "search_chat"),
    ],
)
def test_messages_are_sorted(said: str, wanted: str) -> None:
    assert operation(said) == wanted


def test_answers_hold_no_times_and_are_the_same_for_the_same_request() -> None:
    one = request(("user", "[2026-11-22 20:47] I like tea"), ("user", "[2026-11-22 20:48] and jam"))
    other = request(
        ("user", "[2031-01-01 00:00] I like tea"), ("user", "[2031-01-01 00:01] and jam")
    )
    answer = answer_by_rule(one, "tools")
    assert answer == answer_by_rule(one, "tools") == answer_by_rule(other, "tools")
    assert called(answer)[1]["content"] == "I like tea\nand jam"


def test_a_question_is_answered_from_core_memory_or_else_from_what_was_found() -> None:
    memory = '<block label="human" chars="9">\n[2026-11-20] 我叫张三,是一名Python开发者\n</block>'
    search = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c", "function": {"name": "archival_memory_search"}}],
    }
    found = "2 of 2 results\n1. [2026-11-20 10:00] 我是做什么的?\n2. [2026-11-20 10:00] 我是医生"
    for system, line in ((memory, "我叫张三,是一名Python开发者"), ("", "我是医生")):
        asked = request(("user", "[2026-11-22 20:47] 我是做什么的?"), system=system)
        rows = asked["messages"]
        assert isinstance(rows, list)
        rows += [search, {"role": "tool", "tool_call_id": "c", "content": found}]
        wanted = ("send_message", {"message": f"你告诉过我:{line}"})
        assert called(answer_by_rule(asked, "tools")) == wanted


async def test_faults_are_set_and_cleared_over_http(http: ClientSession) -> None:
    async with FakeOpenAI().running() as server:
        root, chat = server.url.removesuffix("/v1"), f"{server.url}/chat/completions"
        fault = {"kind": "429", "times": 2, "retry_after": 1.5}
        async with http.post(f"{root}/faults", json=fault) as answer:
            assert await answer.json() == {"waiting": 1}
        statuses = []
        for _ in range(3):
            async with http.post(chat, json=request(("user", "hi"))) as answer:
                statuses.append((answer.status, answer.headers.get("Retry-After")))
        assert statuses == [(429, "1.5"), (429, "1.5"), (200, None)]
        async with http.post(f"{root}/faults", json={"kind": "meteor"}) as answer:
            assert answer.status == 400
            assert "endless_tools" in await answer.text()
        server.fail("500", times=-1)
        async with http.delete(f"{root}/faults") as answer:
            assert await answer.json() == {"waiting": 0}
        async with http.post(chat, json=request(("user", "hi"))) as answer:
            assert answer.status == 200


async def test_the_canned_answer(http: ClientSession) -> None:
    server = FakeOpenAI(canned=True)
    async with server.running(), http.post(f"{server.url}/chat/completions", data=b"x") as answer:
        body = await answer.json()
    assert body["choices"][0]["message"]["content"] == CANNED
    assert not server.requests


async def test_embeddings_are_the_same_for_the_same_text(http: ClientSession) -> None:
    async with FakeOpenAI().running() as server:
        texts = ["我喜欢喝茶", "我喜欢喝茶。", "dogs bark", ""]
        async with http.post(f"{server.url}/embeddings", json={"input": texts}) as answer:
            tea, tea_again, dogs, _ = [row["embedding"] for row in (await answer.json())["data"]]
    near, far = (sum(a * b for a, b in zip(tea, x, strict=True)) for x in (tea_again, dogs))
    assert near > 0.8 > 0.3 > far
    assert sum(a * a for a in tea) == pytest.approx(1)
