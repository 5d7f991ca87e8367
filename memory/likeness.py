"""When facts say the same, when one takes another's place, when a line only joins them. Pure.

English and Chinese. Where it is not clear, the answer is no: a fact too many costs a line, a fact
too few costs trust. Words are compared with their symbols: "C" and "C++" are not alike.
"""

import re
import unicodedata
from collections.abc import Sequence

Words = tuple[str, ...]

_CJK = "\u3005\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"
_PIECES = re.compile(rf"[{_CJK}]|[^\s{_CJK}]+")
_MARKS = ".,;:!?\"'()[]{}<>…。、“”‘’·~*_`"
_EMPTY = {"a", "an", "the", "really", "very", "很"}  # say nothing here
_HABITS = "like love live work use prefer hate speak play drink want need enjoy own eat read study"
_VERBS = {"am": "be", "is": "be", "are": "be", "has": "have"} | {
    f"{verb}s": verb for verb in _HABITS.split()
}
_SHORT = {"i'm": ("i", "be"), "i've": ("i", "have")}
_BETWEEN = {"and", "also", "i", "he", "she", "they", "和", "也", "还", "并", "且", "我", "他", "她"}


def words(text: str) -> Words:
    """What a text says, word by word; a CJK character is a word. Case, width, articles and
    punctuation at a word's ends do not matter."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    found: list[str] = []
    for piece in _PIECES.findall(plain):
        word = piece.strip(_MARKS)
        found.extend(_SHORT.get(word, (word,)) if word not in _EMPTY else ())
    return tuple(_VERBS.get(word, word) for word in found if word)


def key(text: str) -> Words:
    """The same for texts that say the same of the person: `I like tea.` and `likes tea`."""
    said = words(text)
    for own in (("我",), ("本", "人"), ("用", "户"), ("i",), ("user",)):
        if said[: len(own)] == own and len(said) > len(own):
            return said[len(own) :]
    return said


# --- what a person has one value of ---------------------------------------------------------------

_WHO = r"(?:(?:i|the user|user)\s+)?(?:(?:am|is)\s+)?(?:(?:now|currently)\s+)?"
_NOT = r"(?!(?:in|on|at|as|for|from|with|and|or|but|both|not|during|when|while|since|until|too)\b)"
_VALUE = rf"(?P<value>{_NOT}[^\s,;:.!?]+(?:\s+{_NOT}[^\s,;:.!?]+){{0,3}}?)(?:\s+now)?[.!]?"
_ME = r"(?:我|用户|本人)?(?:现在|目前|如今)?"
_THIS = r"(?P<value>[^\s,;:.!?。、和与跟或在但]{1,15}?)了?[.!。]?"
_SLOTS = tuple(
    (slot, re.compile(pattern, re.IGNORECASE))
    for slot, pattern in (
        ("home", rf"{_WHO}(?:live|lives|living|based) in\s+{_VALUE}"),
        ("home", rf"{_WHO}(?:moved|relocated) to\s+{_VALUE}"),
        ("home", rf"{_ME}(?:住在|搬到了?|搬去了?|定居在?){_THIS}"),
        ("name", rf"(?:(?:my|user's|the user's)\s+)?name(?:\s+is|:)\s*{_VALUE}"),
        ("name", rf"{_WHO}called\s+{_VALUE}"),
        ("name", rf"(?:我|用户|本人)?(?:叫做?|名叫|的?名字(?:是|叫|:)|姓名:){_THIS}"),
        ("work", rf"{_WHO}(?:work|works|working) (?:at|for)\s+{_VALUE}"),
        ("work", rf"{_ME}在{_THIS.removesuffix('了?[.!。]?')}(?:工作|上班|任职)[.!。]?"),
        ("occupation", rf"{_WHO}(?:work|works|working) as\s+(?:an?\s+)?{_VALUE}"),
        ("occupation", rf"{_ME}的?职业是{_THIS}"),
    )
)


def slot(text: str) -> tuple[str, Words] | None:
    """What a fact is about and its value, where a person has one: ("home", ("oslo",)) of "I live in
    Oslo". None for a line that says anything else besides, or says it of somebody else."""
    plain = unicodedata.normalize("NFKC", text).strip().replace("i'm ", "i am ")
    plain = re.sub(r"^I'm ", "I am ", plain)
    for name, pattern in _SLOTS:
        match = pattern.fullmatch(plain)
        if match:
            return name, words(match["value"])
    return None


def part_of(less: Words, more: Words) -> bool:
    """Whether a value is in another as it stands: Berlin in Berlin Mitte, 北京 in 北京朝阳."""
    size = len(less)
    return any(more[at : at + size] == less for at in range(len(more) - size + 1))


# --- lines made of facts --------------------------------------------------------------------------

MOST = 6  # facts of one line


def joins(line: str, texts: Sequence[str]) -> bool:
    """Whether a line is just these facts, one after the other in any order, each word for word.

    Only a beginning that all of them share may be said once, and "and" may stand between them. So
    no name, number, date or "not" can be lost, added, or moved to another fact.
    """
    facts = [key(text) for text in texts]
    if not 1 < len(facts) <= MOST or not all(facts):
        return False
    shared = 0
    while all(len(fact) > shared + 1 and fact[shared] == facts[0][shared] for fact in facts):
        shared += 1
    return _joined(key(line), facts, shared, first=True)


def _joined(said: Words, facts: Sequence[Words], shared: int, *, first: bool) -> bool:
    if not facts:
        return not said
    starts = [said]
    while not first and starts[-1] and starts[-1][0] in _BETWEEN:
        starts.append(starts[-1][1:])
    for number, fact in enumerate(facts):
        rest = [*facts[:number], *facts[number + 1 :]]
        for form in (fact,) if first else (fact, fact[shared:]):
            for start in starts:
                if start[: len(form)] == form and _joined(
                    start[len(form) :], rest, shared, first=False
                ):
                    return True
    return False
