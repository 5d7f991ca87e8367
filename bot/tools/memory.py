"""The memory tools, with the names that readers of MemGPT know."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Protocol

from bot.errors import ToolError
from bot.tools.base import AnyTool, ToolContext, tool
from bot.tools.own_words import own_words
from memory.draft import Draft
from memory.types import Fact, Filters, Hit, Shelf, Viewer
from memory.words import sanitise

PAGE = 10  # results of a page
ELSEWHERE = "From rooms that this person can read:"


class Finder(Protocol):
    """What the searching tools ask of memory."""

    async def find(
        self,
        viewer: Viewer,
        shelf: Shelf,
        query: str,
        *,
        page: int,
        size: int,
        filters: Filters = ...,
    ) -> tuple[list[Hit], int]:
        """The hits of a page, best first, and how many there are in all."""
        ...

    async def between(
        self, viewer: Viewer, start: datetime, end: datetime, *, page: int, size: int
    ) -> tuple[list[Hit], int]: ...

    async def elsewhere(self, viewer: Viewer, shelf: Shelf, query: str, size: int) -> list[Hit]:
        """What other rooms have, that the viewer can read; each hit names its room."""
        ...

    async def known_elsewhere(
        self, viewer: Viewer, query: str, size: int
    ) -> list[tuple[str, Fact]]:
        """Facts of those rooms, each with the name of its room."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext(ToolContext):
    """What the tools of a step work on."""

    draft: Draft
    finder: Finder
    viewer: Viewer  # whoever will read the answer
    zone: tzinfo
    heard: str = ""  # what the person said in this turn
    speaker: str = "human"  # the section that is about them
    said: list[str] = field(default_factory=list)  # what send_message was given


@tool(kind="send")
async def send_message(message: str, context: StepContext) -> str:
    """Send a message to the person. Only what you send here, or plain text without any tool call,
    is seen by them.

    Args:
        message: What to say, in the person's language.
    """
    text = sanitise(message).strip()
    if not text:
        raise ToolError("The message is empty. Say something, or do not call send_message.")
    context.said.append(text)
    return "Sent."


@tool(kind="write", aliases={"label": "section"})
async def core_memory_append(section: str, content: str, context: StepContext) -> str:
    """Add a fact to core memory, which is always in view. Keep the person's own words.

    Args:
        section: The section to add to: "human" for the person, "persona" for yourself, or another.
        content: The fact, copied from what the person said, in their language; one to a line.
    """
    section = _meant(section, context)
    if section.startswith("human"):
        content = own_words(content, context.heard)
    return context.draft.append(section, content)


@tool(kind="write", aliases={"label": "section"})
async def core_memory_replace(
    section: str, old_content: str, new_content: str, context: StepContext
) -> str:
    """Replace a text in core memory, or delete it with an empty new_content.

    Args:
        section: The section that holds it.
        old_content: The text as it stands there, to the letter. It must occur once.
        new_content: What to put in its place.
    """
    return context.draft.replace(_meant(section, context), old_content, new_content)


def _meant(section: str, context: StepContext) -> str:
    """In a room, "human" is the person who spoke last."""
    return context.speaker if section == "human" else section


@tool(kind="write")
async def archival_memory_insert(
    content: str, context: StepContext, tags: list[str] | None = None
) -> str:
    """Put something into archival memory, which has no limit: events, decisions, details.

    Args:
        content: What to keep. Name who, what and when, so that it can be understood alone.
        tags: Words to find it by.
    """
    return context.draft.insert(content, tags or ())


@tool(kind="look")
async def archival_memory_search(
    query: str, context: StepContext, page: int = 0, tags: list[str] | None = None
) -> str:
    """Search archival memory, by words and by meaning.

    Args:
        query: What to look for.
        page: Which page of results, from 0.
        tags: Only entries that carry all of these tags.
    """
    hits, total = await context.finder.find(
        context.viewer, "passages", query, page=_page(page), size=PAGE,
        filters=Filters(tags=tuple(tags or ())),
    )  # fmt: skip
    found = listed(hits, total, page, context.zone)
    return found if page or tags else await _and_elsewhere(found, "passages", query, context)


