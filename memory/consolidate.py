"""What a heartbeat does to core memory: merge, supersede, put away, join, learn. Pure policy.

Works on a draft, as memory/merge.py does, and makes one journal entry of it all. Nothing is ever
deleted: what leaves a block is superseded by a line that stays, or is a passage first. Pinned
facts, the persona, read-only blocks, and whatever a person brought back by an undo are left alone;
of the rest at most a quarter leaves a block in one run: of fewer than four facts, none.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from memory import core, likeness, merge, stale
from memory.audience import channel_of
from memory.draft import Draft, clipped
from memory.errors import MemoryFault
from memory.secrets.mask import masked
from memory.types import Block, Diff, Entry, Fact, Message, Mused

ACTOR = "heartbeat"
ACTION = "consolidate"
PERSONA = "persona"
SHARE = 4  # one in four of a block's unpinned facts may leave it in a run, and no more
FULL, TIDY = 0.85, 0.70  # of a block's limit: from where it is tidied, and how far
NEW = 5  # facts that one run may learn
SHORTEST, LONGEST = 2, 300  # characters of a fact that is learned
QUESTION = ("?", "\uff1f", "吗", "呢", "吗。", "呢。")
TOLD = 6  # changes that a summary tells of in words


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line that a model made of facts, by their numbers."""

    text: str
    of: tuple[int, ...]


