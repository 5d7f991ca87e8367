"""Vectors of one shelf in FAISS: quick to search, never the truth, rebuilt whenever in doubt."""

import hashlib
import json
import math
import os
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memory.errors import EmbeddingFault, StorageFault

if TYPE_CHECKING:
    import numpy as np

    Vectors = np.ndarray[Any, np.dtype[np.float32]]  # one row each
    Ids = np.ndarray[Any, np.dtype[np.int64]]

FORMAT = 1
_FLAT_UPTO = 50_000  # vectors; then half the memory with the same recall
_FP16_UPTO = 100_000  # then lists of bytes: recall .99 at a tenth of the time
_NPROBE = 16


def available() -> bool:
    """Whether FAISS is installed."""
    return all(find_spec(module) for module in ("numpy", "faiss"))


class FaissIndex:
    """Implements memory.ports.VectorIndex over two files: `path` + ".faiss" and + ".json".

    Opening reads them where they are whole and made for this path, embedder and dimension; else
    the index is empty and its version -1. Opening writes nothing. Not for two threads at a time.
    Methods that are given vectors raise EmbeddingFault where their size is not `dim`.
    """

    def __init__(self, path: Path, embedder: str, dim: int) -> None:
        self._file = path.with_name(path.name + ".faiss")
        self._manifest = path.with_name(path.name + ".json")
        # A home may be moved, so the identity is where the files are within it.
        self._head = {
            "format": FORMAT,
            "place": "/".join(path.parts[-2:]),
            "embedder": embedder,
            "dim": dim,
        }
        self._dim = dim
        self.reset()
        self._load()

    @property
    def version(self) -> int:
        return self._version

    @property
    def count(self) -> int:
        return int(self._index.ntotal)

    def reset(self) -> None:
        self._index = self._make(0)
        self._version = -1

    def add(self, seqs: Sequence[int], vectors: Sequence[bytes], version: int) -> None:
        """Hold these too, in place of what was held under the same seqs, as of `version`."""
        if seqs:
            self._put(_ids(seqs), self._matrix(vectors))
        self._version = version

    def search(
        self, vector: bytes, k: int, among: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        faiss = _faiss()
        k = min(k, self.count if among is None else min(self.count, len(among)))
        question = self._matrix([vector])
        if k < 1 or not math.isfinite(float(question.sum())):
            return []
        chosen = None if among is None else faiss.IDSelectorBatch(_ids(among))
        similar, found = self._index.search(question, k, params=self._params(chosen))
        hits = zip(found[0].tolist(), similar[0].tolist(), strict=True)
        return sorted((hit for hit in hits if hit[0] >= 0), key=itemgetter(1, 0), reverse=True)

    def save(self) -> None:
        """Replace the files. Killed in between, the next opening sees that they do not match.

        Raises StorageFault.
        """
        data = _faiss().serialize_index(self._index).tobytes()
        head = self._head | {"count": self.count, "version": self._version}
        manifest = head | {"sha256": _checksum(data, head)}
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            _replace(self._file, data)
            _replace(self._manifest, json.dumps(manifest).encode())
        except OSError as error:
            raise StorageFault(
                f"The search index {self._file} cannot be written ({error.strerror}). "
                "Check that the disk has room and that the home is writable."
            ) from error

    def delete(self) -> None:
        """Empty it, and remove its files."""
        self.reset()
        self._manifest.unlink(missing_ok=True)
        self._file.unlink(missing_ok=True)

    def _load(self) -> None:
        """Whatever is wrong with the files, the database has it all: start empty, and follow."""
        with suppress(OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError):
            head = json.loads(self._manifest.read_bytes())
            data = self._file.read_bytes()
            if head.pop("sha256") != _checksum(data, head) or self._head.items() - head.items():
                return
            index = _read(data)
            seqs = _held(index)
            sound = len(set(seqs)) == len(seqs) == index.ntotal == head["count"]
            if sound and index.d == self._dim and min(seqs, default=0) >= 0:
                self._index, self._version = index, int(head["version"])

    def _put(self, seqs: "Ids", vectors: "Vectors") -> None:
        import numpy as np

        held = _held(self._index)
        kept = ~np.isin(held, seqs)
        total = int(kept.sum()) + len(seqs)
        grown = total > _capacity(self._index.index)  # another kind of index is better from here
        if grown or not kept.all():
            old = self._index.index.reconstruct_n(0, len(held))[kept]
            seqs, vectors = np.concatenate([held[kept], seqs]), np.concatenate([old, vectors])
            self._index.reset()
        if grown:
            self._index = self._make(total)
            sample = 40 * math.isqrt(4 * total)  # 40 vectors of each list place it well enough
            self._index.train(vectors[:: max(1, total // sample)])
        self._index.add_with_ids(vectors, seqs)

    def _make(self, count: int) -> Any:
        """An empty index of the kind that suits so many vectors."""
        faiss = _faiss()
        kind = "Flat"
        if count > _FP16_UPTO:
            kind = f"IVF{2 * math.isqrt(count)},SQ8"
        elif count > _FLAT_UPTO:
            kind = "SQfp16"
        inner = faiss.index_factory(self._dim, kind, faiss.METRIC_INNER_PRODUCT)
        index = faiss.IndexIDMap2(inner)
        index.own_fields = True
        inner.this.disown()
        return index

    def _params(self, chosen: Any) -> Any:
        """How to search. Where few are chosen, all lists are looked at, or some would be missed."""
        faiss = _faiss()
        inner = faiss.downcast_index(self._index.index)
        if isinstance(inner, faiss.IndexIVF):
            nprobe = _NPROBE if chosen is None else inner.nlist
            return faiss.SearchParametersIVF(sel=chosen, nprobe=nprobe)
        return faiss.SearchParameters(sel=chosen) if chosen else None

    def _matrix(self, vectors: Sequence[bytes]) -> "Vectors":
        import numpy as np

        if any(len(vector) != 2 * self._dim for vector in vectors):
            raise EmbeddingFault(
                f"Stored vectors of {self._head['embedder']} do not have its {self._dim} numbers. "
                "Run reverie reindex."
            )
        flat = np.frombuffer(b"".join(vectors), dtype="<f2")
        return flat.astype(np.float32).reshape(-1, self._dim)


def _faiss() -> Any:
    """FAISS on one thread. That setting is the calling thread's own, hence each time."""
    import faiss

    faiss.omp_set_num_threads(1)
    return faiss


def _ids(seqs: Sequence[int]) -> "Ids":
    import numpy as np

    return np.asarray(seqs, dtype=np.int64)


def _held(index: Any) -> "Ids":
    """The seqs that an index holds, in the order of its vectors."""
    held: Ids = _faiss().vector_to_array(index.id_map)
    return held


def _capacity(inner: Any) -> int:
    """How many vectors an index is good for."""
    faiss = _faiss()
    inner = faiss.downcast_index(inner)
    if isinstance(inner, faiss.IndexIVF):  # four times what its lists were made for
        return int(inner.nlist) ** 2
    return _FP16_UPTO if isinstance(inner, faiss.IndexScalarQuantizer) else _FLAT_UPTO


def _read(data: bytes) -> Any:
    import numpy as np

    return _faiss().deserialize_index(np.frombuffer(data, dtype=np.uint8))


def _checksum(data: bytes, head: dict[str, object]) -> str:
    """Over the index and what the manifest says of it."""
    digest = hashlib.sha256(data)
    digest.update(json.dumps(head, sort_keys=True).encode())
    return digest.hexdigest()


def _replace(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, and durably."""
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    if os.name != "nt":  # Windows has no handle for a directory
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
