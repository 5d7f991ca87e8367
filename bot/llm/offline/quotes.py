"""Finds what answers a question: among the facts in the system text, and in search results."""

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.llm.offline.rules import clauses, clean, compiled, slot_of
from bot.llm.offline.vocabulary import fold

_ALIKE = 0.6  # of the shorter text's terms: the same sentence, about the same thing
ENOUGH = 2  # the overlap from which a text is about the same thing: a word, or two characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A text that may be quoted. `label` is the block of a fact, empty for a search result."""

    text: str
    date: str = ""  # YYYY-MM-DD
    label: str = ""
    speaker: str = ""  # who said it, where it is a message


_BLOCK = re.compile(r'<block label="([^"]*)"[^>]*>\n?(.*?)\n?</block>', re.DOTALL)
_SHARED = re.compile(r"<workspace>\n[^\n]*\n(.*?)\n</workspace>", re.DOTALL)
_DATED = re.compile(r"\[(\d{4}-\d\d-\d\d)\] (.*)")
_RESULT = re.compile(r"\d+\. \[(\d{4}-\d\d-\d\d)[^\]]*\] (.*)")
_TAGS = re.compile(r" \(tags: [^()]*\)$")
_RECALLED = re.compile(r"\[(\d{4}-\d\d-\d\d)\] (?:archival memory|(.*?) said): (.*)")
IN_ROOM = re.compile(r" \(in [^()]*\)$")  # stands behind what was said elsewhere


def read_blocks(system: str) -> tuple[Line, ...]:
    """The facts of the memory blocks in a system text, in order: one a line, `<` escaped. What
    others let everybody know follows."""
    blocks = [*_BLOCK.findall(system), *(("workspace", body) for body in _SHARED.findall(system))]
    return tuple(
        _fact(label, raw) for label, body in blocks for raw in body.splitlines() if raw.strip()
    )


def _fact(label: str, raw: str) -> Line:
    dated = _DATED.fullmatch(raw)
    date, text = (dated[1], dated[2]) if dated else ("", raw)
    return Line(text=html.unescape(text), date=date, label=html.unescape(label))


def read_passages(text: str) -> tuple[Line, ...]:
    """The results of archival_memory_search."""
    found = (
        Line(text=_TAGS.sub("", words).removeprefix(f"{date}: "), date=date)
        for date, words in _results(text)
    )
    return tuple(line for line in found if line.text)


def read_messages(text: str) -> tuple[Line, ...]:
    """What people said among the results of conversation_search; not the assistant's words."""
    found = ((date, *words.partition(": ")[::2]) for date, words in _results(text))
    return tuple(
        Line(text=words, date=date, speaker=speaker)
        for date, speaker, words in found
        if speaker != "you" and words
    )


def read_recalled(text: str) -> tuple[Line, ...]:
    """What stands before the newest words, unasked (bot/recollect.py)."""
    found = [_RECALLED.fullmatch(html.unescape(raw)) for raw in text.splitlines()]
    lines = [(match[1], match[2] or "", match[3]) for match in found if match]
    return tuple(
        Line(text=words.removeprefix(f"{date}: "), date=date, speaker=speaker)
        for date, speaker, words in lines
    )


def _results(text: str) -> list[tuple[str, str]]:
    """(date, text) of each numbered result; lines that go on are indented."""
    found: list[tuple[str, str]] = []
    for raw in text.splitlines():
        start = _RESULT.fullmatch(raw)
        if start:
            found.append((start[1], start[2]))
        elif found and raw.startswith("   "):
            date, words = found[-1]
            found[-1] = (date, f"{words} {raw.strip()}")
    return found


# --- how much two texts have in common -----------------------------------------------------------

