"""What was said is said otherwise, deleted, or forgotten: what was learned from it is retired.

Works on drafts and diffs, as memory/draft.py does. learned: all that has the message as its source,
and is there now, with the facts it superseded.
"""

from collections.abc import Sequence
from dataclasses import replace

from memory import core, recall
from memory.draft import Draft, clipped
from memory.secrets.mask import masked
from memory.types import Diff, Fact, Message, Passage

Learned = Sequence[Fact | Passage]


def revise(draft: Draft, message: Message, text: str, learned: Learned) -> None:
    """Give a message another text, "" if it was deleted. What that still says word for word stays
    learned."""
    draft.revised.append(replace(message, text=text))
    text += "\n" * bool(text) + masked(text)[0]  # as it was kept
    gone = [thing for thing in learned if thing.text not in text]
    diffs = _retired(draft, message, gone, learned)
    if diffs:
        draft.origin = replace(message.origin, source=message.seq)
        action = "message_edited" if text else "message_deleted"
        draft.note(action, "; ".join(clipped(thing.text, 30) for thing in gone), diffs)


def forget(draft: Draft, message: Message, learned: Learned) -> None:
    """Forget a message as if it had been deleted; unlike that, it can be undone. The journal has no
    word of it, so that it keeps none when the message goes for good."""
    draft.origin = replace(message.origin, source=message.seq)
    told = [f"- message #{message.seq}", *(clipped(thing.text, 30) for thing in learned)]
    diffs = _retired(draft, message, learned, learned)
    draft.note("forget", "; ".join(told), [hidden(message), *diffs])


def hidden(message: Message) -> Diff:
    """That a message is forgotten."""
    after = recall.remark(replace(message, forgotten=True))
    return Diff(before=recall.remark(message), after=after)


def _retired(draft: Draft, message: Message, gone: Learned, learned: Learned) -> list[Diff]:
    """What becomes of what was learned. A fact that took the place of another gives it back."""
    seqs = {thing.seq for thing in gone}
    diffs: list[Diff] = []
    for thing in gone:
        if isinstance(thing, Passage):
            diffs.append(Diff(before=thing, after=None))
        elif thing.state == "active":
            diffs.append(Diff(before=thing, after=core.ended(thing, "superseded", draft.at)))
    for thing in learned:
        unsaid = thing.origin.source == message.seq and thing in gone
        if isinstance(thing, Fact) and thing.superseded_by in seqs and not unsaid:
            diffs.append(Diff(before=thing, after=core.restored(thing)))
    return diffs