@tool(kind="look")
async def conversation_search(query: str, context: StepContext, page: int = 0) -> str:
    """Search everything that was said in this agent's conversations, by words and by meaning.

    Args:
        query: What to look for.
        page: Which page of results, from 0.
    """
    hits, total = await context.finder.find(
        context.viewer, "messages", query, page=_page(page), size=PAGE
    )
    found = listed(hits, total, page, context.zone)
    return found if page else await _and_elsewhere(found, "messages", query, context)


@tool(kind="look")
async def conversation_search_date(
    start_date: str, end_date: str, context: StepContext, page: int = 0
) -> str:
    """List what was said between two days, both included.

    Args:
        start_date: The first day, as YYYY-MM-DD.
        end_date: The last day, as YYYY-MM-DD.
        page: Which page of results, from 0.
    """
    first, last = _day("start_date", start_date), _day("end_date", end_date)
    if last < first:
        raise ToolError(f"end_date {end_date} is before start_date {start_date}. Swap them.")
    hits, total = await context.finder.between(
        context.viewer,
        datetime.combine(first, time(), context.zone),
        datetime.combine(last + timedelta(days=1), time(), context.zone),
        page=_page(page),
        size=PAGE,
    )
    return listed(hits, total, page, context.zone)


async def _and_elsewhere(found: str, shelf: Shelf, query: str, context: StepContext) -> str:
    """Results, and what else all readers of the answer may know."""
    lines: list[str] = []
    if shelf == "passages":
        known = await context.finder.known_elsewhere(context.viewer, query, PAGE)
        lines.extend(
            f"[{fact.learned_at.astimezone(context.zone):%Y-%m-%d %H:%M}] {clip(fact.text)}"
            f" (in {room}, {fact.label})"
            for room, fact in known
        )
    hits = await context.finder.elsewhere(context.viewer, shelf, query, PAGE)
    lines.extend(f"{_line(hit, context.zone)} (in {hit.agent})" for hit in hits)
    numbered = [f"{number}. {line}" for number, line in enumerate(lines, start=1)]
    return "\n".join([found, "", ELSEWHERE, *numbered]) if lines else found


def _page(page: int) -> int:
    if page < 0:
        raise ToolError(f"page must be 0 or more, not {page}.")
    return page


def _day(name: str, text: str) -> date:
    try:
        day = datetime.fromisoformat(text.strip()).date()
    except ValueError:
        raise ToolError(f"{name} must be a day as YYYY-MM-DD, not {text!r}.") from None
    if not 2 <= day.year <= 9998:
        raise ToolError(f"{name} is out of range: {text!r}.")
    return day


def listed(hits: Sequence[Hit], total: int, page: int, zone: tzinfo) -> str:
    """Search results as a model reads them."""
    if not hits:
        return f"No results on page {page}: there are {total}." if total else "No results."
    lines = [f"{len(hits)} of {total} results, page {page}"]
    for number, hit in enumerate(hits, start=page * PAGE + 1):
        lines.append(f"{number}. {_line(hit, zone)}")
    return "\n".join(lines)


def _line(hit: Hit, zone: tzinfo) -> str:
    speaker = f"{hit.speaker}: " if hit.speaker else ""
    tags = f" (tags: {', '.join(hit.tags)})" if hit.tags else ""
    text = "\n   ".join(clip(hit.text).splitlines())
    stamp = hit.at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    return f"[{stamp}] {speaker}{text}{tags}"


HIT_LIMIT = 800  # characters of one result


def clip(text: str) -> str:
    return text if len(text) <= HIT_LIMIT else f"{text[:HIT_LIMIT]}…"


TOOLS: tuple[AnyTool, ...] = (
    send_message,
    core_memory_append,
    core_memory_replace,
    archival_memory_insert,
    archival_memory_search,
    conversation_search,
    conversation_search_date,
)
READING = frozenset(each.name for each in TOOLS if each.kind != "write")  # change nothing
