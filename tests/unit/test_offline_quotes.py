"""What the offline model reads back, how it compares texts, and its digests."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from bot.llm.offline.digest import digest
from bot.llm.offline.quotes import (
    ENOUGH,
    Line,
    outdated,
    overlap,
    read_blocks,
    read_messages,
    read_passages,
    same,
    terms,
)
from memory.types import Message, Origin, Role

AT = datetime(2026, 11, 22, 20, 47, tzinfo=UTC)


def said(seq: int, role: Role, speaker: str, text: str) -> Message:
    return Message(seq=seq, role=role, text=text, at=AT, origin=Origin(), speaker=speaker)


def test_reading_blocks() -> None:
    system = (
        'x\n<block label="human" chars="9" limit="4000">\n[2026-11-22] 我叫张三\n'
        "I like tea\n</block>"
        '\n<block label="empty" chars="0" limit="10">\n</block>'
        '\n<block label="team" chars="1" limit="10">\n[2026-01-01] a\n</block>'
    )
    assert read_blocks(system) == (
        Line(label="human", date="2026-11-22", text="我叫张三"),
        Line(label="human", text="I like tea"),
        Line(label="team", date="2026-01-01", text="a"),
    )
    assert read_blocks("no blocks") == ()


def test_reading_search_results() -> None:
    messages = (
        "3 of 3 results, page 0\n1. [2026-11-22 20:47] Ana: one\n   two\n"
        "2. [2026-11-21 10:00] you: mine\n   too\n3. [2026-11-20 10:00] 李四: 三: 四"
    )
    assert read_messages(messages) == (
        Line(date="2026-11-22", text="one two", speaker="Ana"),
        Line(date="2026-11-20", text="三: 四", speaker="李四"),
    )
    passages = "1 of 1 results, page 0\n1. [2026-11-22 20:47] 2026-11-22: we met (tags: event, b)"
    assert read_passages(passages) == (Line(date="2026-11-22", text="we met"),)
    assert read_passages("No results.") == read_messages("") == ()


@pytest.mark.parametrize(
    ("older", "newer", "replaced"),
    [
        ("The launch date is 4 May", "Sorry, the launch date is 18 May now", True),
        ("周会的会议室是昆仑", "周会的会议室换到黄山", True),
        ("I like green tea", "I like black tea", False),
        ("我喜欢绿茶", "我喜欢红茶", False),
        ("My dentist is Dr Wu", "I go to the dentist on 5 May", False),
        ("The launch date is 4 May", "The launch date is 4 May", False),
    ],
)
def test_what_a_later_line_replaces(older: str, newer: str, replaced: bool) -> None:
    lines = (Line(date="2026-01-05", text=older), Line(date="2026-02-05", text=newer))
    assert [outdated(line, lines) for line in lines] == [replaced, False]


@pytest.mark.parametrize(
    ("asked", "text", "fits"),
    [
        ("what did I say about pottery?", "the pottery class", True),
        ("dogs", "my dog is Rex", True),
        ("上次讨论的技术栈", "我们的技术栈是Go", True),
        ("我的狗叫什么", "我的狗叫旺财", True),
        ("什么时候开会", "是一名Python开发者", False),
        ("what is it?", "it is what it is", False),
        ("你记得什么", "我记得你", False),
    ],
)
def test_overlap(asked: str, text: str, fits: bool) -> None:
    assert (overlap(terms(asked), text) >= ENOUGH) is fits


def test_the_same_but_for_signs() -> None:
    assert same("I like tea!", "i like  TEA")
    assert same("我喜歡貓。", "我喜欢猫")
    assert not same("I like tea", "I like teas")


def conversation(texts: Sequence[str]) -> list[Message]:
    rows: list[Message] = []
    for text in texts:
        rows.append(said(len(rows), "user", "Ana", text))
        rows.append(said(len(rows), "assistant", "", "ok"))
    return rows


def test_a_digest_says_when_who_and_what() -> None:
    text = digest(conversation(["hello", "我叫张三,是一名Python开发者", "I live in Leeds"]))
    assert text.splitlines() == [
        "2026-11-22 to 2026-11-22, 6 messages (Ana 3, you 3):",
        "- [2026-11-22] Ana: hello",
        "- [2026-11-22] Ana: 我叫张三,是一名Python开发者",
        "- [2026-11-22] Ana: I live in Leeds",
    ]


def test_a_digest_is_bounded_and_prefers_what_tells_most() -> None:
    rows = conversation(["ok"] * 50 + ["I live in Leeds"] + ["x" * 5_000] * 50)
    text = digest(rows, limit=400)
    assert len(text) <= 400
    assert "I live in Leeds" in text


def test_a_digest_carries_the_old_one_on() -> None:
    first = digest(conversation(["I live in Leeds"]))
    second = digest(conversation(["我喜欢喝茶"]), old=first)
    assert second.startswith(first)
    assert "我喜欢喝茶" in second
    for _ in range(100):
        second = digest(conversation(["我喜欢喝茶" * 30]), old=second, limit=600)
        assert len(second) <= 600
    assert digest([], old="kept") == "kept"
    assert digest([]) == ""