_STOP_LATIN = re.compile(
    r"(?:a|about|am|an|and|any|are|at|be|can|could|did|do|does|for|from|had|has|have|how|i|i'm|"
    r"if|in|is|it|know|me|mine|my|of|on|or|our|remember|said|say|should|so|tell|that|the|"
    r"their|there|they|this|to|told|us|was|we|were|what|when|where|which|who|whose|why|will|"
    r"with|would|you|your)"
)
_STOP_CHINESE = re.compile(
    "还记得|记得|知道|告诉|有没有|是不是|为什么|什么时候|时候|什么|怎么|哪[里儿个些]|多少|上次|之前|关于|提到|一下"
    "|我们|你们|他们|那个|这个|[我你您他她它们的了吗呢吧啊呀是在有和跟与也都就还过请说叫谁几]"
)  # fmt: skip
_LATIN = re.compile(r"[a-z0-9à-öø-ÿ]+(?:['.+#-]+[a-z0-9à-öø-ÿ]+)*[+#]*")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]+")
_SUFFIX = re.compile(r"(?<=..)(?:'s|ing|ed|es|s|e)$")


def terms(text: str) -> frozenset[str]:
    """What a text is about: Latin words without endings, Chinese characters and their pairs."""
    plain = fold(clean(text)).lower()
    words = {
        _SUFFIX.sub("", word) for word in _LATIN.findall(plain) if not _STOP_LATIN.fullmatch(word)
    }
    runs = _CJK.findall(_STOP_CHINESE.sub(" ", plain))
    pairs = {run[at : at + 2] for run in runs for at in range(len(run) - 1)}
    return frozenset(words | pairs | set("".join(runs)))


def overlap(asked: frozenset[str], text: str) -> int:
    """How much of what was asked is in a text. A short question that is all there is enough."""
    shared = asked & terms(text)
    weight = sum(1 if len(term) == 1 and not term.isascii() else 2 for term in shared)
    return max(weight, ENOUGH) if shared and shared == asked else weight


def same(first: str, second: str) -> bool:
    """Whether two texts say the same but for case, spaces and punctuation."""
    return bare(first) == bare(second)


def bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", fold(text)).casefold()


def outdated(line: Line, lines: Iterable[Line]) -> bool:
    """Whether a later one of the lines says nearly the same, with another value it seems, or a part
    of one does. What a person likes adds up."""
    return any(
        _replaces(new, old, own=other.speaker == line.speaker)
        for other in lines
        if other.date > line.date
        for new in (other.text, *clauses(other.text))
        for old in (line.text, *clauses(line.text))
    )


def _replaces(new: str, old: str, *, own: bool) -> bool:
    """own: both are from the same person."""
    slot = slot_of(old)
    if slot and own and slot == slot_of(new):
        return not same(new, old)
    now, then = terms(new), terms(old)
    least = min(len(now), len(then))
    alike = least > 1 and len(now & then) >= _ALIKE * least
    return alike and now != then and not _LIKED.search(fold(old))


# --- questions about the person, by kind ---------------------------------------------------------

_NAME = r"my name|i(?:'m| am) (?-i:[A-Z])|call me|named|名字|我[叫姓]|叫我|^姓?名"
_WORK = (
    r"\bi work|working (?:as|at|for|in)|my job|developer|engineer|programmer|designer|manager"
    r"|student|founder|^i(?:'m| am) an? |^i (?:joined|run|teach|lead|manage)\b"
    r"|(?:^我|^|,)是一?[名个位]|开发|工程师|程序员|设计师|[老教医律厨]师|医生|护士|会计|经理|学生"
    r"|工作|上班|职业|从事|负责|创业"
)
_HOME = (
    r"\bi (?:\w+ )?(?:live|moved|relocated)|\bbased in|\bliving in|\bfrom (?-i:[A-Z])"
    r"|住|搬到|搬去|来自|老家|在.{1,8}(?:工作|上班|做)|人$"
)
_AGE = r"years old|i(?:'m| am) \d|born|birthday|\d ?岁|出生|生于|生日"
_LIKES = (
    r"\b(?:like|love|enjoy|prefer|adore|favou?rite|hobb|hate|dislike)"
    r"|喜欢|爱[吃喝看玩听]|热爱|爱好|讨厌|偏好|感兴趣"
)

