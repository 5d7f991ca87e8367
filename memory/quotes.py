"""Whether one text quotes another, word for word or nearly. Pure."""

import re
from urllib.parse import unquote_plus

from memory.words import query_terms, terms

NEAR = 0.75  # of a text's words
FEWEST = 4  # words of a text that can be quoted nearly: fewer are anybody's
SHORTEST = 8  # characters of a text that can be quoted exactly; 4 where they are Chinese
_SPACE = re.compile(r"[\s\W_]+")
_HAN = re.compile("[\u3400-\u9fff]")


def quotes(text: str, source: str) -> bool:
    """Whether `text` says what `source` says, in its words; as part of an address as well."""
    if "%" in text and (plain := unquote_plus(text)) != text:
        return quotes(plain, source) or quotes(text.replace("%", " "), source)
    said, wanted = bare(text), bare(source)
    enough = len(wanted) >= SHORTEST or len(_HAN.findall(wanted)) >= 4
    if enough and wanted in said:
        return True
    asked = set(query_terms(source))
    if len(asked) < FEWEST:
        return False
    return len(asked & set(terms(text))) / len(asked) >= NEAR


def bare(text: str) -> str:
    """Letters and digits alone: neither case, spaces nor marks make another quote of it."""
    return _SPACE.sub("", text.casefold())
