"""Whether every question was answered once, where it was asked and in its order. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something is said: a channel, and the conversation in it that it belongs to."""

    channel: str
    thread: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    word: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message of the bot, with the words that are in it, in their order."""

    place: Place
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    answered: int
    lost: int  # questions without an answer where they were asked
    doubled: int  # answers too many, wherever they are
    wordless: int  # messages of the bot that answer nothing
    disordered: Mapping[str, int]  # by channel: neighbours that changed places


def judge(asked: Sequence[Asked], said: Sequence[Said]) -> Verdict:
    """Compare questions, as they were asked, with messages of the bot, as they appeared. Pure."""
    spoken = [word for message in said for word in message.words]
    there = {(word, message.place) for message in said for word in message.words}
    answered = sum((question.word, question.place) in there for question in asked)
    order = {word: number for number, word in reversed(list(enumerate(spoken)))}
    swaps = {
        channel: sum(_swaps(row, order) for row in rows)
        for channel, rows in _in_order(asked).items()
    }
    return Verdict(
        answered=answered,
        lost=len(asked) - answered,
        doubled=len(spoken) - len(set(spoken)),
        wordless=sum(not message.words for message in said),
        disordered={channel: count for channel, count in swaps.items() if count},
    )


def _swaps(words: Iterable[str], order: Mapping[str, int]) -> int:
    found = [order[word] for word in words if word in order]
    return sum(one > other for one, other in pairwise(found))


def _in_order(asked: Sequence[Asked]) -> Mapping[str, list[list[str]]]:
    """By channel, rows of words that are to be answered in that order: each conversation, and the
    first words of all conversations."""
    talks: dict[Place, list[str]] = defaultdict(list)
    for question in asked:
        talks[question.place].append(question.word)
    rows: dict[str, list[list[str]]] = defaultdict(lambda: [[]])
    for place, words in talks.items():
        rows[place.channel][0].append(words[0])
        rows[place.channel].append(words)
    return rows
