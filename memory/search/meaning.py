"""What is near a question: by the embedder's vectors, or the former one's while they are made."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence

from memory.errors import EmbeddingFault
from memory.index.cache import IndexCache
from memory.ports import Embedder
from memory.spaces import Space
from memory.types import Shelf

QUERIES = 256  # vectors of questions that are kept
WAIT = 3.0  # seconds for an embedder's answer: by words a search is done at once
AWAY = 30.0  # seconds for which one that took longer is not asked again

Former = Callable[[str], Embedder | None]  # the embedder of this name, where it can still be had


class Meaning:
    """Embeds questions, each once, and searches the indexes with them."""

    def __init__(self, embedder: Embedder, indexes: IndexCache, former: Former) -> None:
        self._embedders: dict[str, Embedder | None] = {embedder.name: embedder}
        self._indexes = indexes
        self._former = former
        self._vectors: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._away_until = 0.0  # by the clock of the event loop

    async def near(
        self,
        agent: str,
        shelf: Shelf,
        query: str,
        k: int,
        among: Sequence[int] | None,
        spaces: Sequence[Space],
    ) -> list[tuple[int, float]]:
        """The k nearest (seq, similarity), best first, in the first space whose embedder is there.

        Raises EmbeddingFault where there is no answer now.
        """
        for space in spaces:
            embedder = self._embedder(space.embedder)
            if embedder is not None:
                vector = await self._vector(embedder, query)
                known = space.version, space.count
                return await self._indexes.search(
                    agent, shelf, vector, k, among, known, space.embedder
                )
        return []

    def clear(self) -> None:
        """Forget the questions."""
        self._vectors.clear()

    async def close(self) -> None:
        for embedder in filter(None, self._embedders.values()):
            await embedder.close()

    def _embedder(self, name: str) -> Embedder | None:
        if name not in self._embedders:
            self._embedders[name] = self._former(name)
        return self._embedders[name]

    async def _vector(self, embedder: Embedder, query: str) -> bytes:
        key = embedder.name, query
        vector = self._vectors.get(key)
        if vector is None:
            vector = self._vectors[key] = await self._asked(embedder, query)
            if len(self._vectors) > QUERIES:
                self._vectors.popitem(last=False)
        return vector

    async def _asked(self, embedder: Embedder, query: str) -> bytes:
        """Raises EmbeddingFault where the answer does not come, or did not just now."""
        clock = asyncio.get_running_loop().time
        if clock() < self._away_until:
            raise EmbeddingFault("the embedder took too long just now, and is left alone.")
        try:
            async with asyncio.timeout(WAIT):
                return await embedder.query(query)
        except TimeoutError:
            self._away_until = clock() + AWAY
            raise EmbeddingFault(f"the embedder takes longer than {WAIT:g} s.") from None
