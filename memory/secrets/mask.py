"""Finds secrets in a text and masks them: they have no place in memory. Pure.

Some are known by their form alone (memory/secrets/forms.py); others by the words around them, in
English and Chinese (memory/secrets/told.py).
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from memory.secrets.forms import FORMS, Span, by_form
from memory.secrets.told import by_words

KINDS: Final = tuple(
    dict.fromkeys(
        (
            *(form.kind for form in FORMS),
            *("card number", "IBAN", "ID number", "social security number"),
            *("recovery phrase", "PIN", "code", "key"),
        )
    )
)
_MASK = re.compile(rf"\[secret: (?:{'|'.join(KINDS)})\]")
_LEFT_OUT = re.compile(r"A secret was left out: ([\w ,]+)\. Secrets are not kept in memory\.")


def masked(text: str) -> tuple[str, tuple[str, ...]]:
    """The text with `[secret: KIND]` in the place of each secret, and the kinds, each once.

    Digits, letters and blanks may be of any width or script. What is masked already stays.
    """
    flat, places = _flat(text)
    spans = [*by_form(flat), *by_words(flat)]
    if not spans:
        return text, ()
    kept: list[str] = []
    kinds: list[str] = []
    at = 0
    for start, end, kind in _apart(spans, flat):
        first, last = (places[start], places[end - 1] + 1) if places else (start, end)
        kept.extend((text[at:first], f"[secret: {kind}]"))
        kinds.append(kind)
        at = last
    return "".join([*kept, text[at:]]), tuple(dict.fromkeys(kinds))


def left_out(kinds: Sequence[str]) -> str:
    """What a model is told, after what else it is told; "" for no kinds."""
    if not kinds:
        return ""
    named = ", ".join(dict.fromkeys(kinds))
    return f" A secret was left out: {named}. Secrets are not kept in memory."


def told_left_out(text: str) -> tuple[str, ...]:
    """The kinds that `left_out` names in a text."""
    named = [kind for match in _LEFT_OUT.finditer(text) for kind in match[1].split(", ")]
    return tuple(kind for kind in dict.fromkeys(named) if kind in KINDS)


def _apart(spans: Sequence[Span], flat: str) -> list[Span]:
    """Spans in their order; what overlaps is one, of the kind that was found first."""
    masks = [match.span() for match in _MASK.finditer(flat)]
    starts = [start for start, _ in masks]
    joined: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):  # stable: forms come before words
        n = bisect_right(starts, span.end - 1) - 1
        if n >= 0 and masks[n][1] > span.start:
            continue
        if joined and span.start < joined[-1].end:
            last = joined[-1]
            joined[-1] = last._replace(end=max(last.end, span.end))
        else:
            joined.append(span)
    return joined


# --- flat text -----------------------------------------------------------------------------------

# Full-width punctuation is plain too: made ASCII, it would run into a word beside it.
_PLAIN = re.compile("[\x00-\x7f，；！？（）\u4e00-\u9fff\uac00-\ud7a3\U00020000-\U0002a6df]+")


def _flat(text: str) -> tuple[str, list[int] | None]:
    """The text with ASCII digits, letters, blanks and dashes, and nothing that cannot be seen.

    Where characters were dropped: the place of each one in the text.
    """
    if text.isascii():
        return text, None
    table = {ord(character): _ascii(character) for character in set(_PLAIN.sub("", text))}
    places = None
    if "" in table.values():
        places = [n for n, character in enumerate(text) if table.get(ord(character)) != ""]
    return text.translate(table), places


def _ascii(character: str) -> str:
    """A character's plain form, of one character, or none for what cannot be seen."""
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    match unicodedata.category(character):
        case "Zs":
            return " "
        case "Pd":
            return "-"
        case "Cf":
            return ""
    plain = unicodedata.normalize("NFKC", character)
    if len(plain) == len(plain.lower()) == 1:
        return plain
    return character if len(character.lower()) == 1 else "I"  # or places would move
