"""The real openai client against an endpoint in trouble: waited out, or said in a sentence."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from bot.errors import (
    ContextTooLong,
    ModelError,
    ModelMisconfigured,
    ModelRejected,
    ModelUnavailable,
)
from bot.llm.openai import Client, Endpoint, OpenAIModel
from bot.testing.fake_openai import HUGE, FakeOpenAI
from bot.types import Prompt, ToolSpec
from memory.types import Message, Origin

KEY = "sk-very-secret"
NOON = datetime(2026, 11, 22, 12, 47, tzinfo=UTC)
HELLO = Prompt(
    system="S",
    messages=(Message(seq=1, role="user", text="Hello", at=NOON, origin=Origin(), turn=1),),
    tools=(ToolSpec(name="send_message", description="", parameters={"type": "object"}),),
)


class Sleeps(list[float]):
    """A clock that only writes down how long it was asked to wait."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
async def server() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI().running() as server:
        yield server


@pytest.fixture
def sleeps() -> Sleeps:
    return Sleeps()


@pytest.fixture
async def model(server: FakeOpenAI, sleeps: Sleeps) -> AsyncIterator[OpenAIModel]:
    endpoint = Endpoint(model="fake", base_url=server.url, api_key=KEY, timeout=30)
    model = OpenAIModel(endpoint, sleep=sleeps)
    yield model
    await model.close()


@pytest.mark.parametrize("kind", ["429", "500", "503", "drop", "half", "malformed", "no_choices"])
async def test_passing_trouble_is_waited_out(
    kind: str, server: FakeOpenAI, model: OpenAIModel, sleeps: Sleeps
) -> None:
    server.fail(kind, times=3)
    completion = await model.complete(HELLO)
    assert [call.name for call in completion.calls] == ["send_message"]
    assert len(sleeps) == 3
    assert 0.25 <= sleeps[0] <= 0.5
    assert 1 <= sleeps[2] <= 2


@pytest.mark.parametrize("kind", ["429", "500", "drop", "half", "malformed", "no_choices"])
async def test_lasting_trouble_ends_in_a_sentence(
    kind: str, server: FakeOpenAI, model: OpenAIModel, sleeps: Sleeps
) -> None:
    server.fail(kind, times=-1)
    with pytest.raises(ModelUnavailable) as caught:
        await model.complete(HELLO)
    assert len(sleeps) == 3
    assert str(caught.value).endswith(".")
    server.faults.clear()
    assert (await model.complete(HELLO)).calls


async def test_retry_after_is_honoured(
    server: FakeOpenAI, model: OpenAIModel, sleeps: Sleeps
) -> None:
    server.fail("429", retry_after=7)
    assert (await model.complete(HELLO)).calls
    assert [int(seconds) for seconds in sleeps] == [7]


async def test_too_long_a_retry_after_is_handed_up_at_once(
    server: FakeOpenAI, model: OpenAIModel, sleeps: Sleeps
) -> None:
    server.fail("429", retry_after=300)
    with pytest.raises(ModelUnavailable) as caught:
        await model.complete(HELLO)
    assert caught.value.retry_after == 300
    assert sleeps == []


@pytest.mark.parametrize(
    ("kind", "error", "setting"),
    [
        ("401", ModelMisconfigured, "REVERIE_LLM_API_KEY"),
        ("404", ModelMisconfigured, "REVERIE_LLM_MODEL"),
        ("404", ModelMisconfigured, "REVERIE_LLM_BASE_URL"),
        ("400", ModelRejected, "not supported"),
        ("context", ContextTooLong, "window"),
    ],
)
async def test_what_waiting_cannot_mend_is_said_at_once(
    kind: str,
    error: type[ModelError],
    setting: str,
    server: FakeOpenAI,
    model: OpenAIModel,
    sleeps: Sleeps,
) -> None:
    server.fail(kind)
    with pytest.raises(error, match=setting) as caught:
        await model.complete(HELLO)
    assert sleeps == []
    assert KEY not in repr(caught.value) + repr(caught.value.__cause__)
    assert caught.value.__context__ is None
    assert (await model.complete(HELLO)).calls


