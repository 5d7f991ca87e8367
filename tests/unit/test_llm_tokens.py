"""Counts are close to real tokenizers', rather too high, and follow what endpoints report."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.llm.tokens import TokenCounter, estimate

# text, tokens of the Qwen 2.5 vocabulary
KNOWN = [
    (
        "Hello there, my name is Sam and I live in Leeds. I work as a nurse on night shifts, and my"
        " daughter Anna starts school in September. We'd love to go hiking this weekend if the"
        " weather's nice!",
        45,
    ),
    (
        "我叫张三,是一名Python开发者,去年开始学 Rust。我老婆怀了老三,下个月我们要搬到成都去住。"
        "你还记得我是做什么的吗?上次聊到的那本书叫什么名字来着?",
        48,
    ),
    ("[2026-11-22 20:47] hi\n" * 20, 400),
    ("Привет, меня зовут Анна, я живу в Москве и работаю учителем.", 24),
    ("私の名前は田中です。東京に住んでいて、プログラマーとして働いています。", 22),
]


@pytest.mark.parametrize(("text", "tokens"), KNOWN)
def test_a_fresh_counter_errs_high_but_not_wildly(text: str, tokens: int) -> None:
    assert tokens <= TokenCounter().count(text) <= 1.9 * tokens


def test_reports_move_the_count_slowly_and_within_bounds() -> None:
    counter = TokenCounter()
    before = counter.count(KNOWN[0][0])
    counter.learn(1000, 500)
    assert before * 0.9 < counter.count(KNOWN[0][0]) <= before
    for _ in range(200):
        counter.learn(1000, 900)
    assert counter.ratio == pytest.approx(0.945, abs=0.01)
    for _ in range(200):
        counter.learn(1000, 1)
    assert counter.ratio == pytest.approx(0.6, abs=0.01)
    for _ in range(200):
        counter.learn(10, 10**9)
    assert counter.ratio == pytest.approx(2.5, abs=0.01)


def test_too_low_a_count_is_mended_faster_than_too_high_a_one() -> None:
    low, high = TokenCounter(), TokenCounter()
    low.learn(100, 150)
    high.learn(100, 60)
    assert low.ratio - 1.1 > 3 * (1.1 - high.ratio)


def test_nonsense_reports_are_ignored() -> None:
    counter = TokenCounter()
    for estimated, reported in ((0, 50), (50, 0), (-1, -1)):
        counter.learn(estimated, reported)
    assert counter.ratio == TokenCounter().ratio


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_longer_text_never_counts_less(one: str, other: str) -> None:
    assert estimate(one + " " + other) >= max(estimate(one), estimate(other))


def test_a_megabyte_is_counted_at_once() -> None:
    start = time.perf_counter()
    assert estimate("Lorem ipsum 你好, " * 60_000) > 200_000
    assert time.perf_counter() - start < 2
