"""What is known of candidates becomes one order."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.search.ranking import WEIGHTS, Candidate, ideal, rank

CANDIDATES = st.lists(
    st.builds(
        Candidate,
        st.integers(1, 50),
        st.floats(0, 1),
        st.none() | st.floats(-1, 1),
        st.booleans(),
        st.floats(0, 1),
        st.integers(0, 5),
    ),
    max_size=20,
    unique_by=lambda each: each.seq,
)


def order(*candidates: Candidate) -> list[int]:
    return [each.seq for each in rank(candidates)]


def test_nothing() -> None:
    assert rank([]) == []


def test_words_alone() -> None:
    ranked = rank([Candidate(1, 0.2), Candidate(2, 0.4)])
    assert [(each.seq, each.why) for each in ranked] == [(2, ("words",)), (1, ("words",))]
    assert ranked[0].score == pytest.approx(2 * ranked[1].score)


def test_meaning_alone() -> None:
    ranked = rank([Candidate(1, near=0.80), Candidate(2, near=0.90), Candidate(3, near=0.86)])
    assert [each.seq for each in ranked] == [2, 3, 1]
    assert [each.why for each in ranked] == [("meaning",), ("meaning",), ()]


def test_what_both_find_is_best() -> None:
    both = Candidate(2, 0.49, 0.89)
    assert order(Candidate(1, 0.5), both, Candidate(3, near=0.9), Candidate(4, near=0.8))[0] == 2


def test_few_of_the_words_are_less_than_the_meaning() -> None:
    """A Chinese question shares a character with nearly any text."""
    few, meant, far = Candidate(1, 0.05, 0.80), Candidate(2, near=0.90), Candidate(3, near=0.79)
    assert order(few, meant, far)[0] == 2
    assert order(few._replace(words=0.5), meant, far)[0] == 1


def test_somebody_who_is_named() -> None:
    ranked = rank([Candidate(1, 0.3), Candidate(2, 0.25, said=True)])
    assert ranked[0].seq == 2
    assert ranked[0].why == ("words", "speaker")


def test_a_time_that_is_named() -> None:
    ranked = rank([Candidate(1, 0.3), Candidate(2, 0.25, when=1.0), Candidate(3, 0.25, when=0.5)])
    assert [each.seq for each in ranked] == [2, 3, 1]
    assert ranked[0].why == ("words", "time")


def test_a_session_that_has_more_to_say() -> None:
    alone, first, second = (
        Candidate(1, 0.4),
        Candidate(2, 0.39, session=7),
        Candidate(3, 0.38, session=7),
    )
    assert order(alone, first, second) == [2, 3, 1]
    assert order(alone, first._replace(session=8), second._replace(session=0))[0] == 2


def test_of_equals_the_newer_is_first() -> None:
    assert order(Candidate(1, 0.3), Candidate(5, 0.3), Candidate(3, 0.3)) == [5, 3, 1]


@given(CANDIDATES, st.randoms())
def test_the_order_of_candidates_does_not_matter(
    candidates: list[Candidate], chance: object
) -> None:
    shuffled = sorted(candidates, key=lambda _: chance.random())  # type: ignore[attr-defined]
    assert [each.seq for each in rank(shuffled)] == [each.seq for each in rank(candidates)]
    assert sorted(each.seq for each in rank(candidates)) == sorted(c.seq for c in candidates)


@given(CANDIDATES)
def test_a_sign_that_weighs_nothing_changes_nothing(candidates: list[Candidate]) -> None:
    weights = replace(WEIGHTS, speaker=0.0, time=0.0)
    without = [each._replace(said=False, when=0.0) for each in candidates]
    scores = [each.score for each in rank(candidates, weights)]
    assert scores == [each.score for each in rank(without)]


TEXTS = ("rust rust rust", "a crab", "rust and a crab", "tea", "tea with milk")


@pytest.mark.parametrize(("asked", "best"), [(["rust"], 1), (["crab", "rust"], 3), (["milk"], 5)])
def test_ideal_is_what_fts_would_give_at_most(asked: Sequence[str], best: int) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE VIRTUAL TABLE w USING fts5(words, content='')")
        db.executemany("INSERT INTO w(rowid, words) VALUES(?, ?)", enumerate(TEXTS, start=1))
        match = " OR ".join(asked)
        rows = db.execute("SELECT rowid, -bm25(w) FROM w WHERE w MATCH ? ORDER BY 2 DESC", (match,))
        found = rows.fetchall()
        frequency = {word: sum(word in text for text in TEXTS) for word in asked}
        most = ideal(asked, frequency, len(TEXTS))
        assert found[0][0] == best
        assert most / 3 < found[0][1] < most
        db.execute("INSERT INTO w(rowid, words) VALUES(6, ?)", (" ".join([*asked] * 3),))
        db.executemany(
            "INSERT INTO w(rowid, words) VALUES(?, 'x y z')", [(n,) for n in range(7, 5000)]
        )
        top = db.execute("SELECT -bm25(w) FROM w WHERE w MATCH ? ORDER BY 1 DESC", (match,))
        total = 4999
        more = {word: count + 1 for word, count in frequency.items()}
        assert 0.5 < top.fetchone()[0] / ideal(asked, more, total) <= 1


def test_ideal_of_words_that_all_texts_have() -> None:
    assert 0 < ideal(["a"], {"a": 10}, 10) < 1e-5
    assert ideal([], {}, 10) == 0
    assert ideal(["a"], {}, 0) > 0
