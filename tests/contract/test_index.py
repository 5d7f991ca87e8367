"""A FAISS index answers as brute force does, and reads no file that is not whole and its own."""

import json
import math
import os
import random
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from memory.errors import EmbeddingFault, StorageFault
from memory.index import faiss
from memory.index.faiss import FaissIndex
from tests.contract.vector_house import DIM, nearest, same, vector

pytestmark = pytest.mark.skipif(not faiss.available(), reason="FAISS is not installed")


def filled(path: Path, count: int = 20) -> FaissIndex:
    index = FaissIndex(path, "e", DIM)
    index.add(range(1, count + 1), [vector(seq) for seq in range(1, count + 1)], count)
    return index


def test_an_empty_index_finds_nothing_and_opening_writes_nothing(tmp_path: Path) -> None:
    index = FaissIndex(tmp_path / "deep" / "er" / "messages", "e", DIM)
    assert (index.version, index.count) == (-1, 0)
    assert index.search(vector(1), 5) == []
    assert list(tmp_path.iterdir()) == []


def test_it_answers_as_brute_force_does(tmp_path: Path) -> None:
    index = filled(tmp_path / "a" / "messages")
    held = {seq: vector(seq) for seq in range(1, 21)}
    for asked in map(vector, ("x", "y", 3)):
        for k in (1, 5, 20, 1000):
            assert same(index.search(asked, k), nearest(held, asked, k))
        some = {seq: held[seq] for seq in (2, 4, 8, 16)}
        assert same(index.search(asked, 3, [2, 4, 8, 16, 99]), nearest(some, asked, 3))
    assert index.search(vector(1), 3, []) == []
    assert index.search(vector(1), 3, [99]) == []
    assert index.search(vector(1), 0) == []
    assert index.search(vector(1), -1) == []


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_question_without_meaning_finds_nothing(tmp_path: Path, bad: float) -> None:
    index = filled(tmp_path / "a" / "messages")
    assert index.search(struct.pack(f"<{DIM}e", *[bad] * DIM), 5) == []


def test_a_vector_of_another_size_is_refused(tmp_path: Path) -> None:
    index = filled(tmp_path / "a" / "messages")
    with pytest.raises(EmbeddingFault, match="Run reverie reindex"):
        index.add([99], [vector(99)[:-2]], 21)
    with pytest.raises(EmbeddingFault):
        index.search(vector(1) + b"\0\0", 5)
    assert (index.count, index.version) == (20, 20)


def test_adding_again_replaces(tmp_path: Path) -> None:
    index = filled(tmp_path / "a" / "messages")
    index.add([3, 50], [vector("new"), vector(50)], 22)
    held = {seq: vector(seq) for seq in [*range(1, 21), 50]} | {3: vector("new")}
    assert (index.count, index.version) == (21, 22)
    assert same(index.search(vector("new"), 30), nearest(held, vector("new"), 30))


def test_saved_and_opened_again(tmp_path: Path) -> None:
    index = filled(tmp_path / "a" / "messages")
    index.save()
    again = FaissIndex(tmp_path / "a" / "messages", "e", DIM)
    assert (again.version, again.count) == (20, 20)
    assert again.search(vector("x"), 7) == index.search(vector("x"), 7)
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        "messages.faiss",
        "messages.json",
    ]
    shutil.move(tmp_path / "a", tmp_path / "moved")
    os.makedirs(tmp_path / "elsewhere")
    shutil.move(tmp_path / "moved", tmp_path / "elsewhere" / "a")
    assert FaissIndex(tmp_path / "elsewhere" / "a" / "messages", "e", DIM).count == 20


def test_reset_empties(tmp_path: Path) -> None:
    index = filled(tmp_path / "a" / "messages")
    index.reset()
    assert (index.version, index.count, index.search(vector(1), 3)) == (-1, 0, [])


@pytest.mark.parametrize(("embedder", "dim"), [("other", DIM), ("e", DIM * 2)])
def test_files_of_another_model_are_not_read(tmp_path: Path, embedder: str, dim: int) -> None:
    filled(tmp_path / "a" / "messages").save()
    assert FaissIndex(tmp_path / "a" / "messages", embedder, dim).version == -1


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    index = filled(tmp_path / "file" / "messages")
    with pytest.raises(StorageFault, match="Check that the disk has room"):
        index.save()
    assert index.count == 20
    (tmp_path / "a" / "messages.faiss").mkdir(parents=True)
    assert FaissIndex(tmp_path / "a" / "messages", "e", DIM).version == -1


Damage = Callable[[Path, Path], None]  # the two files of an index


