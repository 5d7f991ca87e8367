"""Text to search terms: what the word index holds, and what a question asks of it.

The terms are made here and joined by spaces, so the index must take them as they are:

    CREATE VIRTUAL TABLE … USING fts5(words, content='', tokenize='ascii')

`ascii` splits at ASCII punctuation and blanks only, and a term has neither. `unicode61` would
split again by the Unicode tables of the day SQLite was built, and `porter` would stem what is
stemmed already, so that terms counted here and terms in the index would differ.
"""

import re
import unicodedata
from collections.abc import Iterator

TOKENISER_VERSION = 1  # grows whenever a text's terms change: then every word index is rebuilt

_MAX_QUESTION = 10_000  # characters of a question that are read
_MAX_TERMS = 64  # of a question
_MAX_LENGTH = 64  # characters of a word: longer ones are keys and blobs

_CJK = (
    r"\u3005\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
    r"\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U000323af"
)
_RUNS = re.compile(rf"([{_CJK}]+)|[^\W_{_CJK}]+")
_ACCENTS = re.compile(r"[\u0300-\u036f]+")
# Normalising takes the square of a run of combining marks; no word has thirty of them.
_NOISE = re.compile(r"[^\w\x00-\x7f]{31,}")
_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]+")
_VOWEL = re.compile(r"[aeiouy]")

# Words that say nothing about what is asked for. Question words belong here: keeping them costs
# five points of recall at 10 on LoCoMo.
_ENGLISH = """
    a about again all also am an and any anyone anything are as at be because been being but by can
    could d did do does doing done don for from had has have having he her hers him his how i if in
    into is it its just ll m may me might mine must my no nor not of on or our ours please re
    remember s shall she should so some someone something t tell than that the their theirs them
    then there these they this those to too us ve very was we were what when where which who whom
    whose why will with would you your yours
"""
_STOP_WORDS = frozenset(_ENGLISH.split())
_STOP_CHARACTERS = frozenset(
    "的地得了着过吗呢吧啊呀哦嗯嘛么是在有和与跟或及就都也还又很太把被让给对从到于以为"
    "我你您他她它们咱这那哪谁什怎几个些请没不会能要想说"
)


def sanitise(text: str) -> str:
    """Text without NUL, other control characters (newline and tab stay) and lone surrogates.

    All that comes from outside goes through here once: SQLite cuts text at NUL, and a lone
    surrogate has no UTF-8. Everything else stays as it is.
    """
    return _UNWANTED.sub("", text)


def terms(text: str) -> list[str]:
    """The terms of a text in its order: stemmed words and numbers, CJK characters and bigrams."""
    return [term for term, _ in _terms(text)]


def index_text(text: str) -> str:
    """What the index holds for a text: its terms, joined by a space."""
    return " ".join(terms(text))


def query_terms(text: str) -> list[str]:
    """The terms that a question is asked with: no stop words, each once, the first 64."""
    kept: dict[str, None] = {}
    for term, stop in _terms(text[:_MAX_QUESTION]):
        if not stop:
            kept[term] = None
            if len(kept) == _MAX_TERMS:
                break
    return list(kept)


def match_query(text: str) -> str | None:
    """An FTS5 MATCH expression that finds what has any of the question's terms.

    None when nothing is left to ask for: then the newest is the best answer.
    """
    return " OR ".join(f'"{term}"' for term in query_terms(text)) or None


def _terms(text: str) -> Iterator[tuple[str, bool]]:
    """Each term, and whether it is a stop word."""
    for run in _RUNS.finditer(_fold(text)):
        word = run[0]
        if run[1]:
            yield from _grams(word)
        else:
            yield _stem(word[:_MAX_LENGTH]), word in _STOP_WORDS


def _grams(run: str) -> Iterator[tuple[str, bool]]:
    """The characters of a CJK run, and its bigrams. A bigram of two stop characters is one too."""
    stops = [character in _STOP_CHARACTERS for character in run]
    for i, character in enumerate(run):
        yield character, stops[i]
        if i + 1 < len(run):
            yield run[i : i + 2], stops[i] and stops[i + 1]


def _fold(text: str) -> str:
    """One spelling: width, ligatures, case and accents do not matter to a search."""
    if text.isascii():
        return text.lower()
    loose = unicodedata.normalize("NFKD", _NOISE.sub(" ", text)).casefold()
    bare = _ACCENTS.sub("", loose)
    return unicodedata.normalize("NFC", bare)


def _stem(word: str) -> str:
    """A light English stem: plurals, -ed, -ing, silent e and doubled endings, nothing else.

    On LoCoMo (five conversations, words only, recall at 10) it gives .603, Porter's .606, no stem
    .583; and unlike in Porter's, a name or a foreign word stays what it was.
    """
    if len(word) < 4 or not word.isascii() or not word.isalpha():
        return word
    if word.endswith(("ies", "ied")):
        word = word[:-3] + "y"
    elif word.endswith("s") and word[-2] not in "siu":
        word = word[:-1]
    for ending in ("ing", "ed"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 1 and _VOWEL.search(stem):
            word = stem
            break
    word = word.removesuffix("e")
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word