class Run:
    """One heartbeat's work on a draft. `finish` is to be called last."""

    def __init__(
        self, draft: Draft, stale_after: timedelta, kept: frozenset[int] = frozenset()
    ) -> None:
        self.draft = draft
        self.stale_after = stale_after
        self.done: Counter[str] = Counter()
        self._kept = kept
        self._diffs: list[Diff] = []
        self._told: list[str] = []
        self._more: set[str] = set()  # blocks where something was left for the next run
        self._left = {block.label: share(block) for block in self.blocks()}

    def blocks(self) -> list[Block]:
        """The blocks that may be worked on, as they are by now."""
        return [
            block
            for block in self.draft.blocks.values()
            if block.label != PERSONA and not block.read_only
        ]

    def tidy(self) -> None:
        """What is done without a model."""
        for label in self._left:
            self._merge(label)
            self._supersede(label)
            self._put_away_stale(label)
            self._thin(label)

    # --- what says the same, and what contradicts -------------------------------------------------

    def _merge(self, label: str) -> None:
        """The older of two facts that say the same keeps its number, and is confirmed."""
        known: dict[object, Fact] = {}
        for fact in sorted(self._facts(label), key=lambda fact: (fact.learned_at, fact.seq)):
            same = (likeness.key(fact.text) or fact.seq, eyes(fact))
            known[same] = self._one_of(known[same], fact) if same in known else fact

    def _one_of(self, older: Fact, newer: Fact) -> Fact:
        stays, goes = (newer, older) if newer.pinned and not older.pinned else (older, newer)
        if not self._may_leave(goes):
            return stays
        self._end(goes, heir=stays)
        confirmed = replace(
            stays,
            confirmed_at=max(stays.confirmed_at, goes.confirmed_at, goes.learned_at),
            used_at=max(stays.used_at, goes.used_at),
        )
        self._put(stays, confirmed)
        self._tell("merged", f"{clipped(goes.text, 30)} = {clipped(stays.text, 30)}")
        return confirmed

    def _supersede(self, label: str) -> None:
        """Of two values where a person has one, that which was said last stands."""
        latest: dict[object, tuple[Fact, likeness.Words]] = {}
        for fact in sorted(self._facts(label), key=_affirmed):
            found = likeness.slot(fact.text)
            if found is None:
                continue
            what, value = (found[0], eyes(fact)), found[1]
            if what not in latest:
                latest[what] = (fact, value)
                continue
            old, before = latest[what]
            if likeness.part_of(value, before):  # nothing new, or less than was known
                latest[what] = (old if fact.pinned else self._one_of(old, fact), before)
                continue
            if self._may_leave(old):
                self._end(old, heir=fact)
                told = f"{clipped(old.text, 30)} -> {clipped(fact.text, 30)}"
                self._tell("superseded", told)
            latest[what] = (fact, value)

    # --- what is put away -------------------------------------------------------------------------

    def _put_away_stale(self, label: str) -> None:
        before = self.draft.at - self.stale_after
        for fact in sorted(self._facts(label), key=stale.usefulness):
            if stale.mattered(fact) <= before and self._may_leave(fact):
                self._put_away(fact)

    def _thin(self, label: str) -> None:
        """A block is tidied before it is full."""
        block = self.draft.blocks[label]
        if len(block.text) <= FULL * block.limit:
            return
        for fact in sorted(block.facts, key=stale.usefulness):
            if len(self.draft.blocks[label].text) <= TIDY * block.limit:
                return
            if self._may_leave(fact):
                self._put_away(fact)

    def _put_away(self, fact: Fact) -> None:
        """To archival memory first, then out of the block."""
        passage = merge.put_away(self.draft, fact, fact.origin)
        self._diffs.append(Diff(before=None, after=passage))
        self._gone(fact, core.ended(fact, "archived", self.draft.at))
        self._tell("put away", clipped(fact.text, 30))

    # --- what a model proposes --------------------------------------------------------------------

    def rewrite(self, lines: Sequence[Line]) -> bool:
        """Join facts as a model proposes. All of its lines are refused if one of them loses or adds
        anything. Returns whether they were taken, as far as the run's share goes."""
        facts = {fact.seq: fact for block in self.blocks() for fact in block.facts}
        named = [number for line in lines for number in line.of]
        chosen = [[facts[number] for number in line.of if number in facts] for line in lines]
        fair = len(named) == len(set(named)) and all(
            len(line.of) == len(some) and self._fair(line, some)
            for line, some in zip(lines, chosen, strict=True)
        )
        if not fair:
            self.done["refused"] += 1
            return False
        for line, some in zip(lines, chosen, strict=True):
            if len(some) > 1 and self._left[some[0].label] >= len(some):
                self._join(line, some)
        return True

    def _fair(self, line: Line, facts: Sequence[Fact]) -> bool:
        if len(facts) == 1:
            return line.text == facts[0].text  # it stays as it is
        return (
            len({(fact.label, eyes(fact)) for fact in facts}) == 1
            and len(core.lines_of(line.text)) == 1
            and len(line.text) <= len("\n".join(fact.text for fact in facts))
            and not any(fact.pinned or fact.seq in self._kept for fact in facts)
            and likeness.joins(line.text, [fact.text for fact in facts])
        )

    def _join(self, line: Line, facts: Sequence[Fact]) -> None:
        newest = max(facts, key=lambda fact: (fact.learned_at, fact.seq))
        joined = replace(
            newest,
            seq=self.draft.seq(),
            position=facts[0].position,
            text=line.text.strip(),
            confirmed_at=max(fact.confirmed_at for fact in facts),
            used_at=max(fact.used_at for fact in facts),
            valid_from=self.draft.at,
        )
        self._put(facts[0], joined)
        self._diffs[-1] = Diff(before=None, after=joined)
        for fact in facts:
            self._left[fact.label] -= 1
            self._end(fact, heir=joined)
        self._tell("joined", clipped(joined.text, 30))

    def learn(self, message: Message, quote: str, *, known: frozenset[int]) -> bool:
        """Keep what a person said in their own words, and nobody saved; whether that was done.

        known: the messages that memory was changed for already: what was forgotten since, or taken
        back, is not learned again.
        """
        text = quote.strip()
        block = self._block_of(message)
        if (
            block is None
            or message.tainted
            or message.role != "user"
            or message.seq in known
            or text not in message.text
            or not SHORTEST <= len(text) <= LONGEST
            or len(core.lines_of(text)) != 1
            or text.endswith(QUESTION)
            or likeness.key(text) in {likeness.key(fact.text) for fact in block.facts}
            or len(block.text) + 1 + len(text) > FULL * block.limit
            or self.done["learned"] >= NEW
        ):
            return False
        draft = self.draft
        draft.origin = replace(message.origin, source=message.seq)
        draft.said_at = message.at
        try:
            draft.append(block.label, text, action=ACTION)
        except MemoryFault:
            return False
        finally:
            draft.said_at = None
        self._diffs.extend(diff for entry in draft.entries for diff in entry.diffs)
        draft.entries.clear()
        self._tell("learned", clipped(masked(text)[0], 30))
        return True

    def _block_of(self, message: Message) -> Block | None:
        """The block about whoever said it."""
        if self.draft.agent.kind != "room":
            return next((block for block in self.blocks() if block.label == "human"), None)
        who = message.origin.person
        return next((b for b in self.blocks() if who is not None and b.person == who), None)

    # --- the end ----------------------------------------------------------------------------------

    def finish(self, *, read: bool = True) -> None:
        """Write it all down as one change, and when to come again. read: see Mused."""
        draft = self.draft
        draft.mused = Mused(again_at=self._again_at(), read=read)
        if not self._diffs:
            return
        counts = ", ".join(
            f"{count} {what}" for what, count in self.done.items() if what != "refused"
        )
        more = "; …" if len(self._told) > TOLD else ""
        draft.entries.append(
            Entry(
                seq=draft.seq(), at=draft.at, actor=ACTOR, action=ACTION, diffs=tuple(self._diffs),
                summary=f"{counts}: {'; '.join(self._told[:TOLD])}{more}",
            )
        )  # fmt: skip

    def _again_at(self) -> datetime | None:
        """When the next fact is stale, if nothing is said until then."""
        blocks = [block for block in self.blocks() if share(block)]  # the others are too small
        if any(block.label in self._more for block in blocks):
            return self.draft.at
        facts = (fact for block in blocks for fact in block.facts)
        due = (stale.mattered(fact) + self.stale_after for fact in facts if self._loose(fact))
        return min((max(at, self.draft.at) for at in due), default=None)

    # --- the parts --------------------------------------------------------------------------------

    def _facts(self, label: str) -> Iterator[Fact]:
        return iter(self.draft.blocks[label].facts)

    def _loose(self, fact: Fact) -> bool:
        return not fact.pinned and fact.seq not in self._kept

    def _may_leave(self, fact: Fact) -> bool:
        """Counts it as leaving, if it may."""
        if not self._loose(fact):
            return False
        if self._left[fact.label] == 0:
            self._more.add(fact.label)
            return False
        self._left[fact.label] -= 1
        return True

    def _end(self, fact: Fact, *, heir: Fact) -> None:
        self._gone(fact, core.ended(fact, "superseded", self.draft.at, heir.seq))

    def _gone(self, fact: Fact, after: Fact) -> None:
        block = self.draft.blocks[fact.label]
        self.draft.blocks[fact.label] = core.without(block, [fact])
        self._diffs.append(Diff(before=fact, after=after))

    def _put(self, fact: Fact, after: Fact) -> None:
        block = self.draft.blocks[fact.label]
        facts = tuple(after if line.seq == fact.seq else line for line in block.facts)
        self.draft.blocks[fact.label] = replace(block, facts=facts)
        self._diffs.append(Diff(before=fact, after=after))

    def _tell(self, what: str, words: str) -> None:
        self.done[what] += 1
        self._told.append(words)


def share(block: Block) -> int:
    """How many facts may leave a block in one run."""
    return sum(not fact.pinned for fact in block.facts) // SHARE


def eyes(fact: Fact) -> tuple[object, ...]:
    """Whose words a fact is, and who may see it: only where both are the same, facts are one."""
    origin = fact.origin
    where = {"person": "", "room": channel_of(origin.room), "workspace": origin.workspace}
    return (origin.audience, origin.person, where[origin.audience])


def _affirmed(fact: Fact) -> tuple[datetime, int]:
    """When a fact was last said."""
    return (max(fact.learned_at, fact.confirmed_at), fact.seq)
