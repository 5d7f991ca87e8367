"""The words of a line: quotes, options, numbers, days."""

import re
from collections.abc import Collection
from contextlib import suppress
from datetime import date

from bot.errors import UserError

_QUOTED = "|".join(
    rf"{opening}[^{closing}]*{closing}"
    for opening, closing in ('""', "''", "“”", "‘’", "「」", "『』")
)
_PART = re.compile(rf"(?P<option>--\w+=)?(?:(?P<quoted>{_QUOTED})(?!\S)|(?P<bare>\S+))")
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_OPTION = r"(?:^|\s)--({names})(?:\s*=\s*|\s+|(?=\s*\Z))({value}|\S*)"


def split(text: str) -> list[str]:
    """Words of a text. Quotes of six kinds hold words together, if they are closed."""
    words = []
    for part in _PART.finditer(text):
        option, value = part["option"] or "", part["bare"]
        words.append(option + (value if value is not None else part["quoted"][1:-1]))
    return words


def unquoted(text: str) -> str:
    """The text without the one pair of quotes around all of it."""
    whole = _PART.fullmatch(text)
    return whole["quoted"][1:-1] if whole and whole["quoted"] and not whole["option"] else text


def number_of(word: str) -> int | None:
    """12 or #12, of any width, as a number."""
    digits = word.strip().lstrip("#\uff03")
    return int(digits) if digits.isdecimal() and len(digits) <= 15 else None


def day_of(text: str) -> date:
    """2026-10-01, or 2026年10月1日, as a day. Raises UserError."""
    found = _DAY.fullmatch(text.strip())
    if found is not None:
        with suppress(ValueError):  # a 31st of February
            return date(*map(int, found.groups()))
    raise UserError(f"'{text}' is no day. For example: `/memory show --as-of 2026-10-01`")


def options_of(text: str, names: Collection[str]) -> tuple[str, dict[str, str]]:
    """The text without those options, and their values: `--by Ana`, `--by="Ana Lee"`.

    Anything else that begins with -- is a word of the text.
    """
    found: dict[str, str] = {}
    pattern = re.compile(_OPTION.format(names="|".join(names), value=f"(?:{_QUOTED})(?!\\S)"))

    def taken(option: re.Match[str]) -> str:
        found[option[1]] = unquoted(option[2])
        return ""

    return pattern.sub(taken, text).strip(), found
