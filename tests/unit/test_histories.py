"""The scripted histories of `reverie eval memory`: their form, and how answers are scored."""

import re
from collections import Counter
from datetime import timedelta

import pytest

from bot.eval.history import KINDS, LANGUAGES, History, Score, Turn, load, score

ALL = [history for language in LANGUAGES for history in load(language)]
HAN = re.compile(r"[\u4e00-\u9fff]")


def questions(history: History) -> list[Turn]:
    return [turn for turn in history.turns if turn.verb == "ask"]


def patterns(turn: Turn) -> tuple[str, ...]:
    return turn.right + turn.stale + turn.leaked


def found(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.IGNORECASE) is not None


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_set_has_sixty_of_every_kind(language: str) -> None:
    histories = [history for history in ALL if history.language == language]
    assert len(histories) == 60
    assert Counter(history.kind for history in histories) == dict.fromkeys(KINDS, 5)


def test_names_are_unique() -> None:
    assert [name for name, count in Counter(each.name for each in ALL).items() if count > 1] == []
    assert not {each.name for each in ALL} & set(KINDS)


@pytest.mark.parametrize("history", ALL, ids=lambda history: history.name)
def test_a_history_is_well_formed(history: History) -> None:
    days = [turn.after for turn in history.turns]
    assert days == sorted(days)
    assert len(set(days)) == len(days)
    assert timedelta(0) <= days[0]
    assert 1 <= len({turn.who for turn in history.turns}) <= 3
    assert all(turn.text.strip() and turn.who for turn in history.turns)
    assert all(turn.room.startswith("#") for turn in history.turns if turn.room)
    assert questions(history)
    first = next(turn for turn in history.turns if turn.verb == "say")
    assert questions(history)[-1].after - first.after >= timedelta(days=10)
    assert not any(patterns(turn) for turn in history.turns if turn.verb != "ask")


@pytest.mark.parametrize("history", ALL, ids=lambda history: history.name)
def test_what_is_expected_can_be_told_apart(history: History) -> None:
    said = [f"{turn.who}: {turn.text}" for turn in history.turns if turn.verb == "say"]
    for turn in questions(history):
        assert patterns(turn)
        assert not set(turn.right) & set(turn.stale)
        for pattern in patterns(turn):
            assert not found(pattern, turn.text), "an echo of the question would be scored"
            others = [each.text for each in history.turns if each.verb == "chat"]
            assert not any(found(pattern, text) for text in others), pattern
        if turn.right and history.kind != "tongues":
            assert any(score(turn, text) != "missing" for text in [*said, " ".join(said)])
        for wrong in filter(None, (turn.stale, turn.leaked)):
            assert any(found(pattern, text) for pattern in wrong for text in said)


def test_kinds_are_what_they_say() -> None:
    for history in ALL:
        asked = questions(history)
        stale, leaked = any(turn.stale for turn in asked), any(turn.leaked for turn in asked)
        chat = sum(turn.verb == "chat" for turn in history.turns)
        values = sum(turn.verb == "say" for turn in history.turns)
        assert stale or history.kind not in ("changed", "again", "forgotten"), history.name
        assert leaked is (history.kind == "private"), history.name
        assert (chat >= 20) is (history.kind == "chatter"), history.name
        assert values >= 3 or history.kind != "again", history.name
        forgets = any(turn.verb == "forget" for turn in history.turns)
        assert forgets is (history.kind == "forgotten"), history.name
        if history.kind == "tongues":
            told = next(turn for turn in history.turns if turn.verb == "say")
            assert bool(HAN.search(told.text)) is not bool(HAN.search(asked[0].text))


def test_sets_are_in_their_languages() -> None:
    for history in ALL:
        if history.kind != "tongues":
            chinese = [bool(HAN.search(turn.text)) for turn in history.turns]
            assert all(chinese) if history.language == "zh" else not any(chinese)


ASKED = Turn(
    after=timedelta(days=30), who="Ines", room="", verb="ask", text="Where do I live?",
    right=("Porto", "波尔图"), stale=("Lisbon", "里斯本"), leaked=("Vienna",),
)  # fmt: skip
GONE = Turn(
    after=timedelta(days=30), who="Ines", room="", verb="ask", text="Who is my boyfriend?",
    stale=("Robin",),
)  # fmt: skip


@pytest.mark.parametrize(
    ("turn", "said", "expected"),
    [
        (ASKED, "You live in Porto.", "right"),
        (ASKED, "ｐｏｒｔｏ", "right"),
        (ASKED, "你住在波尔图。", "right"),
        (ASKED, "You live in Lisbon.", "stale"),
        (ASKED, "You live in Porto. You live in Lisbon.", "stale"),
        (ASKED, "I remember: Porto\nI remember: Lisbon", "stale"),
        (ASKED, "你住在波尔图。你住在里斯本。", "stale"),
        (ASKED, "You moved from Lisbon to Porto.", "right"),
        (ASKED, "You live in Porto. You used to live in Lisbon!", "right"),
        (ASKED, "你住在波尔图。以前住在里斯本。", "right"),
        (ASKED, "Porto, and Tom lives in Vienna. Lisbon?", "leaked"),
        (ASKED, "I do not know.", "missing"),
        (ASKED, "", "missing"),
        (GONE, "I do not know.", "right"),
        (GONE, "Your boyfriend used to be Robin.", "stale"),
    ],
)
def test_scores(turn: Turn, said: str, expected: Score) -> None:
    assert score(turn, said) == expected
