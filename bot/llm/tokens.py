"""Counts tokens without any tokenizer: by kinds of characters, corrected by reports."""

import math
import re
from collections.abc import Callable

from bot.types import Completion, Prompt, Usage

# One match is one token: 5 ASCII letters, 1 wide character (modern vocabularies: 0.6-0.9 each),
# 2 letters of other alphabets, a digit, a mark, a run of line breaks.
_WIDE = "\u1100-\u11ff\u2e80-\ud7ff\uf900-\ufaff\uff00-\uffef\U00010000-\U0010ffff"
_TOKEN = re.compile(rf"[A-Za-z]{{1,5}}|[{_WIDE}]|[^\W\d_A-Za-z{_WIDE}]{{1,2}}|\d|[^\w\s]|_|\n+")
_RARE = re.compile("[\U00010000-\U0010ffff]")  # emoji, old scripts: two

_LOW, _HIGH = 0.6, 2.5  # the ratio's bounds: one odd report must not undo the estimate
_UP, _DOWN = 0.3, 0.05  # too low a count costs a refused request, too high only some room
_MARGIN = 1.05


class TokenCounter:
    """Estimates tokens, erring high. `learn` moves the estimate towards what was reported."""

    def __init__(self) -> None:
        self.ratio = 1.1

    def count(self, text: str) -> int:
        """About how many tokens a text is."""
        return math.ceil(estimate(text) * self.ratio)

    def learn(self, estimated: int, reported: int) -> None:
        """Take in a report: a request of `estimated` (see `estimate`) was `reported` tokens."""
        if estimated < 1 or reported < 1:
            return
        seen = min(_HIGH, max(_LOW, _MARGIN * reported / estimated))
        self.ratio += (seen - self.ratio) * (_UP if seen > self.ratio else _DOWN)


def estimate(text: str) -> int:
    """Tokens of a text before any correction. Takes time linear in its length."""
    count = len(_TOKEN.findall(text))
    return count if text.isascii() else count + len(_RARE.findall(text))


def usage_of(prompt: Prompt, completion: Completion, count: Callable[[str], int]) -> Usage:
    """Tokens of a call: as the endpoint reported them, else as they are counted here."""
    if completion.usage is not None:
        return completion.usage
    said = (completion.text, completion.thoughts, *(call.arguments for call in completion.calls))
    shown = (prompt.system, prompt.recalled or "", *(row.text for row in prompt.messages))
    return Usage(
        prompt=sum(count(text) for text in shown),
        completion=sum(count(text) for text in said if text),
    )
