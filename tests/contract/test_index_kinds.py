"""The kinds of index by size: each finds what brute force finds, nearly; they change in time."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from memory.errors import EmbeddingFault
from memory.index import faiss
from memory.index.cache import IndexCache
from memory.index.faiss import FaissIndex, sample_of
from tests.contract.vector_house import DIM, EMBEDDER, Vectors, nearest, vector

np = pytest.importorskip("numpy")
pytestmark = pytest.mark.skipif(not faiss.available(), reason="FAISS is not installed")

WIDE = 64  # dimensions
FLAT, HALVES, LISTS = 4 * WIDE, 2 * WIDE, WIDE  # bytes of a vector


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faiss, "FLAT_UPTO", 1000)
    monkeypatch.setattr(faiss, "FP16_UPTO", 2000)
    monkeypatch.setattr(faiss, "NPROBE", 8)


@pytest.fixture
def database() -> Iterator[Vectors]:
    vectors = Vectors()
    yield vectors
    vectors.raw.close()


def cloud(count: int, seed: int = 1) -> list[bytes]:
    """Vectors in noisy clusters."""
    dice = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(40, WIDE))
    rows = centres[dice.integers(40, size=count)] + dice.normal(size=(count, WIDE))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return [row.astype("<f2").tobytes() for row in rows]


def made(path: Path, vectors: Sequence[bytes]) -> FaissIndex:
    """As it is built from rows; its seqs are 10, 20, 30, ..."""
    index = FaissIndex(path, "e", WIDE)
    step = max(1, len(vectors) // (sample_of(len(vectors)) or 1))
    index.reset(len(vectors), vectors[::step][: sample_of(len(vectors))])
    index.add(range(10, 10 * len(vectors) + 1, 10), vectors, len(vectors))
    return index


def recall(index: FaissIndex, held: dict[int, bytes], among: list[int] | None = None) -> float:
    """The share of the ten nearest that an index finds, over many questions."""
    seqs = np.array(list(held) if among is None else among)
    rows = np.frombuffer(b"".join(held[seq] for seq in seqs.tolist()), "<f2").astype(np.float32)
    asked = cloud(60, seed=2)
    found = 0
    for question in asked:
        scores = rows.reshape(-1, WIDE) @ np.frombuffer(question, "<f2").astype(np.float32)
        true = set(seqs[np.argsort(-scores)[:10]].tolist())
        found += len(true & {seq for seq, _ in index.search(question, 10, among)})
    return found / 600


@pytest.mark.parametrize(("count", "bytes_each"), [(900, FLAT), (1900, HALVES), (6000, LISTS)])
def test_each_kind_finds_the_nearest(count: int, bytes_each: int, tmp_path: Path) -> None:
    vectors = cloud(count)
    index = made(tmp_path / "a" / "passages", vectors)
    held = dict(zip(range(10, 10 * count + 1, 10), vectors, strict=True))
    assert 0 <= index.size - count * (bytes_each + 8) <= 4 * WIDE * 80  # of lists' centres
    assert recall(index, held) >= 0.95
    for few in (list(held)[:15], list(held)[::7]):
        assert recall(index, held, few) >= (0.95 if len(few) > 50 else 0.99)
    assert index.search(vectors[5], 5, [7, -1, 10**9]) == []
    index.save()
    again = FaissIndex(tmp_path / "a" / "passages", "e", WIDE)
    assert (again.count, again.version, again.size) == (count, count, index.size)
    assert again.search(vectors[7], 50) == index.search(vectors[7], 50)
    for each in (index, again):  # replaced, added and dropped, whether read or made
        each.add([70, 75], [vectors[0], vectors[1]], count + 1)
        assert each.count == count + 1
        assert {seq for seq, _ in each.search(vectors[0], 2)} == {10, 70}
        assert each.keep([70, 75, 80, 999_999]) == count - 2
        assert each.keep([70, 75, 80]) == 0
        assert sorted(seq for seq, _ in each.search(vectors[1], 9, [70, 75, 80])) == [70, 75, 80]


@pytest.mark.parametrize("count", [900, 1900, 6000])
def test_vectors_that_are_none_do_no_harm(count: int, tmp_path: Path) -> None:
    nan, infinite = (np.full(WIDE, bad, "<f2").tobytes() for bad in (np.nan, np.inf))
    vectors = cloud(count - 40) + [nan, infinite, bytes(2 * WIDE), nan] * 10
    index = made(tmp_path / "a" / "passages", vectors)
    assert index.count == count
    found = index.search(vectors[3], 10)
    assert found[0][0] == 40
    assert all(score > 0 for _, score in found)


def test_vectors_that_are_all_the_same(tmp_path: Path) -> None:
    index = made(tmp_path / "a" / "passages", cloud(1) * 3000)
    assert len(index.search(cloud(1)[0], 10)) == 10


def test_an_empty_index_of_lists(tmp_path: Path) -> None:
    index = FaissIndex(tmp_path / "a" / "passages", "e", WIDE)
    index.reset(3000, cloud(sample_of(3000)))
    assert (index.count, index.keep([1]), index.search(cloud(1)[0], 5)) == (0, 0, [])
    index.save()
    assert FaissIndex(tmp_path / "a" / "passages", "e", WIDE).count == 0
    with pytest.raises(EmbeddingFault, match="Run reverie reindex"):
        index.reset(3000, [b"12"] * 3000)


def test_which_kind_is_good_for_how_many(tmp_path: Path) -> None:
    index = FaissIndex(tmp_path / "a" / "passages", "e", WIDE)
    assert [index.fits(count) for count in (0, 1000, 1001)] == [True, True, False]
    index.reset(1500)
    assert [index.fits(count) for count in (499, 500, 2000, 2001)] == [False, True, True, False]
    index.reset(3600, cloud(sample_of(3600)))  # 60 lists
    fits = [index.fits(count) for count in (899, 900, 14_400, 14_401)]
    assert fits == [False, True, True, False]


async def test_it_changes_while_it_is_open(
    database: Vectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows come and go past every threshold, with a search now and then."""
    monkeypatch.setattr(faiss, "NPROBE", 32)  # vectors without clusters are hard to find
    cache = IndexCache(tmp_path, database, EMBEDDER)
    held: dict[int, bytes] = {}
    kinds = []
    for upto in (900, 1001, 1900, 2001, 4000, 600, 300, 0):
        for seq in range(len(held) + 1, upto + 1):
            held[seq] = vector(seq)
            database.put("ana", seq, held[seq])
        for seq in range(upto + 1, len(held) + 1):
            del held[seq]
            database.remove("ana", seq)
        found = {seq for seq, _ in await cache.search("ana", "messages", vector("x"), 10)}
        true = {seq for seq, _ in nearest(held, vector("x"), 10)}
        assert len(found & true) >= min(upto, 9)
        assert found <= set(held)
        (entry,) = cache._entries.values()
        assert entry.index is not None
        kinds.append(faiss._codes(entry.index._index) // DIM)
        if upto in (2001, 600):  # and when files are read in between
            await cache.flush()
            cache = IndexCache(tmp_path, database, EMBEDDER)
    assert kinds == [4, 2, 2, 1, 1, 1, 4, 4]  # bytes of a number