_LIKED = compiled(_LIKES)
# A question of the first kind is answered by facts of the second: "" by all there are.
TOPICS: tuple[tuple[str, str], ...] = (
    (r"what (?:else |all )?(?:do|did) you (?:know|remember)(?: about me)?\W*$", ""),
    (r"(?:everything|what) you (?:know|remember)(?: about me)?\W*$|what have i told you", ""),
    (r"remember me\b|(?:tell me )?about (?:me|myself)\W*$", ""),
    (r"(?:知道|记得|了解)(?:些|关于)?(?:我的?)?(?:什么|哪些|多少).{0,6}$", ""),
    (r"记得我[吗么]|介绍.{0,3}我|关于我(?:的|你|$|\W)", ""),
    (r"who(?: am i|.{0,12} i am)\b|我(?:到底)?是谁", f"{_NAME}|{_WORK}"),
    (r"my (?:full |first |last )?name\b|我的?(?:名字|叫什么|姓什么)|(?:怎么|如何)称呼我", _NAME),
    (r"what (?:do i|.{0,12}i) do\b|for a living|where (?:do i|i) work", _WORK),
    (r"my (?:job|work|profession|occupation|career)\b|我的?(?:工作|职业|职位)", _WORK),
    (r"我.{0,3}(?:做什么|干什么|做啥|干啥|什么工作)|我在哪.{0,3}(?:工作|上班)", _WORK),
    (r"where (?:do i|i|am i|i'm)(?: live| from| based)\b|where am i\W*$", _HOME),
    (r"(?:what|which) (?:city|town|country|place) (?:do i|am i)\b", _HOME),
    (r"我.{0,3}住|我.{0,2}在哪|我.{0,3}哪里?人", _HOME),
    (r"how old (?:am i|i am)|my age\b|我.{0,4}(?:多大|几岁)|我的?(?:年龄|年纪)", _AGE),
    (r"my birthday|when was i born|我的?生日|我.{0,4}出生", r"birthday|born|生日|出生|生于"),
    (r"what (?:do i|.{0,12}i) (?:like|love|enjoy|prefer|hate)\W*$", _LIKES),
    (r"my (?:likes|hobb|interests|preferences)|我的?(?:爱好|兴趣|偏好)", _LIKES),
    (r"我.{0,3}(?:喜欢|爱|讨厌).{0,2}(?:什么|啥|哪些)", _LIKES),
)
_TOPICS = tuple((compiled(asked), compiled(facts)) for asked, facts in TOPICS)
# Somebody else of the person's: a fact or question that is not about the person.
_OTHERS = compiled(r"我的?{亲友}|^(?:my|our) (?!name|{ATTRIBUTE}|job)")
_NOW = compiled(r"\b(?:now|nowadays|currently|these days|at the moment)\b|现在|目前|如今")
_KIN = compiled(r"我的?{亲友}")
_SHOWN = 5  # facts in one answer, unless all are asked for


def about(question: str, texts: Sequence[Line]) -> tuple[Line, ...]:
    """Those of the lines that answer a question, best first, newer before older."""
    asked = terms(question)
    scored = [(overlap(asked, line.text), line) for line in texts]
    kind = topic(question)
    if kind is not None:
        if not kind.pattern:
            return tuple(texts)
        chosen = [each for each in scored if _of_kind(kind, each[1].text)]
        if chosen:
            return _ranked(chosen)
    best = max((score for score, _ in scored), default=0)
    return _ranked([each for each in scored if each[0] >= max(ENOUGH, (best + 1) // 2)])


def of_now(question: str) -> bool:
    """Whether a question is for what holds now: then only what was said last may."""
    return bool(_NOW.search(fold(clean(question))))


def topic(question: str) -> re.Pattern[str] | None:
    """The pattern of the facts that a question about oneself asks for, if it asks for a kind."""
    seen = fold(clean(question))
    if _KIN.search(seen):
        return None
    return next((facts for asked, facts in _TOPICS if asked.search(seen)), None)


def _of_kind(kind: re.Pattern[str], text: str) -> bool:
    parts = [fold(part) for part in (text, *clauses(text))]
    return not _OTHERS.match(parts[0]) and any(kind.search(part) for part in parts)


def _ranked(scored: Iterable[tuple[int, Line]]) -> tuple[Line, ...]:
    newest = sorted(scored, key=lambda each: (each[0], each[1].date), reverse=True)
    return tuple(line for _, line in newest[:_SHOWN])
