"""Words of a question that nobody wrote so: the spellings of them that somebody did write.

One edit is mended: a letter too many, missing or wrong, or two swapped; the first letter only if
it is swapped or too many. Only words of Latin letters: in Chinese a wrong character is another
word, mostly one of the same sound, and the bigrams beside it still match.

The word index is shared by all agents, and its vocabulary with it. What others wrote must not
show in anybody's results, so the vocabulary only proposes: whether a word is misspelled, and which
spelling is meant, is judged by rows that the viewer may see and by nothing else.
"""

import json
import string
from collections.abc import Collection, Iterator, Mapping

from memory import audience
from memory.ports import Connection
from memory.shelf import SEQS
from memory.types import Shelf, Viewer
from memory.words import query_words, stem

SHORTEST, LONGEST = 4, 24  # letters of a word that is mended: to a shorter one all is near
_MOST = 8  # words of a question that are mended
_HEAD = 2  # letters by which the vocabulary is looked through
_ENOUGH = 256  # rows of a term that are looked at: more do not make it likelier


def mend(
    conn: Connection, kind: Shelf, number: int, viewer: Viewer, question: str
) -> dict[str, str]:
    """For each misspelled term of a question the one it most likely stands for.

    number: of the viewer's agent. A term is misspelled if it is in none of the agent's rows that
    the viewer may see. Terms that no such row has a spelling of are left out.

    On LoCoMo (782 questions, words only) with one edit in each question's rarest word recall at 10
    is .720 with this, .614 without; of the questions as they are .730 and .728. The two likeliest
    instead of one are worse.
    """
    asked = {term: word for term, word in query_words(question).items() if mendable(word)}
    known = _rows(conn, kind, number, viewer, asked, 1) if asked else {}
    mended = {}
    for term in [term for term in asked if term not in known][:_MOST]:
        spellings = alternatives(asked[term])
        written = spellings.intersection(_vocabulary(conn, kind, term, spellings))
        if rows := _rows(conn, kind, number, viewer, written, _ENOUGH):
            mended[term] = likeliest(term, rows)
    return mended


def mendable(word: str) -> bool:
    """Whether it is of Latin letters, neither so short nor so long that all is near it."""
    return SHORTEST <= len(word) <= LONGEST and word.isascii() and word.isalpha()


def alternatives(word: str) -> set[str]:
    """The terms of all spellings one edit away: about 50 for each letter."""
    return set(map(stem, _edits(word)))


def likeliest(term: str, rows: Mapping[str, int]) -> str:
    """Of terms and in how many rows each is, the one that is meant: what differs by swapped or
    doubled letters before the rest, then what is written most."""
    return min(rows, key=lambda word: (set(word) != set(term), -rows[word], word))


def _edits(word: str) -> Iterator[str]:
    for place in range(len(word)):
        head, rest = word[:place], word[place:]
        yield head + rest[1:]
        yield head + rest[1:2] + rest[:1] + rest[2:]
        if place:
            for letter in string.ascii_lowercase:
                yield head + letter + rest
                yield head + letter + rest[1:]
    for letter in string.ascii_lowercase:
        yield word + letter


def _vocabulary(conn: Connection, kind: Shelf, term: str, spellings: set[str]) -> list[str]:
    """The spellings that are written anywhere.

    A look-up in the vocabulary takes as long as the reading of ten terms in a row: those that
    begin as the term does are read in a row.
    """
    head = term[:_HEAD]
    alike = conn.all(
        f"SELECT term FROM {kind}_terms WHERE term >= :head AND term < :end",  # noqa: S608
        head=head,
        end=head[:-1] + chr(ord(head[-1]) + 1),
    )
    others = conn.all(
        f"SELECT term FROM {kind}_terms"  # noqa: S608
        " WHERE term IN (SELECT value FROM json_each(:others))",
        others=json.dumps([word for word in spellings if not word.startswith(head)]),
    )
    return [row["term"] for row in (*alike, *others)]


def _rows(
    conn: Connection,
    kind: Shelf,
    number: int,
    viewer: Viewer,
    words: Collection[str],
    most: int,
) -> dict[str, int]:
    """In how many rows that a viewer may see each word is, up to `most`; only words that are."""
    rows = conn.all(
        "SELECT word.value AS word, (SELECT count(*) FROM (SELECT 1 FROM"  # noqa: S608
        f" (SELECT rowid AS place FROM {kind}_words"
        f" WHERE {kind}_words MATCH '\"' || word.value || '\"'"
        " AND rowid BETWEEN :low AND :high LIMIT :enough) AS found"
        f" CROSS JOIN {kind} AS t ON t.agent_id = :v_agent AND t.seq = found.place - :low"
        f" WHERE {audience.visible('t')} LIMIT :most)) AS n FROM json_each(:words) AS word",
        words=json.dumps(list(words)),
        low=number * SEQS,
        high=number * SEQS + SEQS - 1,
        enough=_ENOUGH,
        most=most,
        **audience.params(viewer),
    )
    return {row["word"]: row["n"] for row in rows if row["n"]}