async def test_a_hung_connection_is_tried_again(server: FakeOpenAI, sleeps: Sleeps) -> None:
    server.fail("hang")
    model = OpenAIModel(Endpoint(model="fake", base_url=server.url, timeout=1), sleep=sleeps)
    completion = await model.complete(HELLO)
    await model.close()
    assert [call.name for call in completion.calls] == ["send_message"]
    assert len(sleeps) == 1


async def test_an_endpoint_that_always_hangs_is_given_up_soon(
    server: FakeOpenAI, sleeps: Sleeps
) -> None:
    server.fail("hang", times=-1)
    endpoint = Endpoint(model="fake", base_url=server.url, timeout=0.05, retries=9)
    model = OpenAIModel(endpoint, sleep=sleeps)
    with pytest.raises(ModelUnavailable, match=r"within 0\.05 seconds"):
        await model.complete(HELLO)
    await model.close()
    assert len(sleeps) <= 1


async def test_nobody_there(unused_tcp_port: int, sleeps: Sleeps) -> None:
    url = f"http://user:{KEY}@127.0.0.1:{unused_tcp_port}/v1"
    model = OpenAIModel(Endpoint(model="fake", base_url=url, retries=2), sleep=sleeps)
    with pytest.raises(ModelUnavailable, match="cannot be reached") as caught:
        await model.complete(HELLO)
    await model.close()
    assert KEY not in str(caught.value) + model.name + repr(model.endpoint.host)
    assert len(sleeps) == 2


@pytest.mark.parametrize("key", ["clé…密", "two\nlines"])
async def test_a_key_that_is_no_key(key: str, server: FakeOpenAI, sleeps: Sleeps) -> None:
    model = OpenAIModel(
        Endpoint(model="fake", base_url=server.url, api_key=key, retries=0), sleep=sleeps
    )
    with pytest.raises((ModelMisconfigured, ModelUnavailable)) as caught:
        await model.complete(HELLO)
    await model.close()
    assert key not in str(caught.value)


@pytest.mark.parametrize("kind", ["empty", "unknown_tool", "wrong_arguments", "endless_tools"])
async def test_odd_answers_go_to_the_loop_as_they_are(
    kind: str, server: FakeOpenAI, model: OpenAIModel
) -> None:
    server.fail(kind)
    completion = await model.complete(HELLO)
    names = [call.name for call in completion.calls]
    assert (completion.text, names) == (
        "",
        {
            "empty": [],
            "unknown_tool": ["fly_to_the_moon"],
            "wrong_arguments": ["core_memory_append"],
            "endless_tools": ["conversation_search"],
        }[kind],
    )


async def test_ten_megabytes_are_cut(server: FakeOpenAI, model: OpenAIModel) -> None:
    server.fail("huge")
    completion = await model.complete(HELLO)
    assert HUGE > len(completion.text) > 90_000
    assert len(completion.text) <= 100_000


async def test_fields_that_a_model_refuses_are_left_out() -> None:
    async with FakeOpenAI(refuses=("max_tokens", "temperature")).running() as server:
        endpoint = Endpoint(model="o9", base_url=server.url, max_tokens=99, temperature=0.5)
        model = OpenAIModel(endpoint)
        for asked in (3, 4):  # remembered after the first time
            assert (await model.complete(HELLO)).calls
            assert len(server.requests) == asked
        await model.close()
    assert server.requests[-1]["max_completion_tokens"] == 99


async def test_many_at_once_share_one_client(server: FakeOpenAI) -> None:
    client = Client(Endpoint(model="fake", base_url=server.url))
    body = {"messages": [{"role": "user", "content": "Hello"}]}
    answers = await asyncio.gather(*(client.ask(body) for _ in range(50)))
    await client.close()
    assert {answer.text for answer in answers} == {"You said: Hello"}
    assert client.counter.ratio != 1.1


async def test_azure_is_asked_in_its_own_way(server: FakeOpenAI) -> None:
    root = server.url.removesuffix("/v1")
    endpoint = Endpoint(model="my-gpt", base_url=root, api_key=KEY, api_version="2024-10-21")
    model = OpenAIModel(endpoint)
    with pytest.raises(ModelMisconfigured):  # the fake has no such path
        await model.complete(HELLO)
    await model.close()
    assert server.strays[-1] == (
        "/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21"
    )
