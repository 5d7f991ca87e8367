"""Two searches become one order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.ranking import TOP, WORDS, coverage, fuse
from memory.words import query_terms, terms

HITS = st.lists(
    st.tuples(st.integers(1, 50), st.floats(0, 20)), max_size=20, unique_by=lambda hit: hit[0]
)


def order(
    words: list[tuple[int, float]], dense: list[tuple[int, float]], share: float
) -> list[int]:
    return [seq for seq, _, _ in fuse(words, dense, share)]


def test_both_empty() -> None:
    assert fuse([], [], 1.0) == []


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_words_alone(share: float) -> None:
    ranked = fuse([(1, 2.0), (2, 4.0)], [], share)
    assert ranked == [(2, WORDS, ("words",)), (1, WORDS / 2, ("words",))]


def test_meaning_alone() -> None:
    ranked = fuse([], [(1, 0.80), (2, 0.90), (3, 0.85)], 0.0)
    assert [seq for seq, _, _ in ranked] == [2, 3, 1]
    assert [why for _, _, why in ranked] == [("meaning",), ("meaning",), ()]


def test_what_both_find_is_best() -> None:
    ranked = fuse([(1, 3.0), (2, 2.9)], [(3, 0.90), (2, 0.89), (4, 0.80)], 1.0)
    assert ranked[0][0] == 2
    assert ranked[0][2] == ("words", "meaning")


def test_words_that_cover_little_of_the_question_weigh_little() -> None:
    words, dense = [(1, 5.0)], [(2, 0.92), (3, 0.85)]
    assert order(words, dense, 0.9) == [1, 2, 3]
    assert order(words, dense, 0.2) == [2, 1, 3]


def test_equal_scores_put_the_newer_first() -> None:
    assert order([(4, 1.0), (9, 1.0), (6, 1.0)], [], 1.0) == [9, 6, 4]
    assert order([], [(4, 0.8), (9, 0.8)], 1.0) == [9, 4]


def test_only_the_nearest_count() -> None:
    dense = [(seq, seq / 1000) for seq in range(1, TOP + 51)]
    assert order([], dense, 1.0) == list(range(TOP + 50, 50, -1))


def test_scores_of_zero_find_nothing_by_words() -> None:
    assert fuse([(1, 0.0)], [], 1.0) == []


@given(HITS, HITS, st.floats(0, 1))
def test_order_does_not_depend_on_the_order_of_hits(
    words: list[tuple[int, float]], dense: list[tuple[int, float]], share: float
) -> None:
    ranked = fuse(words, dense, share)
    assert ranked == fuse(words[::-1], dense[::-1], share)
    assert all(0 <= score <= 1 for _, score, _ in ranked)
    assert [(-score, -seq) for seq, score, _ in ranked] == sorted(
        (-score, -seq) for seq, score, _ in ranked
    )
    assert {seq for seq, _ in dense} <= {seq for seq, _, _ in ranked}


@pytest.mark.parametrize(
    ("question", "document", "least", "most"),
    [
        ("Where does Ana's dog sleep?", "Ana's dog sleeps in the kitchen", 1.0, 1.0),
        ("张三的职业", "张三的职业是开发者", 1.0, 1.0),
        ("他养了什么宠物", "他去了北京", 0.0, 0.0),
        ("张三去了哪里", "三月里下雪", 0.01, 0.1),
        ("Ana volcano", "Ana says hi", 0.1, 0.3),
    ],
)
def test_coverage(question: str, document: str, least: float, most: float) -> None:
    frequency = {"ana": 30, "dog": 3, "张": 5, "三": 8, "张三": 4}
    share = coverage(query_terms(question), terms(document), frequency, 100)
    assert least <= share <= most + 1e-9


def test_coverage_of_nothing() -> None:
    assert coverage([], ["a"], {}, 10) == 0.0
    assert coverage(["a"], [], {}, 0) == 0.0
    assert 0 < coverage(["a", "b"], ["a"], {"a": 10, "b": 10}, 10) < 1  # a term that all have
