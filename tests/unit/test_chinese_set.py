"""The Chinese set that retrieval is measured with: well formed, its questions paraphrased."""

import json
from functools import cache
from pathlib import Path
from typing import TypedDict

from memory.words import query_terms, terms

FILE = Path(__file__).parents[2] / "benchmarks" / "data" / "chinese.json"


class Fact(TypedDict):
    id: str
    speaker: str
    text: str


class Question(TypedDict):
    question: str
    english: str
    evidence: list[str]


class ChineseSet(TypedDict):
    about: str
    facts: list[Fact]
    questions: list[Question]


@cache
def chinese_set() -> ChineseSet:
    loaded: ChineseSet = json.loads(FILE.read_text(encoding="utf-8"))
    return loaded


def texts() -> dict[str, str]:
    return {fact["id"]: fact["text"] for fact in chinese_set()["facts"]}


def answers() -> set[str]:
    return {fact_id for asked in chinese_set()["questions"] for fact_id in asked["evidence"]}


def characters(found: list[str]) -> set[str]:
    """Latin words, numbers and single characters, without the bigrams."""
    return {term for term in found if len(term) == 1 or term.isascii()}


def shared(asked: Question) -> float:
    """The share of a question's characters, stop characters aside, that its evidence has too."""
    wanted = characters(query_terms(asked["question"]))
    evidence = " ".join(texts()[fact_id] for fact_id in asked["evidence"])
    return len(wanted & characters(terms(evidence))) / len(wanted)


def test_it_is_as_large_as_promised() -> None:
    assert len(chinese_set()["facts"]) >= 300
    assert len(chinese_set()["questions"]) >= 150
    assert len(answers()) >= 150


def test_a_good_part_of_the_facts_are_distractors() -> None:
    assert len(texts()) - len(answers()) >= 100


def test_it_says_what_it_is() -> None:
    assert "made it up" in chinese_set()["about"]


def test_nothing_is_there_twice() -> None:
    facts, questions = chinese_set()["facts"], chinese_set()["questions"]
    assert len(texts()) == len(facts)
    assert len(set(texts().values())) == len(facts)
    assert len({asked["question"] for asked in questions}) == len(questions)
    assert len({asked["english"] for asked in questions}) == len(questions)


def test_every_question_has_evidence_that_exists() -> None:
    for asked in chinese_set()["questions"]:
        assert asked["evidence"], asked
        assert set(asked["evidence"]) <= texts().keys(), asked
        assert len(set(asked["evidence"])) == len(asked["evidence"]), asked


def test_nothing_is_empty_and_each_language_is_where_it_belongs() -> None:
    for fact in chinese_set()["facts"]:
        assert fact["speaker"].strip(), fact
        assert not fact["text"].isascii(), fact
    for asked in chinese_set()["questions"]:
        assert not asked["question"].isascii(), asked
        assert asked["english"].isascii(), asked
        assert asked["english"].strip(), asked


def test_no_question_repeats_its_answer() -> None:
    for asked in chinese_set()["questions"]:
        for fact_id in asked["evidence"]:
            assert texts()[fact_id] not in asked["question"], asked


def test_questions_are_paraphrased() -> None:
    shares = [shared(asked) for asked in chinese_set()["questions"]]
    assert sum(shares) / len(shares) < 0.2
    assert max(shares) < 0.8
