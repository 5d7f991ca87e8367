"""What an endpoint says about itself, by llama.cpp's, vLLM's and Ollama's ways of saying it."""

import asyncio
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bot.errors import ModelMisconfigured
from bot.llm.openai import Client, Endpoint, OpenAIModel
from bot.llm.probe import (
    DEFAULT_WINDOW,
    OLLAMA_WINDOW,
    OPENAI_WINDOW,
    find_local,
    probe_mode,
    probe_window,
)
from bot.testing.fake_openai import FakeOpenAI, Request

Answers = Mapping[str, object]
VLLM: Answers = {"/v1/models": {"data": [{"id": "x"}, {"id": "m", "max_model_len": 32768}]}}
SHOWN: Answers = {"/api/show": {"model_info": {"qwen3.context_length": 40960}}}
RUNNING: Answers = {"/api/ps": {"models": [{"name": "m:latest", "context_length": 16384}]}}
SET: Answers = {"/api/show": {"model_info": {}, "parameters": "stop x\nnum_ctx    12000"}}


@asynccontextmanager
async def site(answers: Answers) -> AsyncIterator[str]:
    """A server that answers these paths, and 404 to all else; its root."""

    async def answer(request: web.Request) -> web.Response:
        if request.path not in answers:
            return web.Response(status=404, text="nothing here")
        found = answers[request.path]
        return web.Response(text=found) if isinstance(found, str) else web.json_response(found)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("answers", "window", "known"),
    [
        ({"/props": {"default_generation_settings": {"n_ctx": 8448}}}, 8448, True),
        (VLLM, 32768, True),
        ({**SHOWN, **RUNNING}, 16384, True),
        (SET, 12000, True),
        (SHOWN, OLLAMA_WINDOW, False),
        ({}, DEFAULT_WINDOW, True),
        ({"/props": "<html>", "/v1/models": []}, DEFAULT_WINDOW, True),
        ({"/props": {"default_generation_settings": {"n_ctx": -5}}}, DEFAULT_WINDOW, True),
    ],
)
async def test_the_window_is_asked_for(answers: Answers, window: int, known: bool) -> None:
    async with site(answers) as root:
        assert await probe_window(f"{root}/v1", "m") == (window, known)
        assert await probe_window(f"{root}/v1/", "m") == (window, known)


async def test_openais_own_window_needs_no_question() -> None:
    assert await probe_window(None, "gpt-4o") == (OPENAI_WINDOW, True)


async def test_a_window_is_asked_for_again_until_somebody_answers(unused_tcp_port: int) -> None:
    server = FakeOpenAI(window=5000)
    url = f"http://127.0.0.1:{unused_tcp_port}/v1"
    model = OpenAIModel(Endpoint(model="fake", base_url=url))
    assert await model.window() == DEFAULT_WINDOW
    async with server.running(unused_tcp_port):
        assert await model.window() == 5000
        server.window = 6000
        assert await model.window() == 5000
    await model.close()


async def test_a_silent_server_does_not_hold_up() -> None:
    async def hush(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0)
        silent.append(writer)

    silent: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(hush, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with asyncio.timeout(5):
        found = await probe_window(f"http://127.0.0.1:{port}/v1", "m", patience=0.1)
        assert await find_local([("Ollama", port)], patience=0.1) == []
    assert found == (DEFAULT_WINDOW, False)
    for writer in silent:
        writer.close()
    server.close()
    await server.wait_closed()


def _able(request: Request) -> dict[str, object]:
    """A model that uses tools as it should."""
    messages = request["messages"]
    assert isinstance(messages, list)
    if messages[-1]["role"] == "tool":
        return {"content": messages[-1]["content"]}
    if "response_format" in request:
        return {"content": '{"color": "red"}'}
    function = {"name": "look_up_password", "arguments": '{"door": "garden"}'}
    return {"tool_calls": [{"id": "c", "type": "function", "function": function}]}


def _without(last: str) -> Callable[[Request], dict[str, object]]:
    """The same, but for one failing."""

    def script(request: Request) -> dict[str, object]:
        answer = _able(request)
        if last == "calls" and "tool_calls" in answer:
            return {"content": "The password is 1234."}
        if last == "end" and "tool_calls" not in answer and "response_format" not in request:
            return _able({"messages": [{"role": "user"}]})
        if last == "arguments" and "tool_calls" in answer:
            function = {"name": "look_up_password", "arguments": "{}"}
            return {"tool_calls": [{"id": "c", "type": "function", "function": function}]}
        return answer

    return script


@pytest.mark.parametrize(
    ("server", "mode", "why"),
    [
        (FakeOpenAI(_able), "native", "calls tools"),
        (FakeOpenAI(_without("calls")), "json", "did not call"),
        (FakeOpenAI(_without("end")), "json", "does not answer once"),
        (FakeOpenAI(_without("arguments")), "json", "arguments are wrong"),
        (FakeOpenAI(_able, refuses=("tools",)), "json", "refuses.*keeps to a JSON schema"),
        (FakeOpenAI(_able, refuses=("tools", "response_format")), "json", "JSON in words"),
    ],
)
async def test_the_mode_follows_from_what_the_model_can_do(
    server: FakeOpenAI, mode: str, why: str
) -> None:
    async with server.running():
        client = Client(Endpoint(model="fake", base_url=server.url))
        found, reason = await probe_mode(client)
        await client.close()
    assert found == mode
    assert pytest.importorskip("re").search(why, reason)


async def test_a_wrong_key_is_no_mode() -> None:
    async with FakeOpenAI().running() as server:
        server.fail("401")
        client = Client(Endpoint(model="fake", base_url=server.url))
        with pytest.raises(ModelMisconfigured):
            await probe_mode(client)
        await client.close()


async def test_local_servers_are_found(unused_tcp_port: int) -> None:
    models = ("qwen3:8b", "nomic-embed-text")
    async with FakeOpenAI(models=models).running() as server, site({}) as other:
        ports = [
            ("Ollama", int(server.url.split(":")[2].removesuffix("/v1"))),
            ("LM Studio", unused_tcp_port),
            ("llama.cpp", int(other.split(":")[2])),
        ]
        (found,) = await find_local(ports)
    assert (found.kind, found.base_url, found.models) == ("Ollama", server.url, ("qwen3:8b",))


def test_the_fake_server_as_a_program() -> None:
    command = [sys.executable, "-m", "bot.testing.fake_openai", "--port", "0", "--window", "777"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            with urllib.request.urlopen(url.removesuffix("/v1") + "/props") as answer:
                assert b"777" in answer.read()
        finally:
            process.terminate()
