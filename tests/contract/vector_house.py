"""A database with nothing but vectors, and the oracle that indexes of it are held against."""

import math
import random
import sqlite3
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from memory.embed.hashing import HashingEmbedder
from memory.ports import Connection, Row

T = TypeVar("T")
DIM = 16
EMBEDDER = HashingEmbedder(DIM)

TABLES = """
CREATE TABLE vectors(agent_id TEXT NOT NULL, shelf TEXT NOT NULL, embedder TEXT NOT NULL,
  seq INTEGER NOT NULL, ver INTEGER NOT NULL, vec BLOB NOT NULL,
  PRIMARY KEY(agent_id, shelf, embedder, seq)) WITHOUT ROWID;
CREATE UNIQUE INDEX vectors_ver ON vectors(agent_id, shelf, embedder, ver);
CREATE TABLE index_state(agent_id TEXT NOT NULL, shelf TEXT NOT NULL, embedder TEXT NOT NULL,
  version INTEGER NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY(agent_id, shelf, embedder)) WITHOUT ROWID;
"""
OWN = "agent_id = :agent AND shelf = 'messages' AND embedder = :embedder"


class Vectors:
    """The Database port over sqlite3 in memory, with the two tables that indexes follow."""

    def __init__(self) -> None:
        self.raw = sqlite3.connect(":memory:")
        self.raw.row_factory = sqlite3.Row
        self.raw.executescript(TABLES)
        self.reads = 0  # rows given out

    def execute(self, sql: str, /, **params: Any) -> int:
        return self.raw.execute(sql, params).rowcount

    def many(self, sql: str, rows: Sequence[Mapping[str, Any]], /) -> None:
        self.raw.executemany(sql, rows)

    def one(self, sql: str, /, **params: Any) -> Row | None:
        return cast("Row | None", self.raw.execute(sql, params).fetchone())

    def all(self, sql: str, /, **params: Any) -> list[Row]:
        rows = self.raw.execute(sql, params).fetchall()
        self.reads += len(rows)
        return cast("list[Row]", rows)

    async def read(self, work: Callable[[Connection], T], /) -> T:
        return work(self)

    async def write(self, work: Callable[[Connection], T], /, *, early: bool = False) -> T:
        raise NotImplementedError  # an index never writes to the database

    async def scrub(self) -> bool:
        raise NotImplementedError

    async def close(self) -> None:
        self.raw.close()

    def change(self, sql: str, agent: str, **params: Any) -> int:
        return self.execute(sql, agent=agent, embedder=EMBEDDER.name, **params)

    def put(self, agent: str, seq: int, vec: bytes) -> None:
        self.bump(
            agent,
            1 - self.change(f"DELETE FROM vectors WHERE {OWN} AND seq = :seq", agent, seq=seq),
        )
        insert = (
            "INSERT INTO vectors SELECT agent_id, shelf, embedder, :seq, version, :vec"
            f" FROM index_state WHERE {OWN}"
        )
        self.change(insert, agent, seq=seq, vec=vec)

    def remove(self, agent: str, seq: int) -> None:
        if self.change(f"DELETE FROM vectors WHERE {OWN} AND seq = :seq", agent, seq=seq):
            self.bump(agent, -1)

    def bump(self, agent: str, more: int) -> None:
        new = "INSERT OR IGNORE INTO index_state VALUES(:agent, 'messages', :embedder, 0, 0)"
        self.change(new, agent)
        step = f"UPDATE index_state SET version = version + 1, count = count + :more WHERE {OWN}"
        self.change(step, agent, more=more)


def vector(seed: object) -> bytes:
    chance = random.Random(str(seed))
    values = [chance.gauss(0, 1) for _ in range(DIM)]
    length = math.hypot(*values)
    return struct.pack(f"<{DIM}e", *(value / length for value in values))


def floats(vec: bytes) -> tuple[float, ...]:
    return struct.unpack(f"<{DIM}e", vec)


def nearest(held: Mapping[int, bytes], asked: bytes, k: int) -> list[tuple[int, float]]:
    """The oracle: brute force."""
    question = floats(asked)
    hits = [
        (seq, sum(a * b for a, b in zip(question, floats(vec), strict=True)))
        for seq, vec in held.items()
    ]
    return sorted(hits, key=lambda hit: (-hit[1], -hit[0]))[:k]


def same(found: list[tuple[int, float]], true: list[tuple[int, float]]) -> bool:
    return [seq for seq, _ in found] == [seq for seq, _ in true] and [
        s for _, s in found
    ] == pytest.approx([s for _, s in true], abs=1e-3)


def files(folder: Path, suffix: str) -> list[Path]:
    return sorted(folder.rglob(f"*.{suffix}"))
