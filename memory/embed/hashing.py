"""Vectors by hashing, for tests: no weights, little meaning, the same everywhere."""

import math
import struct
from collections.abc import Iterator, Sequence
from zlib import crc32

from memory.words import terms


class HashingEmbedder:
    """Implements memory.ports.Embedder. Texts that share terms, or parts of words, are near."""

    def __init__(self, dim: int = 256) -> None:
        self._dim = dim

    @property
    def name(self) -> str:
        return f"hashing-{self._dim}"

    @property
    def dim(self) -> int:
        return self._dim

    async def passages(self, texts: Sequence[str]) -> list[bytes]:
        return [self._vector(text) for text in texts]

    async def query(self, text: str) -> bytes:
        return self._vector(text)

    async def close(self) -> None:
        """Nothing is open."""

    def _vector(self, text: str) -> bytes:
        sums = [0.0] * self._dim
        for gram in _grams(text):
            mark = crc32(gram.encode())
            sums[(mark >> 1) % self._dim] += 1.0 if mark & 1 else -1.0
        length = math.hypot(*sums)
        if not length:  # no term at all, or they cancel out
            sums[0] = length = 1.0
        return struct.pack(f"<{self._dim}e", *(value / length for value in sums))


def _grams(text: str) -> Iterator[str]:
    """The terms of a text, and every three letters of the longer ones."""
    for term in terms(text):
        yield term
        if len(term) > 3:
            yield from (term[i : i + 3] for i in range(len(term) - 2))
