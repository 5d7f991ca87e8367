"""Text to search terms: what the word index holds, and what a question asks of it.

The terms are made here and joined by spaces, so the index must take them as they are:

    CREATE VIRTUAL TABLE … USING fts5(words, content='', tokenize='ascii')

`ascii` splits at ASCII punctuation and blanks only, and a term has neither. `unicode61` would
split again by the Unicode tables of the day SQLite was built, and `porter` would stem what is
stemmed already, so that terms counted here and terms in the index would differ.

An index is told of what it held by the same terms: once this is released, whoever changes a text's
terms writes the word indexes anew in a migration.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

_MAX_QUESTION = 10_000  # characters of a question that are read
_MAX_TERMS = 64  # of a question
_MAX_LENGTH = 64  # characters of a word: longer ones are keys and blobs

# Scripts without blanks between words: Chinese, Japanese, Korean; Thai, Lao, Burmese, Khmer.
_CJK = (
    r"\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ecd\u1000-\u103f\u1780-\u17d3\u3005\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
    r"\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U000323af"
)
_PIECE = re.compile(f"[{_CJK}]")
_INDIC = r"\u0900-\u0963\u0966-\u0d7f"  # vowels that are written as marks belong to a word
_RUNS = re.compile(rf"([{_CJK}]+)|(?:[^\W_{_CJK}]|[{_INDIC}])+")
# Accents, and the vowels that Hebrew and Arabic mostly leave out.
_ACCENTS = re.compile(
    r"[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]+"
)
# Normalising takes the square of a run of combining marks; no word has thirty of them.
_NOISE = re.compile(r"[^\w\x00-\x7f]{31,}")
_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]+")
_VOWEL = re.compile(r"[aeiouy]")

# Words that say nothing about what is asked for. Question words belong here: keeping them costs
# five points of recall at 10 on LoCoMo.
_ENGLISH = """
    a about again all also am an and any anyone anything are aren as at be because been being but by
    can could couldn d did didn do does doesn doing done don for from had hadn has hasn have haven
    having he her hers him his how i if in into is isn it its just ll m may me might mine must my no
    nor not of on or our ours please re remember s shall she should shouldn so some someone
    something t tell than that the their theirs them then there these they this those to too us ve
    very was wasn we were weren what when where which who whom whose why will with would wouldn you
    your yours
"""
_STOP_WORDS = frozenset(_ENGLISH.split())
_STOP_CHARACTERS = frozenset(
    "的地得了着过吗呢吧啊呀哦嗯嘛么是在有和与跟或及就都也还又很太把被让给对从到于以为"
    "我你您他她它们咱这那哪谁什怎几个些请没不会能要想说"
)
# Chinese for the same, cut out of questions as wholes: of 多少 neither character is a stop word.
_ASKING = re.compile(
    "为什么|为啥|为何|干嘛|什么(?:时候|地方|样)?|啥|怎么(?:样|办|回事)?|怎样|如何|谁"
    "|哪[里儿个些种天年月位家样只条本款]?|有?多[少大久长远高快]|几[点岁个次号天位年月]"
    "|是否|是不是|有没有|会不会|能不能|可不可以|要不要|还?记得|请问|告诉我|知道"
)
# Stop words that are names or abbreviations, where they are written so and not with all around
# them. Any text may begin with "Will"; a question that does so asks for Will if it is "Will's".
_NAME = r"(?:Will|May|Don)\b(?!['’]t)"
_ABBREVIATION = r"(?<![A-Z]{2}[ ])\b(?:US|IT|WHO)\b(?![ ][A-Z]{2})"
_NAMES = re.compile(rf"\b{_NAME}|{_ABBREVIATION}", re.ASCII)
_NAMES_ASKED = re.compile(
    rf"(?:(?<=[^\s.!?][ ])|(?<=[{_CJK}])){_NAME}|\b{_NAME}(?=['’]s\b)|{_ABBREVIATION}", re.ASCII
)


def sanitise(text: str) -> str:
    """Text without NUL, other control characters (newline and tab stay) and lone surrogates.

    All that comes from outside goes through here once: SQLite cuts text at NUL, and a lone
    surrogate has no UTF-8. Everything else stays as it is.
    """
    return _UNWANTED.sub("", text)


def terms(text: str) -> list[str]:
    """The terms of a text in its order: stemmed words and numbers, CJK characters and bigrams."""
    return [term for term, _, _ in _terms(text, _NAMES)]


def index_text(text: str) -> str:
    """What the index holds for a text: its terms that are not stop words, joined by a space.

    No question asks for those; without them the index is half as large, and recall at 1 on LoCoMo
    .428 instead of .425.
    """
    return " ".join(term for term, _, stop in _terms(text, _NAMES) if not stop)


def query_terms(text: str) -> list[str]:
    """The terms that a question is asked with: no stop words or question words, each once, the
    first 64."""
    return list(query_words(text))


def query_words(text: str) -> dict[str, str]:
    """The terms of `query_terms`, each with the word that it is of."""
    kept: dict[str, str] = {}
    for term, word, stop in _terms(_ASKING.sub(" ", text[:_MAX_QUESTION]), _NAMES_ASKED):
        if not stop:
            kept.setdefault(term, word)
            if len(kept) == _MAX_TERMS:
                break
    return kept


def any_of(words: Iterable[str]) -> str | None:
    """An FTS5 MATCH expression that finds what has any of these terms; None for no terms."""
    return " OR ".join(f'"{term}"' for term in words) or None


def is_word(term: str) -> bool:
    """Whether a term is a word, and not one of the overlapping pieces of a text without blanks."""
    return _PIECE.match(term) is None


def _terms(text: str, names: re.Pattern[str]) -> Iterator[tuple[str, str, bool]]:
    """Each term, the word that it is of, and whether that is a stop word and no name."""
    named = {name.lower() for name in names.findall(text)}
    for run in _RUNS.finditer(_fold(text)):
        word = run[0]
        if run[1]:
            yield from _grams(word)
        else:
            yield stem(word[:_MAX_LENGTH]), word, word in _STOP_WORDS and word not in named


def _grams(run: str) -> Iterator[tuple[str, str, bool]]:
    """The characters of a CJK run, and its bigrams. A bigram of two stop characters is one too."""
    stops = [character in _STOP_CHARACTERS for character in run]
    for i, character in enumerate(run):
        yield character, character, stops[i]
        if i + 1 < len(run):
            yield run[i : i + 2], run[i : i + 2], stops[i] and stops[i + 1]


def _fold(text: str) -> str:
    """One spelling: width, ligatures, case and accents do not matter to a search."""
    if text.isascii():
        return text.lower()
    loose = unicodedata.normalize("NFKD", _NOISE.sub(" ", text)).casefold()
    bare = _ACCENTS.sub("", loose)
    return unicodedata.normalize("NFC", bare)


def stem(word: str) -> str:
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
        rest = word.removesuffix(ending)
        if rest != word and len(rest) > 1 and _VOWEL.search(rest):
            word = rest
            break
    word = word.removesuffix("e")
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word
