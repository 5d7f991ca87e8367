"""Keeps what people said as they said it. Pure.

Models rephrase, translate and shorten while they save, small ones wrongly. What is remembered about
a person should be what the person said: it can be checked, quoted and found again.
"""

import re

from memory.core import lines_of
from memory.words import query_terms

SHARED = 0.6  # of a line's words that stand in one sentence of the person: it was made from that
SHORT = 200  # characters: a message this short is one thing said
_END = re.compile(r"(?<=[。！？!?])\s*|(?<=\.)\s+|\n+")
_FRAME = re.compile(r"用户|[的是叫]|名字|姓名|\b(?:the|user|person)(?:'s)?\b|\bname\b", re.I)
_ASKS = re.compile(r"[?？]$|[吗呢]$")  # what was asked is no fact
_HAN = re.compile("[\u3400-\u9fff]")


def own_words(content: str, said: str) -> str:
    """The content with each line that was made from a sentence of `said` put as it was said.

    A line that is quoted already, or comes from elsewhere, stays.
    """
    return "\n".join(_line(line, said) for line in lines_of(content))


def _line(line: str, said: str) -> str:
    if line in said:
        return line
    parts = [part.strip() for part in _END.split(said)]
    sentences = [part for part in parts if part and not _ASKS.search(part)]
    asked = set(query_terms(_FRAME.sub(" ", line)))  # without how models frame a fact
    if not asked or not sentences:
        return line
    share, sentence = max(
        ((len(asked & set(query_terms(one))) / len(asked), one) for one in sentences),
        key=lambda scored: scored[0],
    )
    if share >= SHARED:
        return sentence
    translated = bool(_HAN.search(line)) != bool(_HAN.search(said))
    if translated and len(said) <= SHORT and len(sentences) == 1:
        return sentence
    return line
