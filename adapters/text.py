"""Markdown on its way to a chat: cut into messages, in a platform's dialect, without mass pings."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

SMALLEST = 100  # characters: an opening and a closing fence fit, and something between them
CLOSING = 16  # the most that closing a fence takes
BREAK = "\u200b"  # a zero-width space: takes a ping its meaning, and is not seen

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_OPENING = re.compile(
    r"(?P<lead>[ \t]{0,8}|[^`\n]*[^`\n\w])(?P<marks>`{3,6}|~{3,6})(?P<info>[^`\n]{0,60})"
)
_WORD = re.compile(r"[\w+#.-]{0,20}")
_PING = re.compile(r"(?<=@)(?=everyone|here|channel)|(?<=<)(?=!|@&)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fence:
    """A code block: `start` of its marks, code from `inner` to `end`, what follows from `after`."""

    start: int
    inner: int
    end: int
    after: int
    indent: str
    marks: str
    language: str
    closed: bool

    @property
    def opening(self) -> str:
        return f"{self.indent}{self.marks}{self.language}\n"

    @property
    def closing(self) -> str:
        return f"{self.indent}{self.marks}"


def harmless(markdown: str) -> str:
    """The same to the eye, but `@everyone`, `@here`, `@channel`, `<!…>` and roles ping nobody."""
    return _PING.sub(BREAK, markdown)


# ---- cutting -----------------------------------------------------------------------------------


def split(text: str, limit: int) -> list[str]:
    """Parts of at most `limit` characters, none of them empty; [] where there is nothing to say.

    Cut at paragraphs, else lines, sentences, words, and outside of code blocks where that does; a
    code block that is cut is closed, and opened again with its language in the next part.
    Raises ValueError for a limit below SMALLEST.
    """
    if limit < SMALLEST:
        raise ValueError(f"a limit of {limit} characters is too small: give {SMALLEST} or more")
    rest, parts = text.strip("\n"), []
    while len(rest) > limit or len(rest + _closing(rest)) > limit:
        head, rest = _cut(rest, limit)
        parts.append(head)
    return [part for part in [*parts, rest + _closing(rest)] if part.strip()]


def _cut(text: str, limit: int) -> tuple[str, str]:
    """What fits, and what is left; the rest is always shorter than the text was."""
    window = text[: limit + 1]
    fenced = "```" in window or "~~~" in window
    end, start = _boundary(text, limit - CLOSING if fenced else limit)
    head, rest = text[:end], text[start:]
    fence = _unclosed(head)
    if fence is not None and "\n" not in head[fence.start :]:  # its first line is cut itself
        if before := head[: fence.start].rstrip():
            return before, text[fence.start :]
        fence = None  # longer than a part: no language is
    if fence is None:
        return head.rstrip(), rest.lstrip("\n")
    inside = head[fence.inner :].strip()
    head = f"{head.rstrip()}\n{fence.closing}" if inside else head[: fence.start].rstrip()
    first, _, after = rest.partition("\n")
    if inside and first.strip() == fence.marks:
        return head, after.lstrip("\n")
    return head, fence.opening + rest


def _boundary(text: str, room: int) -> tuple[int, int]:
    """Where the head ends and where the rest begins: the best place within `room` characters."""
    window, fences = text[: room + 1], list(_fences(text[: room + 1]))
    least = fences[0].inner if fences and not window[: fences[0].start].strip() else 0
    atoms = [match.span() for match in _ATOM.finditer(text, 0, 2 * room)]
    for kind in _KINDS:
        for spot in _spots(kind, window, fences, atoms):
            if max(least, int(room * kind.fill)) < spot[0] <= room:
                return spot
    for spared in (atoms, []):  # a link is cut only where there is no other way
        for at in range(room, least, -1):
            if not (_inside(at, spared) or _joined(text, at)):
                return at, at
    return room, room


@dataclass(frozen=True, slots=True)
class _Kind:
    """A way to cut. Of the characters that it matches, only spaces and line breaks are left out."""

    pattern: re.Pattern[str]
    fill: float = 0.0  # how full a part has to be for this to be worth it
    outside: bool = False  # not within a code block


_HAN = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*(?=\S)|\n(?=[ \t]*(?:`{3}|~{3}))")
_SENTENCE = re.compile(r"[.!?…][\"'”’)\]]*(\s+)|[。！？；…]+[”’」』）]*()(?![。！？；…”’」』）])")
_BETWEEN = re.compile(rf"(\s+)|(?<=[{_HAN}，。！？；：、”’」』）》])(?=[{_HAN}“‘「『（《])")
_KINDS = (
    _Kind(_PARAGRAPH, 0.4, True),
    _Kind(re.compile(r"(\n)"), 0.4, True),
    _Kind(re.compile(r"(\n)"), 0.4),
    _Kind(_SENTENCE, 0.4),
    _Kind(_BETWEEN),
)
_ATOM = re.compile(  # what stays whole: links, escapes, inline code, a line that opens code
    r"<[^<>\n]+>|&\w+;|!?\[[^\[\]\n]{0,300}\]\([^)\n]*\)|(?:`{3,6}|~{3,6})[^`\n]{0,60}$|`[^`\n]+`",
    re.MULTILINE,
)


def _spots(
    kind: _Kind, window: str, fences: list[_Fence], atoms: list[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """Places of a kind, the last one first: end of the head, start of the rest."""
    for match in reversed(list(kind.pattern.finditer(window))):
        start = match.end()
        end = start - len(match[0]) + len(match[0].rstrip())
        coded = any(fence.start < end < fence.after - 1 for fence in fences)
        if not (_inside(end, atoms) or _joined(window, start) or (kind.outside and coded)):
            yield end, (end + 1 if coded and window[end] == "\n" else start)


def _inside(at: int, spans: list[tuple[int, int]]) -> bool:
    return any(start < at < end for start, end in spans)


def _joined(text: str, at: int) -> bool:
    """Would a cut before `at` tear apart what is one character to a reader?"""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if "\u200d" in (before, after) or (before, after) == ("\r", "\n"):
        return True
    if _is_flag(before) and _is_flag(after):
        run = at
        while run and _is_flag(text[run - 1]):
            run -= 1
        return (at - run) % 2 == 1
    high = "\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff"
    jamo = "\u1160" <= after <= "\u11ff"
    tone = "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f"
    return high or jamo or tone or unicodedata.category(after) in ("Mn", "Mc", "Me")


def _is_flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


# ---- code blocks -------------------------------------------------------------------------------


def _fences(text: str) -> Iterator[_Fence]:
    """The code blocks of a text, in order; one that is never closed goes to its end."""
    lines = [match.span() for match in _LINE.finditer(text)]
    number = 0
    while number < len(lines):
        start, inner = lines[number]
        number += 1
        opening = _opening(text[start:inner].rstrip("\n"))
        if opening is None:
            continue
        lead, marks, language = opening
        end = after = len(text)
        closed = False
        while number < len(lines) and not closed:
            begin, stop = lines[number]
            number += 1
            body = text[begin:stop].rstrip()
            if closed := body.endswith(marks):
                end, after = begin if body.strip() == marks else begin + len(body) - 3, stop
        indent = "" if lead.strip() else lead
        yield _Fence(
            start=start + len(lead), inner=inner, end=end, after=after, indent=indent,
            marks=marks, language=language, closed=closed,
        )  # fmt: skip


def _opening(line: str) -> tuple[str, str, str] | None:
    """Of a line that opens a code block: what stands before its marks, the marks, the language."""
    match = _OPENING.fullmatch(line)
    if match is None:
        return None
    lead, marks, info = match.groups()
    words = info.split()
    if lead.strip() and (marks[0] == "~" or info.strip() != "".join(words[:1])):
        return None
    first = words[0] if words else ""
    return lead, marks, first if _WORD.fullmatch(first) else ""


def _unclosed(text: str) -> _Fence | None:
    for fence in _fences(text):
        if not fence.closed:
            return fence
    return None


def _closing(text: str) -> str:
    """What has to follow so that no code block stays open."""
    fence = _unclosed(text)
    if fence is None:
        return ""
    return fence.closing if text.endswith("\n") else f"\n{fence.closing}"


# ---- Slack's dialect ---------------------------------------------------------------------------


def to_mrkdwn(markdown: str) -> str:
    """Markdown as Slack's mrkdwn. What is no formatting is escaped, so that nothing in it is a ping
    or a link unless it was a link before."""
    parts, done = [], 0
    for fence in _fences(markdown):
        parts.append(_prose(markdown[done : fence.start - len(fence.indent)]))
        code = _escape(markdown[fence.inner : fence.end].rstrip("\n"))
        tail = markdown[fence.end : fence.after]
        parts.append(f"```\n{code}\n```" + "\n" * tail.endswith("\n"))
        done = fence.after
    return harmless("".join([*parts, _prose(markdown[done:])]))


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(.+?)[ \t]*#*")
_BULLET = re.compile(r"([ \t]*)[-*+][ \t]+(.*)")
_QUOTE = re.compile(r" {0,3}(?:>[ \t]?)+(.*)")
_RULE = re.compile(r" {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})")
_BARS = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")


def _prose(markdown: str) -> str:
    """Whole lines without code blocks."""
    lines = markdown.split("\n")
    shown, number = [], 0
    while number < len(lines):
        rows = _table(lines[number:])
        shown.append(_drawn(rows) if rows else _line(lines[number]))
        number += len(rows) + 1 if rows else 1  # a table has a line of bars besides its rows
    return "\n".join(shown)


def _line(line: str) -> str:
    if _RULE.fullmatch(line):
        return "———"
    if match := _HEADING.fullmatch(line):
        return f"*{_inline(match[1], bold=True)}*"
    if match := _QUOTE.fullmatch(line):
        return f"> {_inline(match[1])}"
    if match := _BULLET.fullmatch(line):
        return f"{match[1]}• {_inline(match[2])}"
    return _inline(line)


_TARGET = r"<?(?P<url>(?:https?://|mailto:)(?:[^\s()<>]|\([^\s()<>]*\))+)>?(?:[ \t]+\"[^\"]*\")?"
_INLINE = re.compile(
    r"(?<!`)(?P<ticks>`{1,3})(?!`)(?P<code>[^\n]{1,999}?)(?<!`)(?P=ticks)(?!`)"
    rf"|!?\[(?P<label>[^\[\]\n]{{0,300}})\]\({_TARGET}\)"
    r"|<(?P<auto>(?:https?://|mailto:)[^\s<>|]+)>"
    r"|(?P<bare>https?://[^\s<>|]+)"
    r"|\\(?P<literal>[!-/:-@\[-`{-~])"
    r"|\*\*\*(?=\S)(?P<both>[^\n]{1,999}?)(?<=\S)\*\*\*"
    r"|\*\*(?=\S)(?P<bold>[^\n]{1,999}?)(?<=\S)\*\*(?!\*)"
    r"|(?<!\w)__(?=\S)(?P<bold2>[^\n]{1,999}?)(?<=\S)__(?!\w)"
    r"|~~(?=\S)(?P<gone>[^\n]{1,999}?)(?<=\S)~~"
    r"|(?<![*A-Za-z0-9])\*(?=[^\s*])(?P<slant>[^*\n]+?)(?<=\S)\*(?![*A-Za-z0-9])"
    r"|(?<!\w)_(?=[^\s_])(?P<slant2>[^_\n]+?)(?<=\S)_(?!\w)"
)


def _inline(text: str, *, bold: bool = False) -> str:
    """bold: it stands within bold words already."""
    shown, done = [], 0
    for match in _INLINE.finditer(text):
        shown.append(_escape(text[done : match.start()]))
        shown.append(_piece(match, bold))
        done = match.end()
    return "".join([*shown, _escape(text[done:])])


def _piece(match: re.Match[str], bold: bool) -> str:
    found = {name: value for name, value in match.groupdict().items() if value is not None}
    if "code" in found:
        return f"`{_escape(found['code'].strip())}`" if found["code"].strip() else match[0]
    if "url" in found:
        return _link(found["url"], found["label"])
    if "auto" in found:
        return _link(found["auto"], "")
    if "bare" in found or "literal" in found:
        return _escape(found.get("bare") or found["literal"])
    if "both" in found:
        inner = _inline(found["both"], bold=True)
        return _marked(match, f"_{inner}_" if bold else f"*_{inner}_*")
    if strong := found.get("bold") or found.get("bold2"):
        inner = _inline(strong, bold=True)
        return inner if bold else _marked(match, f"*{inner}*")
    if "gone" in found:
        return _marked(match, f"~{_inline(found['gone'], bold=bold)}~")
    return _marked(match, f"_{_inline(found.get('slant') or found['slant2'], bold=bold)}_")


def _link(url: str, label: str) -> str:
    shown = _escape(re.sub(r"[*_`~|]+", "", label).strip())
    return f"<{_escape(url).replace('|', '%7C')}{'|' * bool(shown)}{shown}>"


def _marked(match: re.Match[str], shown: str) -> str:
    """Slack formats only whole words: Chinese has no spaces around, so put unseen ones there."""
    text, start, end = match.string, match.start(), match.end()
    before, after = text[max(start - 1, 0) : start], text[end : end + 1]
    return f"{BREAK * _is_close(before)}{shown}{BREAK * _is_close(after)}"


def _is_close(char: str) -> bool:
    return char.isalnum() or not (char.isascii() or char.isspace())


# ---- tables ------------------------------------------------------------------------------------


def _table(lines: list[str]) -> list[list[str]]:
    """The rows of a table that these lines begin with, its head first; else []."""
    if len(lines) < 2 or "|" not in lines[0] or "|" not in lines[1]:
        return []
    if not _BARS.fullmatch(lines[1]):
        return []
    rows = [lines[0]]
    for line in lines[2:]:
        if "|" not in line:
            break
        rows.append(line)
    return [_cells(row) for row in rows]


def _cells(row: str) -> list[str]:
    bare = row.strip().removeprefix("|").removesuffix("|").replace("\\|", "\0")
    return [_plain(cell.replace("\0", "|").strip()) for cell in bare.split("|")]


def _plain(cell: str) -> str:
    """A cell without its formatting, which code does not show."""
    linked = re.sub(r"!?\[([^\]]*)\]\(([^)\s]*)\)", r"\1 (\2)", cell)
    return re.sub(r"\*\*|~~|`", "", linked)


def _drawn(rows: list[list[str]]) -> str:
    """Columns under each other, in a code block; Chinese characters are two wide."""
    count = max(len(row) for row in rows)
    full = [[*row, *[""] * (count - len(row))] for row in rows]
    wide = [max(_width(row[column]) for row in full) for column in range(count)]
    drawn = [
        "  ".join(cell + " " * (wide[at] - _width(cell)) for at, cell in enumerate(row)).rstrip()
        for row in full
    ]
    drawn.insert(1, "  ".join("-" * width for width in wide))
    return "```\n" + _escape("\n".join(drawn)).replace("```", "'''") + "\n```"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
