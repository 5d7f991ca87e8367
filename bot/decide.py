"""What a step amounts to, and what comes after it. Pure: the loop in bot/turn.py acts on it."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bot.tools.base import wants_heartbeat
from bot.types import Again, Completion, Done, Prices, ToolResult, Usage
from memory.types import Message, Spending

SAME_CALL = 2  # a call made this often in a turn has told the model all it can
NOTHING = Spending(kind="turn")
FAILURES = 5  # failed calls of a turn, before it must end in words


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What memory has for the words of a turn: a section of the prompt, and those of its lines that
    are not the person's own words."""

    text: str = ""
    foreign: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a turn may take before it must end: in steps, seconds and tokens."""

    steps: int = 10
    seconds: float = 300
    tokens: int = 200_000


@dataclass(slots=True, kw_only=True)
class Spent:
    """What this turn has used up so far, in this process."""

    began: float = field(default_factory=time.monotonic)
    tokens: int = 0
    shrink: float = 1.0  # of the window, after the endpoint said that it was too long
    unbilled: Spending = NOTHING  # not yet committed with a step
    recalled: Recalled | None = None  # for its words; None: not looked yet

    def bill(self, used: Usage, prices: Prices) -> None:
        """What one more answer of the model took."""
        self.tokens += used.prompt + used.completion
        money = prices.of(used)
        self.unbilled = self.unbilled.plus(used.prompt, used.completion, money, used.calls)


@dataclass(slots=True, kw_only=True)
class Heard:
    """What a step's answer came to: words for the person, and the results of its calls."""

    completion: Completion
    results: list[ToolResult] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    heartbeat: bool = False

    @property
    def failed(self) -> bool:
        return any(result.failed for result in self.results)

    @property
    def looked(self) -> bool:
        return "look" in self.kinds


def must_close(
    turn: Sequence[Message],
    step: int,
    limits: Limits,
    spent: Spent,
    kind: Callable[[str], str],
) -> bool:
    """Whether the next step must end the turn in words: a budget is spent, or it goes nowhere.

    Read from the turn's committed rows, so that a turn resumed after a crash decides the same.
    """
    if step == 0:
        return False
    over_time = time.monotonic() - spent.began > limits.seconds
    if step >= limits.steps - 1 or over_time or spent.tokens > limits.tokens:
        return True
    calls = Counter((wish.name, wish.arguments) for row in turn for wish in row.calls)
    if calls and max(calls.values()) >= SAME_CALL:
        return True
    if sum(failed(row) for row in turn) >= FAILURES:
        return True
    last = [row for row in turn if row.step == step - 1 and row.role != "user"]
    wishes = [wish for row in last for wish in row.calls]
    went_on = (
        any(row.text for row in last if row.role == "assistant")
        or any(failed(row) for row in last)
        or any(kind(wish.name) == "look" or wants_heartbeat(wish.arguments) for wish in wishes)
    )
    return not went_on  # it said nothing, and asked for nothing that a step could build on


def failed(row: Message) -> bool:
    return row.role == "tool" and row.text.startswith("Error:")


def spoken_words(heard: Heard, turn: Sequence[Message]) -> list[str]:
    """What the person gets of a step's answer: nothing that this turn has told them already.

    send_message speaks, and other text is then thoughts; without it, text is the reply where the
    turn would end here. A step with a failed call says nothing: it may claim what did not happen.
    """
    if heard.failed:
        return []
    told = {row.text for row in turn if row.role == "assistant"}
    if heard.said:
        return [words for words in dict.fromkeys(heard.said) if words not in told]
    text = heard.completion.text.strip()
    goes_on = heard.looked or heard.heartbeat
    return [text] if text and not goes_on and text not in told else []


def decide(heard: Heard, replied: bool, closing: bool) -> Again | Done:
    """What comes after a step."""
    if closing:
        return Done(reason="closed")
    if heard.failed or heard.looked or heard.heartbeat:
        return Again()
    if replied:
        return Done(reason="answered")
    return Again()


def replied_in(turn: Sequence[Message]) -> bool:
    return any(row.role == "assistant" and row.text for row in turn)


def asked_in(turn: Sequence[Message]) -> bool:
    return any(row.role == "user" for row in turn)


def words_of(turn: Sequence[Message]) -> str:
    return "\n".join(row.text for row in turn if row.role == "user" and not row.tainted)