def cut(which: int, share: float) -> Damage:
    def damage(*files: Path) -> None:
        data = files[which].read_bytes()
        files[which].write_bytes(data[: int(len(data) * share)])

    return damage


def flip(which: int, share: float) -> Damage:
    def damage(*files: Path) -> None:
        data = bytearray(files[which].read_bytes())
        data[int((len(data) - 1) * share)] ^= 1 << 4
        files[which].write_bytes(data)

    return damage


def replaced(which: int, data: bytes) -> Damage:
    def damage(*files: Path) -> None:
        files[which].write_bytes(data)

    return damage


def deleted(*which: int) -> Damage:
    def damage(*files: Path) -> None:
        for number in which:
            files[number].unlink()

    return damage


def appended(index_file: Path, manifest: Path) -> None:
    index_file.write_bytes(index_file.read_bytes() + b"\0")


def edited(**fields: object) -> Damage:
    """A manifest that says something else, its checksum as it was."""

    def damage(index_file: Path, manifest: Path) -> None:
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | fields))

    return damage


SHARES = (0.0, 0.02, 0.1, 0.3, 0.5, 0.8, 0.97, 0.999)
DAMAGES: dict[str, Damage] = {
    **{f"index cut at {share}": cut(0, share) for share in SHARES},
    **{f"manifest cut at {share}": cut(1, share) for share in SHARES},
    **{f"index flipped at {share}": flip(0, share) for share in (*SHARES, 1.0)},
    **{f"manifest flipped at {share}": flip(1, share) for share in (*SHARES, 1.0)},
    "index deleted": deleted(0),
    "manifest deleted": deleted(1),
    "both deleted": deleted(0, 1),
    "index random": replaced(0, random.Random(1).randbytes(3000)),
    "manifest random": replaced(1, random.Random(2).randbytes(300)),
    **{
        f"manifest is {text}": replaced(1, text.encode())
        for text in ("[]", "3", "null", "{}", '""')
    },
    "manifest nested deeply": replaced(1, b"[" * 100_000),
    "index longer": appended,
    "version too great": edited(version=99),
    "version too small": edited(version=0),
    "another count": edited(count=5),
    "another format": edited(format=1),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_is_seen_and_mended(damage: Damage, tmp_path: Path) -> None:
    path = tmp_path / "a" / "messages"
    index = filled(path)
    index.save()
    damage(path.with_suffix(".faiss"), path.with_suffix(".json"))
    again = FaissIndex(path, "e", DIM)
    assert (again.version, again.count, again.search(vector("x"), 5)) == (-1, 0, [])
    again.add(range(1, 21), [vector(seq) for seq in range(1, 21)], 20)
    assert again.search(vector("x"), 9) == index.search(vector("x"), 9)
    again.save()
    assert FaissIndex(path, "e", DIM).version == 20


def test_files_of_another_place_are_not_read(tmp_path: Path) -> None:
    for name in ("a", "b"):
        filled(tmp_path / name / "messages").save()
    for suffix in (".faiss", ".json"):
        shutil.copy(tmp_path / f"a/messages{suffix}", tmp_path / f"b/messages{suffix}")
        shutil.copy(tmp_path / f"a/messages{suffix}", tmp_path / f"a/passages{suffix}")
    assert FaissIndex(tmp_path / "a" / "messages", "e", DIM).version == 20
    assert FaissIndex(tmp_path / "b" / "messages", "e", DIM).version == -1
    assert FaissIndex(tmp_path / "a" / "passages", "e", DIM).version == -1


class Killed(BaseException):
    """As sudden as a test can be."""


@pytest.mark.parametrize("died_after", range(6))
def test_killed_while_saving(
    died_after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before each fsync and each rename of a save: what is read then is whole, or nothing."""
    path = tmp_path / "a" / "messages"
    index = filled(path)
    index.save()
    index.add([99], [vector(99)], 21)
    steps = iter(range(100))

    def dying(step: Callable[..., object]) -> Callable[..., object]:
        def stepped(*args: object) -> object:
            if next(steps) == died_after:
                raise Killed
            return step(*args)

        return stepped

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", dying(Path.replace))
        patched.setattr(os, "fsync", dying(os.fsync))
        with pytest.raises(Killed):
            index.save()
    again = FaissIndex(path, "e", DIM)
    expected = [20, 20, -1, -1, -1, 21][died_after]
    assert again.version == expected
    assert again.count == {20: 20, 21: 21, -1: 0}[expected]
    index.save()
    assert FaissIndex(path, "e", DIM).version == 21
