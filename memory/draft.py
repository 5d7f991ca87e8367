"""A draft: what one step or command does to memory, kept aside until it is committed whole.

The verbs of core and archival memory work here on a copy of the agent's blocks, number what they
make from the agent's own counter, and write down each change as a journal entry. The agent's
version at reading time goes with it, so a draft made on old memory is refused, not merged.
"""

import html
import re
from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from memory import audience, core, stale
from memory.archive import MAIN
from memory.errors import BadInput, LimitReached, NotFound, ReadOnly
from memory.secrets.mask import left_out, masked
from memory.types import (
    Agent,
    Ask,
    Audience,
    Block,
    Change,
    Claim,
    Diff,
    Entry,
    Fact,
    Message,
    Mused,
    Origin,
    Passage,
    Reply,
    Spending,
    Summary,
    now,
)
from memory.words import sanitise

DATED = re.compile(r"^\[\d{4}-\d\d-\d\d\] ", re.MULTILINE)  # as the context shows a fact's age
SHOWN = 60  # characters of a text in a summary line


def clipped(text: str, limit: int = SHOWN) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


@dataclass(kw_only=True)
class Draft:
    """A working copy of one agent's memory, and the change it amounts to."""

    agent: Agent
    blocks: dict[str, Block]
    at: datetime = field(default_factory=now)
    said_at: datetime | None = None  # when the words were said that memory learns from
    actor: str = "agent"
    origin: Origin = field(default_factory=Origin)
    messages: list[Message] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    summary: Summary | None = None
    revised: list[Message] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    usage: Spending | None = None
    mused: Mused | None = None
    last_seq: int = -1
    untold: list[str] = field(default_factory=list)  # kinds of secrets that were left out

    def __post_init__(self) -> None:
        if self.last_seq < 0:
            self.last_seq = self.agent.last_seq

    @classmethod
    def of(cls, agent: Agent, blocks: Sequence[Block], **more: object) -> "Draft":
        draft = cls(
            agent=agent,
            blocks={block.label: block for block in blocks},
            origin=audience.own(agent),
        )
        for name, value in more.items():
            setattr(draft, name, value)
        return draft

    @property
    def speaker(self) -> str:
        """The section that "human" means: in a room, the one of whoever speaks."""
        for block in self.blocks.values():
            if block.person is not None and block.person == self.origin.person:
                return block.label
        return "human"

    @property
    def _when(self) -> datetime:
        return self.said_at or self.at

    def seq(self) -> int:
        """The next number of the agent."""
        self.last_seq += 1
        return self.last_seq

    def change(self, *, claim: Claim | None = None, done: bool = False) -> Change:
        return Change(
            agent=self.agent.id,
            version=self.agent.version,
            last_seq=self.last_seq,
            messages=tuple(self.messages),
            entries=tuple(self.entries),
            replies=tuple(self.replies),
            asks=tuple(self.asks),
            summary=self.summary,
            revised=tuple(self.revised),
            used=tuple(sorted(self.used)),
            usage=self.usage,
            mused=self.mused,
            at=self.at,
            claim=claim,
            done=done,
        )

    def kept(self, text: str) -> str:
        """The text as memory keeps it: secrets are masked, and noted."""
        text, kinds = masked(text)
        self.untold.extend(kinds)
        return text

    def told(self, said: str) -> str:
        """A sentence, and the secrets that were left out since the last one."""
        kinds, self.untold = self.untold, []
        return said + left_out(kinds)

    # --- core memory ---

    def block(self, label: str) -> Block:
        """The block, for writing. Raises NotFound, naming the blocks there are, or ReadOnly."""
        block = self.blocks.get(label)
        if block is None:
            there = ", ".join(self.blocks) or "none"
            raise NotFound(f"There is no section '{label}' in core memory. Sections: {there}.")
        if block.read_only:
            raise ReadOnly(f"The section '{label}' is read-only and cannot be edited.")
        return block

    def append(self, label: str, content: str, *, action: str = "core_memory_append") -> str:
        """Add lines to a block; a line that is there already is confirmed instead.

        A full block first moves its least useful facts to archival memory. Raises LimitReached
        where even that makes no room, BadInput for an empty text.
        """
        block = self.block(label)
        known = {fact.text: fact for fact in block.facts}
        lines = [_as_known(line, known) for line in core.lines_of(self.kept(sanitise(content)))]
        if not lines:
            raise BadInput("There is nothing to save: the content is empty.")
        again = [known[line] for line in dict.fromkeys(lines) if line in known]
        fresh = [line for line in dict.fromkeys(lines) if line not in known]
        diffs: list[Diff] = []
        block, confirmed = self._confirmed(block, again)
        diffs.extend(confirmed)
        if fresh:
            block, moved = self._with_room(block, "\n".join(fresh))
            diffs.extend(moved)
            text = "\n".join([*(fact.text for fact in block.facts), *fresh])
            block, added = self._rewrite(block, text)
            diffs.extend(added)
        self.blocks[label] = block
        put_away = [diff.before for diff in diffs if diff.after and _archived(diff)]
        verb = "+" if fresh else "="
        said = f"{label}: {verb} {clipped(' / '.join(fresh or lines))}"
        if put_away:
            said += f" ({len(put_away)} older put away)"
        self.note(action, said, diffs)
        return self.told(self._appended(label, fresh, len(put_away)))

    @staticmethod
    def _appended(label: str, fresh: list[str], put_away: int) -> str:
        if not fresh:
            return f"Already known: '{label}' holds this. It was confirmed."
        told = f"Saved to '{label}'."
        if put_away:
            told += (
                f" The section was full: its {put_away} least useful facts were moved to archival"
                " memory, where archival_memory_search finds them."
            )
        return told

    def replace(
        self, label: str, old: str, new: str, *, action: str = "core_memory_replace"
    ) -> str:
        """Replace a text that occurs once in a block; an empty `new` deletes it.

        Raises NotFound on a miss or on several hits, saying what the block holds.
        """
        block = self.block(label)
        given, new = old, DATED.sub("", self.kept(sanitise(new)))
        old = self._found(block, given)
        if not any(old in text for text in (given, DATED.sub("", given))):
            new = html.unescape(new)  # as the old text was: both were copied from the context
        text, found = block.text.replace(old, new, 1), len(self.untold)
        after, diffs = self._rewrite(block, text)
        if not diffs:
            raise BadInput("Nothing would change: old and new text are the same.")
        if len(after.text) > after.limit:
            raise LimitReached(
                f"'{label}' may hold {block.limit} characters and would have {len(after.text)}."
                " Make the new text shorter, or use archival_memory_insert."
            )
        self.blocks[label] = after
        kind = "~" if core.lines_of(new) else "-"
        shown = clipped(new) if len(self.untold) == found else "…"  # a secret, where it now stands
        self.note(action, f"{label}: {kind} {clipped(old)} -> {shown}", diffs)
        done = "Changed in" if core.lines_of(new) else "Removed from"
        return self.told(f"{done} '{label}'.")

    @staticmethod
    def _found(block: Block, old: str) -> str:
        bare = DATED.sub("", old).strip()
        as_kept = masked(html.unescape(bare))[0]  # where the old text is what was said
        for candidate in dict.fromkeys((old, old.strip(), bare, html.unescape(bare), as_kept)):
            hits = block.text.count(candidate) if candidate else 0
            if hits == 1:
                return candidate
            if hits > 1:
                raise NotFound(
                    f"'{candidate}' occurs {hits} times in '{block.label}'. Give more of the text,"
                    f" so that it fits once. The section holds:\n{block.text}"
                )
        holds = block.text or "(nothing)"
        raise NotFound(f"'{old}' is not in '{block.label}'. The section holds:\n{holds}")

    def edit(self, fact: Fact, text: str, *, action: str) -> None:
        """Give a fact another text, or remove it with an empty one: a person's own hand."""
        block, text = self.blocks[fact.label], self.kept(text)
        lines = [text if line.seq == fact.seq else line.text for line in block.facts]
        after, diffs = self._rewrite(block, "\n".join(lines))
        if not diffs:
            raise BadInput("Nothing would change: the new text is the same.")
        if len(after.text) > after.limit:
            raise LimitReached(f"'{fact.label}' may hold {block.limit} characters.")
        self.blocks[fact.label] = after
        told = f"~ {clipped(fact.text)} -> {clipped(text)}" if text else f"- {clipped(fact.text)}"
        self.note(action, f"{fact.label}: {told}", diffs)

    def forget(self, facts: Sequence[Fact], *, action: str) -> None:
        """Remove facts, as one change."""
        diffs = []
        for fact in facts:
            gone = core.ended(fact, "removed", self.at)
            self.blocks[fact.label] = core.without(self.blocks[fact.label], [fact])
            diffs.append(Diff(before=fact, after=gone))
        told = "; ".join(clipped(fact.text, 30) for fact in facts[:3])
        more = f" and {len(facts) - 3} more" if len(facts) > 3 else ""
        self.note(action, f"- {told}{more}", diffs)

    def pin(self, fact: Fact, *, pinned: bool, action: str | None = None) -> None:
        after = replace(fact, pinned=pinned)
        self._put(after)
        verb = "pin" if pinned else "unpin"
        said = f"{fact.label}: {verb}ned {clipped(fact.text)}"
        self.note(action or verb, said, [Diff(before=fact, after=after)])

    def share(self, fact: Fact, *, shared: bool) -> None:
        """Let a fact be known in the workspace of this draft's origin; or only where it was
        said."""
        narrow: Audience = "room" if self.agent.kind == "room" else "person"
        workspace = self.origin.workspace if shared else fact.origin.workspace
        origin = replace(
            fact.origin, audience="workspace" if shared else narrow, workspace=workspace
        )
        after = replace(fact, origin=origin)
        self._put(after)
        verb = "share" if shared else "unshare"
        said = f"{fact.label}: {verb}d {clipped(fact.text)}"
        self.note(verb, said, [Diff(before=fact, after=after)])

    def rewrite(self, label: str, text: str, *, action: str) -> None:
        """Give a block another text as a whole; lines that stay keep their history. Pinned ones
        that stay, stay pinned. Raises NotFound, ReadOnly, LimitReached, BadInput."""
        block, text = self.block(label), self.kept(text)
        after, diffs = self._rewrite(block, "\n".join(core.lines_of(text)))
        if not diffs:
            raise BadInput("Nothing would change: the text is the same.")
        if len(after.text) > after.limit:
            raise LimitReached(f"'{label}' may hold {block.limit} characters.")
        self.blocks[label] = after
        self.note(action, f"{label}: ~ {clipped(text)}", diffs)

    def _put(self, fact: Fact) -> None:
        """Put a fact in the place of the one with its number."""
        block = self.blocks[fact.label]
        facts = tuple(fact if line.seq == fact.seq else line for line in block.facts)
        self.blocks[fact.label] = replace(block, facts=facts)

    def _confirmed(self, block: Block, facts: Sequence[Fact]) -> tuple[Block, list[Diff]]:
        after = {fact.seq: replace(fact, confirmed_at=self._when) for fact in facts}
        lines = tuple(after.get(fact.seq, fact) for fact in block.facts)
        return replace(block, facts=lines), [Diff(before=f, after=after[f.seq]) for f in facts]

    def _rewrite(self, block: Block, text: str) -> tuple[Block, list[Diff]]:
        there = {fact.text for fact in block.facts}
        lines = [line if line in there else self.kept(line) for line in core.lines_of(text)]
        text = "\n".join(lines)
        return core.rewritten(block, text, at=self._when, origin=self.origin, seq=self.seq)

    def _with_room(self, block: Block, fresh: str) -> tuple[Block, list[Diff]]:
        """The block with room for `fresh`: archived first, then removed, in this one change."""
        needed = len(block.text) + bool(block.facts) + len(fresh) - block.limit
        if needed <= 0:
            return block, []
        chosen = stale.to_put_away(block.facts, needed)
        if not chosen:
            raise LimitReached(
                f"'{block.label}' may hold {block.limit} characters; this text has {len(fresh)} and"
                " does not fit, even if older facts are put away. Shorten it, or use"
                " archival_memory_insert."
            )
        diffs = []
        for fact in chosen:
            diffs.append(Diff(before=None, after=self._passage_of(fact)))
            diffs.append(Diff(before=fact, after=core.ended(fact, "archived", self._when)))
        return core.without(block, chosen), diffs

    def _passage_of(self, fact: Fact) -> Passage:
        return Passage(
            seq=self.seq(), archive=MAIN, text=masked(fact.text)[0], at=fact.learned_at,
            origin=fact.origin, tags=("core", fact.label),
        )  # fmt: skip

    # --- archival memory ---

    def insert(
        self, content: str, tags: Sequence[str] = (), *, action: str = "archival_memory_insert"
    ) -> str:
        """Add a passage to archival memory."""
        text = self.kept(sanitise(content)).strip()
        if not text:
            raise BadInput("There is nothing to save: the content is empty.")
        names = (self.kept(sanitise(tag)).strip() for tag in tags)
        passage = Passage(
            seq=self.seq(), archive=MAIN, text=text, at=self._when, origin=self.origin,
            tags=tuple(dict.fromkeys(name for name in names if name)),
        )  # fmt: skip
        self.note(action, f"archive: + {clipped(text)}", [Diff(before=None, after=passage)])
        return self.told("Saved to archival memory.")

    def remove(self, passage: Passage, *, action: str, more: Sequence[Diff] = ()) -> None:
        """Take a passage out of archival memory. It must be there at this draft's version."""
        said = f"archive: - {clipped(passage.text)}"
        self.note(action, said, [Diff(before=passage, after=None), *more])

    def note(self, action: str, summary: str, diffs: Sequence[Diff]) -> None:
        """Write a change down, for the journal."""
        self.entries.append(
            Entry(
                seq=self.seq(),
                at=self.at,
                actor=self.actor,
                action=action,
                summary=summary,
                source=self.origin.source,
                diffs=tuple(diffs),
            )
        )


def _as_known(line: str, known: Container[str]) -> str:
    """A line without the date that the context puts before it, where it is a fact without it."""
    bare = DATED.sub("", line)
    return bare if bare in known else line


def _archived(diff: Diff) -> bool:
    return isinstance(diff.after, Fact) and diff.after.state == "archived"
