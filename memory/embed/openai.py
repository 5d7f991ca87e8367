"""Vectors from any OpenAI-compatible /v1/embeddings endpoint."""

import asyncio
import json
import math
import struct
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from memory.errors import EmbeddingFault
from memory.words import sanitise

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAIError

_BATCH = 64  # texts of one request
_CLIP = 4000  # characters of a text: 8,192 tokens are the least that hosted models take
PREFIX = "openai-"  # of the names of embedders
_OPENAI = "https://api.openai.com/v1"


class OpenAIEmbedder:
    """Implements memory.ports.Embedder.

    timeout: seconds of one try; retries: tries after the first, for what may pass (429, 5xx, a
    broken line). `dim` is 0 until the first answer, unless it is given; from then on another one
    is an EmbeddingFault.
    """

    def __init__(
        self,
        base_url: str | None,
        model: str,
        api_key: str | None = None,
        *,
        dim: int = 0,
        timeout: float = 30.0,
        retries: int = 2,
    ) -> None:
        self._base_url = base_url or _OPENAI
        self._model = model
        self._api_key = api_key
        self._dim = dim
        self._timeout = timeout
        self._retries = retries
        self._client: AsyncOpenAI | None = None

    @property
    def name(self) -> str:
        """The model's own name: the space is the same whichever server computes it."""
        return PREFIX + self._model

    @property
    def dim(self) -> int:
        return self._dim

    async def passages(self, texts: Sequence[str]) -> list[bytes]:
        vectors: list[bytes] = []
        for start in range(0, len(texts), _BATCH):
            vectors += await self._embed(texts[start : start + _BATCH])
        return vectors

    async def query(self, text: str) -> bytes:
        return (await self._embed([text]))[0]

    async def close(self) -> None:
        if self._client:
            await self._client.close()
            self._client = None

    async def _embed(self, texts: Sequence[str]) -> list[bytes]:
        raw = await self._ask([_clean(text) for text in texts])
        try:
            vectors = [_pack(row) for row in _rows(raw)]
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            raise self._nonsense() from None
        size = 2 * self._dim or len(vectors[0] if vectors else b"")
        if len(vectors) != len(texts) or any(len(vector) != size for vector in vectors):
            raise self._nonsense()
        self._dim = size // 2
        return vectors

    async def _ask(self, texts: list[str]) -> str:
        client = self._client or await self._open()
        import openai

        body = {"model": self._model, "input": texts, "encoding_format": "float"}
        try:
            async with asyncio.timeout((self._retries + 1) * (self._timeout + 1)):
                return await client.post("/embeddings", cast_to=str, body=body)
        except TimeoutError:  # it answers, but drop by drop
            fault = EmbeddingFault(f"The embedder at {self._host} is too slow.")
        except openai.OpenAIError as error:
            fault = self._fault(error)
        except UnicodeError:  # the key is sent as a header
            fault = EmbeddingFault(
                "The embedder's key has characters that no key has. Copy it again."
            )
        raise fault  # outside: the library's exceptions carry the key

    async def _open(self) -> "AsyncOpenAI":
        await asyncio.to_thread(import_module, "openai")  # takes a second
        from openai import AsyncOpenAI

        self._client = self._client or AsyncOpenAI(
            base_url=self._base_url,
            api_key=self._api_key or "none",  # local servers ask for none, the library for one
            timeout=self._timeout,
            max_retries=self._retries,
        )
        return self._client

    @property
    def _host(self) -> str:
        """Host and port, without anything secret."""
        return urlsplit(self._base_url).netloc.rpartition("@")[2]

    def _fault(self, error: "OpenAIError") -> EmbeddingFault:
        status = getattr(error, "status_code", None)
        if status is None:
            return EmbeddingFault(
                f"The embedder at {self._host} cannot be reached. "
                "Check its address, and that it runs."
            )
        return EmbeddingFault(
            f"The embedder at {self._host} refuses (HTTP {status}). "
            f"Check the embedding model's name ({self._model}), its address and its key."
        )

    def _nonsense(self) -> EmbeddingFault:
        expected = f" of {self._dim} numbers" if self._dim else ""
        return EmbeddingFault(
            f"The embedder at {self._host} did not answer with one vector{expected} for each text. "
            f"Check that {self._model} is an embedding model and is still the same one."
        )


def _clean(text: str) -> str:
    """What an endpoint takes: clipped, and never blank, which many refuse."""
    clipped = sanitise(text[:_CLIP])
    return clipped if clipped.strip() else "."


def _rows(raw: str) -> Iterator[list[float]]:
    """The vectors of an answer, in the order of the texts."""
    data = json.loads(raw)["data"]
    for row in sorted(data, key=lambda row: int(row["index"])):
        yield [float(number) for number in row["embedding"]]


def _pack(row: list[float]) -> bytes:
    """Length 1, as float16. Raises ValueError where that cannot be: NaN, infinite, zero."""
    length = math.hypot(*row)
    if not math.isfinite(length) or not length:
        raise ValueError
    return struct.pack(f"<{len(row)}e", *(number / length for number in row))
