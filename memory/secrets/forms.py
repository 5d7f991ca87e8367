"""Secrets that are known by their form: tokens, private keys, numbers with a check digit. Pure.

Works on flat text: ASCII digits, plain blanks and dashes. Every pattern is linear in its length:
what may repeat is bounded, or taken whole and never given back.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date
from itertools import pairwise
from typing import Final, NamedTuple


class Span(NamedTuple):
    """Where a secret stands in a text, and what it is."""

    start: int
    end: int
    kind: str


class Form(NamedTuple):
    kind: str
    hints: tuple[str, ...]  # the pattern is tried where the text holds one of these
    pattern: re.Pattern[str]
    check: Callable[[str], bool]


def _form(kind: str, hints: str, pattern: str, check: Callable[[str], bool] = bool) -> Form:
    return Form(kind, tuple(hints.split()), re.compile(pattern, re.ASCII), check)


def random_looking(token: str) -> bool:
    """Whether a long token was drawn at random: letters and digits change places all the time.

    A random one changes its class (lower, upper, digit) at every other character; words and names
    with numbers in them seldom do.
    """
    classes = [_class_of(character) for character in token if character.isalnum()]
    if len(classes) < 16 or len(set(classes)) < 2:
        return False
    if _HEX.fullmatch(token):
        return True
    changes = sum(a != b for a, b in pairwise(classes)) / len(classes)
    return changes >= (0.2 if "0" in classes else 0.42)


_HEX = re.compile(r"[0-9a-fA-F-]{16,}", re.ASCII)


def _class_of(character: str) -> str:
    return "0" if character.isdigit() else "A" if character.isupper() else "a"


def has_digit(token: str) -> bool:
    return any(character.isdigit() for character in token)


def _key_like(token: str) -> bool:
    """Not `sk-some-name-of-things`."""
    return has_digit(token) and max(map(len, re.split("[-_]", token))) >= 12


_START = r"(?<![A-Za-z0-9_])"
_KEY = r"PRIVATE KEY(?: BLOCK)?-----"
_BODY = r"(?:[^-]|-(?!----))*+"  # of a block that has an end
_LINES = (  # of one that has none
    r"(?:(?:\s|\\[nr]){0,9}(?:(?:Proc-Type|DEK-Info): [^\n]{0,80}|[A-Za-z0-9+/=]{16,}+))*+"
    r"(?:\s[A-Za-z0-9+/]{1,15}={1,2})?"
)
FORMS: Final = (
    _form(
        "private key",
        "-----BEGIN",
        rf"-----BEGIN [A-Z0-9 ]{{0,30}}{_KEY}(?:{_BODY}-----END [A-Z0-9 ]{{0,30}}{_KEY}|{_LINES})",
    ),
    _form("Slack token", "xox", r"(?:xoxe\.)?xox[a-z]-[\w-]{10,}+", has_digit),
    _form("Slack token", "xapp-", r"xapp-[\w-]{10,}+", has_digit),
    _form("webhook address", "hooks.slack.com", r"hooks\.slack\.com/[a-z]+/[\w/-]{20,}+"),
    _form("webhook address", "/webhooks/", r"/webhooks/\d{15,20}/[\w-]{40,}+"),
    _form("API key", "sk-ant-", rf"{_START}sk-ant-[\w-]{{20,}}+"),
    _form("API key", "sk-", rf"{_START}sk-[\w-]{{20,}}+", _key_like),
    _form("GitHub token", "gh", rf"{_START}gh[pousr]_[A-Za-z0-9]{{30,}}+"),
    _form("GitHub token", "github_pat_", r"github_pat_\w{22,}+"),
    _form("AWS key", "AKIA ASIA", rf"{_START}A[KS]IA[A-Z0-9]{{16}}(?![A-Za-z0-9])"),
    _form("Google key", "AIza", r"AIza[\w-]{35}(?![\w-])"),
    _form("Google key", "GOCSPX- ya29.", rf"{_START}(?:GOCSPX-|ya29\.)[\w-]{{20,}}+"),
    _form("Stripe key", "k_live_ k_test_", r"[srp]k_(?:live|test)_[A-Za-z0-9]{16,}+"),
    _form("Stripe key", "whsec_", r"whsec_[A-Za-z0-9+/=]{20,}+"),
    _form(
        "access token",
        "glpat- hf_ npm_",
        rf"{_START}(?:glpat-[\w-]{{20,}}+|hf_[A-Za-z0-9]{{30,}}+|npm_[A-Za-z0-9]{{36}})",
    ),
    _form("access token", "eyJ", r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{10,}+(?:\.[\w-]*+){1,3}"),
    _form(
        "Discord token",
        ".",
        r"[MNO](?<![\w.-].)[\w-]{22,27}\.[\w-]{6,7}\.[\w-]{27,}+",
        random_looking,
    ),
    _form(
        "password",
        "://",
        r"(?<=://)[^\s/:@]{0,256}:(?P<secret>[^\s/?#\u3000-\u9fff]{1,256})(?=@)",
        lambda value: not re.match(r"[{<$*\[]|pass(?:word)?$|pwd?$", value, re.IGNORECASE),
    ),
)


def by_form(text: str) -> Iterator[Span]:
    """The secrets of a flat text that need no words around them."""
    for kind, hints, pattern, check in FORMS:
        if not any(hint in text for hint in hints):
            continue
        group = "secret" if "secret" in pattern.groupindex else 0
        for match in pattern.finditer(text):
            if check(match[group]):
                yield Span(*match.span(group), kind)
    yield from _cards(text)
    yield from _ibans(text)
    yield from _chinese_ids(text)


# --- bank cards ----------------------------------------------------------------------------------

# A look back comes after what it is about, so that the search skips to where a number can begin.
_DIGITS = re.compile(r"\d(?<!\d\d)(?<!\d\.\d)(?:[ -]?\d){12,}+(?!\.\d)", re.ASCII)
_GROUP = re.compile(r"\d+", re.ASCII)
_ISSUED = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11,16}|35\d{14,17}"  # American Express, Diners, JCB
    r"|6\d{15,18}|81\d{14,17}|5[0678]\d{14,17}"  # UnionPay, Discover, Maestro
    r"|220[0-4]\d{12,15}"  # Mir
)
_GROUPINGS: Final = ((4, 4, 4, 4, 3), (4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (6, 13), (6, 10))


def _cards(text: str) -> Iterator[Span]:
    """Numbers that an issuer gives out, with a right check digit; a run of digits as a whole, or
    printed in the usual groups among others."""
    for run in _DIGITS.finditer(text):
        if _is_card(run[0]):
            yield Span(*run.span(), "card number")
            continue
        groups = [match.span() for match in _GROUP.finditer(text, *run.span())]
        sizes = [end - start for start, end in groups]
        for n, (start, end) in enumerate(groups):
            if sizes[n] >= 13 and _is_card(text[start:end]):
                yield Span(start, end, "card number")
            for grouping in _GROUPINGS if sizes[n] in (4, 6) else ():
                if tuple(sizes[n : n + len(grouping)]) == grouping:
                    end = groups[n + len(grouping) - 1][1]
                    if _is_card(text[start:end]):
                        yield Span(start, end, "card number")
                        break


def _is_card(text: str) -> bool:
    if len(text) > 40:  # nineteen digits, each apart
        return False
    digits = text.replace(" ", "").replace("-", "")
    return bool(_ISSUED.fullmatch(digits)) and _luhn(digits)


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (doubled + sum(map(int, digits[-1::-2]))) % 10 == 0


# --- IBANs ---------------------------------------------------------------------------------------

_IBAN = re.compile(
    r"\d\d(?<=[A-Za-z][A-Za-z]\d\d)(?<![A-Za-z0-9][A-Za-z][A-Za-z]\d\d)"
    r"(?=(?P<rest>(?:[ -]?[A-Za-z0-9]){11,30}))",
    re.ASCII,
)
_COUNTRIES: Final = {  # the length of an IBAN by country: the registry of ISO 13616
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FK FO GL NL SD", 19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS",
        23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST",
        26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip


def _ibans(text: str) -> Iterator[Span]:
    for match in _IBAN.finditer(text):
        start = match.start() - 2
        length = _COUNTRIES.get(text[start : start + 2].upper())
        if length is None:
            continue
        places = [at for at in range(start, match.end("rest")) if text[at].isalnum()]
        if len(places) < length:
            continue
        end = places[length - 1] + 1
        if text[end : end + 1].isascii() and text[end : end + 1].isalnum():
            continue
        iban = "".join(text[at] for at in places[:length])
        if int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97 == 1:
            yield Span(start, end, "IBAN")


# --- Chinese identity numbers --------------------------------------------------------------------

_CHINESE_ID = re.compile(
    r"[1-9](?<![A-Za-z0-9].)\d{5}[ -]?(?:18|19|20)\d{6}[ -]?\d{3}[\dXx](?![A-Za-z0-9])", re.ASCII
)


def _chinese_ids(text: str) -> Iterator[Span]:
    for match in _CHINESE_ID.finditer(text):
        if _is_chinese_id(re.sub("[ -]", "", match[0])):
            yield Span(*match.span(), "ID number")


def _is_chinese_id(number: str) -> bool:
    """GB 11643: a date of birth, and ISO 7064 MOD 11-2."""
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * pow(2, 17 - n, 11) for n, digit in enumerate(number[:17]))
    return "10X98765432"[total % 11] == number[17].upper()
