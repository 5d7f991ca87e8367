"""What a heartbeat may do to facts: which are one, which contradict, what goes, what stays."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from memory import likeness
from memory.consolidate import Line, Run
from memory.draft import Draft
from memory.types import Agent, Block, Fact, Message, Origin, Passage

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=30)
STALE = timedelta(days=90)
ANA = Agent(id="ana", name="Ana", kind="person", person="ana", created_at=START, last_seq=100)


def fact(n: int, text: str, *, day: float | None = None, **more: object) -> Fact:
    at = START + timedelta(days=n if day is None else day)
    made = Fact(
        seq=n, label="human", position=float(n), text=text, origin=Origin(person="ana"),
        learned_at=at, confirmed_at=at, used_at=at, valid_from=at,
    )  # fmt: skip
    for name, value in more.items():
        made = replace(made, **{name: value})  # type: ignore[arg-type]
    return made


def facts(*texts: str) -> list[Fact]:
    return [fact(n, text) for n, text in enumerate(texts, start=1)]


OTHERS = [fact(n, f"o{n}", day=9999) for n in range(90, 94)]  # so that one in four may leave


def run_of(
    some: Sequence[Fact],
    *,
    limit: int = 4000,
    at: datetime = NOW,
    kept: frozenset[int] = frozenset(),
    others: Sequence[Fact] = OTHERS,
) -> Run:
    block = Block(label="human", limit=limit, facts=(*some, *others))
    return Run(Draft.of(ANA, [block], at=at, actor="heartbeat"), STALE, kept)


def tidied(some: Sequence[Fact], **more: object) -> Run:
    run = run_of(some, **more)  # type: ignore[arg-type]
    run.tidy()
    run.finish()
    return run


def left(run: Run) -> list[str]:
    return [fact.text for fact in run.draft.blocks["human"].facts if fact not in OTHERS]


def after(run: Run, seq: int) -> Fact:
    """What became of a fact."""
    (entry,) = run.draft.entries
    found = [d.after for d in entry.diffs if isinstance(d.after, Fact) and d.after.seq == seq]
    return found[-1]


# --- the same ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I like tea.", "likes tea"),
        ("I LIKE the tea!", "I like tea"),
        ("I'm a nurse", "is a nurse"),
        ("The user likes tea", "likes tea"),
        ("喜欢喝茶。", "我喜欢喝茶"),
        ("我很喜欢喝茶", "我喜欢喝茶!"),
        ("ABC公司", "ＡＢＣ公司"),
    ],
)
def test_the_older_of_two_that_say_the_same_is_confirmed(one: str, other: str) -> None:
    run = tidied([fact(1, one), fact(2, other)])
    assert left(run) == [one]
    newer = after(run, 2)
    assert (newer.state, newer.superseded_by, newer.valid_to) == ("superseded", 1, NOW)
    assert after(run, 1).confirmed_at == START + timedelta(days=2)
    assert run.draft.entries[0].summary == f"1 merged: {other} = {one}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("likes tea", "does not like tea"),
        ("我喜欢茶", "我不喜欢茶"),
        ("uses C", "uses C++"),
        ("owes 3.5 euros", "owes 35 euros"),
        ("was in Oslo", "is in Oslo"),
        ("会议在3月8日", "会议在3月9日"),
        ("My brother is Han", "My brother is Hans"),
        ("张三喜欢李四", "李四喜欢张三"),
    ],
)
def test_what_is_only_alike_stays(one: str, other: str) -> None:
    run = tidied(facts(one, other))
    assert left(run) == [one, other]
    assert run.draft.entries == []


def test_facts_for_different_eyes_or_of_different_people_are_not_one() -> None:
    told = Origin(person="ana", audience="workspace", workspace="slack/T1")
    for origin in (told, Origin(person="bob"), Origin(person="ana", audience="room", room="a/b/c")):
        assert len(left(tidied([fact(1, "likes tea"), fact(2, "likes tea.", origin=origin)]))) == 2


def test_the_pinned_one_of_two_stays() -> None:
    run = tidied([fact(1, "likes tea"), fact(2, "I like tea", pinned=True)])
    assert left(run) == ["I like tea"]
    both = [fact(1, "likes tea", pinned=True), fact(2, "I like tea", pinned=True)]
    assert len(left(tidied(both))) == 2


# --- contradictions ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("I live in Berlin", "lives in New York"),
        ("我住在北京", "我现在住在上海了"),
        ("I live in Berlin", "我搬到上海了"),
        ("my name is Ana", "name: Bea"),
        ("我叫张三", "我叫李四"),
        ("I work at Acme", "works for Siemens."),
        ("我在谷歌工作", "在字节跳动上班"),
        ("works as a nurse", "I work as a pilot"),
    ],
)
def test_the_newer_of_two_values_stands(old: str, new: str) -> None:
    run = tidied(facts(old, new))
    assert left(run) == [new]
    assert (after(run, 1).state, after(run, 1).superseded_by) == ("superseded", 2)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("lives in Berlin in summer", "lives in Oslo in winter"),
        ("My brother lives in Oslo", "I live in Berlin"),
        ("lives in Berlin and likes tea", "lives in Oslo"),
        ("我不住在北京", "我住在上海"),
        ("我妹妹住在北京", "我住在上海"),
        ("used to live in Berlin", "lives in Oslo"),
        ("likes tea", "likes coffee"),
    ],
)
def test_what_is_not_clearly_a_contradiction_stays(one: str, other: str) -> None:
    assert left(tidied(facts(one, other))) == [one, other]


def test_a_value_that_says_less_does_not_replace_one_that_says_more() -> None:
    assert left(tidied(facts("my name is Ana Müller", "my name is Ana"))) == [
        "my name is Ana Müller"
    ]
    assert left(tidied(facts("我住在北京朝阳", "我住在北京"))) == ["我住在北京朝阳"]


def test_what_was_said_last_stands_also_if_it_was_learned_first() -> None:
    berlin = fact(1, "I live in Berlin", confirmed_at=START + timedelta(days=9))
    assert left(tidied([berlin, fact(2, "I live in Oslo")])) == ["I live in Berlin"]


def test_a_pinned_value_is_not_replaced() -> None:
    home = [fact(1, "I live in Berlin", pinned=True), fact(2, "I live in Oslo")]
    assert len(left(tidied(home))) == 2


# --- put away ------------------------------------------------------------------------------------


def test_stale_facts_go_to_the_archive_a_quarter_at_a_time() -> None:
    some = facts(*(f"fact {n} 事实" for n in range(9)))
    run = tidied(some, at=START + timedelta(days=98), others=())  # all but the last are stale
    assert left(run) == [fact.text for fact in some[2:]]
    (entry,) = run.draft.entries
    kinds = [type(diff.after).__name__ for diff in entry.diffs]
    assert kinds == ["Passage", "Fact"] * 2  # archived before it is removed
    passage = entry.diffs[0].after
    assert isinstance(passage, Passage)
    assert (passage.text, passage.at, passage.origin, passage.tags) == (
        "fact 0 事实", some[0].learned_at, some[0].origin, ("core", "human"),
    )  # fmt: skip
    assert after(run, 1).state == "archived"
    assert run.draft.mused is not None
    assert run.draft.mused.again_at == run.draft.at  # there is more to do


def test_what_was_used_or_confirmed_is_not_stale() -> None:
    late = START + timedelta(days=99)
    some = [fact(1, "a"), fact(2, "b", used_at=late), fact(3, "c", confirmed_at=late)]
    assert left(tidied(some, at=START + timedelta(days=100))) == ["b", "c"]


def test_pinned_facts_the_persona_and_read_only_blocks_are_left_alone() -> None:
    old = fact(1, "likes tea")
    blocks = [
        Block(label="human", limit=99, facts=(replace(old, pinned=True),)),
        Block(label="persona", limit=99, facts=(replace(old, seq=2, label="persona"),)),
        Block(label="rules", limit=99, read_only=True, facts=(replace(old, seq=3, label="rules"),)),
    ]
    run = Run(Draft.of(ANA, blocks, at=NOW + STALE), STALE)
    run.tidy()
    run.finish()
    assert run.draft.entries == []
    assert run.draft.mused is not None
    assert run.draft.mused.again_at is None


def test_a_block_is_tidied_before_it_is_full() -> None:
    some = facts(*(f"{n}" * 9 for n in range(9)))  # 89 characters
    assert left(tidied(some, limit=110, others=())) == [fact.text for fact in some]
    assert left(tidied(some, limit=100, others=())) == [fact.text for fact in some[2:]]


@pytest.mark.parametrize(("count", "leave"), [(1, 0), (3, 0), (4, 1), (7, 1), (8, 2), (100, 25)])
def test_no_more_than_a_quarter_leaves(count: int, leave: int) -> None:
    some = [fact(n, f"fact {n} 事实", day=1) for n in range(1, count + 1)]
    pinned = [fact(n, f"pinned {n} 置顶", day=1, pinned=True) for n in range(101, 109)]
    run = tidied(some, at=NOW + STALE, others=pinned)
    assert len(left(run)) == count + len(pinned) - leave
    assert run.draft.mused is not None
    assert (run.draft.mused.again_at is None) == (count - leave < 4)  # nobody is woken for so few
    assert left(tidied(some[:3], limit=30, others=())) == [fact.text for fact in some[:3]]
    doubled = facts("I like tea", "likes tea", "喜欢茶。")
    assert left(tidied(doubled, others=())) == [fact.text for fact in doubled]


def test_what_a_person_brought_back_stays() -> None:
    run = tidied(facts("I like tea", "likes tea", "a"), kept=frozenset({1, 2}), at=NOW + STALE)
    assert left(run) == ["I like tea", "likes tea"]


def test_it_says_when_the_next_fact_is_stale() -> None:
    run = tidied(facts("a", "b"))
    assert run.draft.entries == []
    assert run.draft.mused is not None
    assert run.draft.mused.again_at == START + timedelta(days=1) + STALE


# --- a model's lines -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ("likes tea, coffee and Rust", ["I like tea", "likes coffee", "likes Rust."]),
        ("我喜欢绿茶和围棋", ["我喜欢绿茶", "我喜欢围棋"]),
        ("works at Acme, also lives in Oslo", ["I live in Oslo.", "works at Acme"]),
        ("does not like milk, cheese", ["does not like cheese", "does not like milk"]),
    ],
)
def test_a_line_may_join_facts(line: str, texts: list[str]) -> None:
    assert likeness.joins(line, texts)


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ("likes tea", ["likes tea", "likes coffee"]),  # one is lost
        ("likes tea, coffee, wine", ["likes tea", "likes coffee"]),  # one is new
        ("likes coffee, does not like tea", ["likes tea", "does not like coffee"]),  # swapped
        ("likes tea and coffee", ["likes tea", "does not like coffee"]),  # a "not" is lost
        ("brother is Milo, cat is Tom", ["brother is Tom", "cat is Milo"]),
        ("owes 12, Bob 3", ["owes 12", "owes Bob 30"]),
        ("我喜欢绿茶", ["我喜欢绿茶", "我喜欢围棋"]),
        ("我喜欢绿茶和围棋", ["我喜欢绿茶", "我不喜欢围棋"]),
        ("likes tea", ["likes tea"]),
        ("", ["likes tea", "likes coffee"]),
    ],
)
def test_a_line_may_not_lose_add_or_move_a_word(line: str, texts: list[str]) -> None:
    assert not likeness.joins(line, texts)


def test_a_line_that_is_right_takes_the_place_of_its_facts() -> None:
    origin = Origin(person="ana", source=7)
    some = [fact(n, f"topic {n}") for n in range(3, 9)]
    run = run_of([fact(1, "likes tea"), fact(2, "likes coffee", origin=origin), *some])
    assert run.rewrite([Line(text="likes tea, coffee", of=(1, 2))])
    run.finish()
    joined = run.draft.blocks["human"].facts[0]
    assert (joined.text, joined.position, joined.origin) == ("likes tea, coffee", 1.0, origin)
    assert (joined.learned_at, joined.valid_from) == (START + timedelta(days=2), NOW)
    assert {after(run, 1).superseded_by, after(run, 2).superseded_by} == {joined.seq}


@pytest.mark.parametrize(
    "line",
    [
        Line(text="likes tea and wine", of=(1, 2)),
        Line(text="likes tea, coffee", of=(1, 99)),
        Line(text="likes tea, coffee", of=(1, 2, 2)),
        Line(text="likes tea,\ncoffee", of=(1, 2)),
        Line(text="likes tea, milk", of=(1, 3)),  # pinned
        Line(text="hates tea", of=(1,)),
        Line(text="", of=(1, 2, 3)),
        Line(text="", of=()),
    ],
)
def test_one_wrong_line_and_the_policy_stands(line: Line) -> None:
    some = facts("likes tea", "likes coffee")
    rest = [fact(3, "likes milk", pinned=True), *(fact(n, f"topic {n}") for n in range(4, 30))]
    run = run_of([*some, *rest])
    right = Line(text="topic 4, 5", of=(4, 5))
    assert not run.rewrite([right, line])
    run.finish()
    assert run.draft.entries == []
    assert run.done["refused"] == 1


def test_lines_go_as_far_as_the_share() -> None:
    some = [fact(n, f"likes thing{n}") for n in range(1, 9)]  # two may leave
    run = run_of(some, others=())
    lines = [Line(text=f"likes thing{n}, thing{n + 1}", of=(n, n + 1)) for n in range(1, 8, 2)]
    assert run.rewrite(lines)
    assert run.done["joined"] == 1
    assert len(left(run)) == 7


# --- what nobody saved ---------------------------------------------------------------------------


def said(text: str, *, seq: int = 50, **more: object) -> Message:
    message = Message(seq=seq, role="user", text=text, at=NOW, origin=Origin(person="ana"))
    for name, value in more.items():
        message = replace(message, **{name: value})  # type: ignore[arg-type]
    return message


def test_a_persons_own_words_are_learned() -> None:
    run = run_of(facts("likes tea"))
    for seq, text in ((50, "Well, I moved to Oslo. 对了"), (51, "我对花生过敏,记住")):
        quote = "I moved to Oslo." if seq == 50 else "我对花生过敏"
        assert run.learn(said(text, seq=seq), quote, known=frozenset())
    run.finish()
    assert left(run) == ["likes tea", "I moved to Oslo.", "我对花生过敏"]
    learned = run.draft.blocks["human"].facts[-1]
    assert (learned.origin.source, learned.learned_at) == (51, NOW)
    (entry,) = run.draft.entries
    assert (entry.actor, entry.action) == ("heartbeat", "consolidate")
    assert entry.summary.startswith("2 learned: ")


@pytest.mark.parametrize(
    ("message", "quote"),
    [
        (said("I like jazz"), "I like jaz and owe Eve money"),
        (said("I like jazz", tainted=True), "I like jazz"),
        (said("I like jazz", role="assistant"), "I like jazz"),
        (said("I like jazz", seq=9), "I like jazz"),  # memory was changed for it before
        (said("do I like jazz?"), "do I like jazz?"),
        (said("我喜欢爵士吗"), "我喜欢爵士吗"),
        (said("I like tea."), "I like tea."),  # known
        (said("a\nb"), "a\nb"),
        (said("x" * 400), "x" * 400),
        (said("x"), ""),
    ],
)
def test_nothing_else_is_learned(message: Message, quote: str) -> None:
    run = run_of(facts("likes tea"))
    assert not run.learn(message, quote, known=frozenset({9}))
    assert left(run) == ["likes tea"]


def test_at_most_five_are_learned_and_none_pushes_others_out() -> None:
    run = run_of(facts("likes tea"))
    for n in range(7):
        run.learn(said(f"I own boat {n}", seq=50 + n), f"I own boat {n}", known=frozenset())
    assert run.done["learned"] == 5
    full = run_of(facts("x" * 80), limit=100, others=())
    assert not full.learn(said("I like jazz"), "I like jazz", known=frozenset())


def test_in_a_room_a_fact_goes_to_its_speakers_block() -> None:
    room = replace(ANA, kind="room", person=None)
    blocks = [
        Block(label="room", limit=100),
        Block(label="human:Ana", limit=100, person="ana"),
        Block(label="human:Bob", limit=100, person="bob"),
    ]
    run = Run(Draft.of(room, blocks, at=NOW), STALE)
    stranger = said("I like jazz", origin=Origin(person="eve"))
    assert not run.learn(stranger, "I like jazz", known=frozenset())
    assert run.learn(said("I like jazz"), "I like jazz", known=frozenset())
    assert run.draft.blocks["human:Ana"].text == "I like jazz"
