"""The last look before words leave: what a room may not know is held, and its owner is asked; what
claims to have saved something must have done so."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot import phrases
from bot.claims import claims_saved
from bot.decide import Heard, asked_in, failed, words_of
from bot.tools.memory import READING
from memory.draft import Draft
from memory.quotes import quotes
from memory.secrets.mask import told_left_out
from memory.store import Store
from memory.types import Ask, Claim, Message, View

LEFT_OUT = "(left out: it is private)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What may be said, and the private words that were found in the rest."""

    spoken: list[str]
    private: tuple[str, ...] = ()


class Outbound:
    """Compares replies with what their readers may not know.

    What an agent saw itself was seen by the same rule, so it is only a tool, or a model that has a
    memory of its own, from which such words can come.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def check(
        self, claim: Claim, view: View, draft: Draft, turn: Sequence[Message], spoken: list[str]
    ) -> Checked:
        """Replies that quote something private become a sentence; whoever it belongs to is asked,
        if it is them who asked. Nobody else learns whose it was, or what."""
        known = "\n".join(known_there(view, turn))
        said: list[str] = []
        private: list[str] = []
        # One message may say the first half, and the next the rest.
        whole = "\n".join([*(row.text for row in turn if row.role == "assistant"), *spoken])
        hits = [
            (person, text)
            for person, text in (await self._store.private(view.viewer, whole) if spoken else ())
            if quotes(whole, text) and not quotes(known, text)
        ]
        for words in spoken:
            found = [
                (person, text)
                for person, text in hits
                if quotes(words, text) or not any(quotes(one, text) for one in spoken)
            ]
            if not found:
                said.append(words)
                continue
            private.extend(text for _, text in found)
            mine = draft.origin.person is not None and await self._all_of(draft, found)
            if mine:
                draft.asks.append(_ask(claim, draft, words))
            said.append(phrases.say("held" if mine else "private", words))
        draft.revised.extend(
            replace(row, text=LEFT_OUT)
            for row in turn
            if row.role == "tool" and any(quotes(row.text, text) for text in private)
        )
        return Checked(spoken=said, private=tuple(private))

    async def _all_of(self, draft: Draft, found: Sequence[tuple[str | None, str]]) -> bool:
        """Whether all of it is from the one who asks, under any of their accounts."""
        own = await self._store.accounts(str(draft.origin.person))
        return all(person in own for person, _ in found)


def known_there(view: View, turn: Sequence[Message]) -> list[str]:
    """What the readers of a place know anyway. What tools said there they did not see."""
    return [
        *(block.text for block in view.blocks),
        *(fact.text for _, fact in view.shared),
        *(row.text for row in view.history if row.role != "tool"),
        *(row.text for row in turn if row.role != "tool"),
    ]


def _ask(claim: Claim, draft: Draft, words: str) -> Ask:
    last: Any = claim.items[-1].payload
    return Ask(
        id=draft.seq(),
        kind="reply",
        person=str(draft.origin.person),
        target={"address": last["address"], "user": last["user"]},
        payload={"text": words},
        at=draft.at,
    )


def without(heard: Heard, private: Sequence[str]) -> Heard:
    """A step's answer as it may be kept in the history of that room."""
    if not private:
        return heard
    kept = replace(heard.completion, text="", thoughts=LEFT_OUT, calls=heard.completion.calls)
    results = [
        replace(one, text=LEFT_OUT) if any(quotes(one.text, text) for text in private) else one
        for one in heard.results
    ]
    return replace(heard, completion=kept, results=results)


def honest(words: str, turn: Sequence[Message], heard: Heard) -> str:
    """What claims to have saved something, although nothing was, says so."""
    done = {row.answers for row in turn if row.role == "tool" and not failed(row)}
    wishes = [wish for row in turn for wish in row.calls if wish.id in done]
    wishes += [result.call for result in heard.results if not result.failed]
    if any(wish.name not in READING for wish in wishes) or not claims_saved(words):
        return words
    return f"{words}\n\n{phrases.say('unsaved', words)}"


def discreet(
    spoken: list[str], turn: Sequence[Message], heard: Heard, kind: Callable[[str], str], ends: bool
) -> list[str]:
    """The person is told, once, which secrets this turn left out of memory. kind: of a tool."""
    wishes = {wish.id: wish.name for row in turn for wish in row.calls}
    done = [(wishes.get(row.answers or ""), row.text) for row in turn if not failed(row)]
    done += [(each.call.name, each.text) for each in heard.results if not each.failed]
    texts = [text for name, text in done if name and kind(name) == "write"]
    kinds = told_left_out("\n".join(texts))
    if not kinds or not asked_in(turn) or not (spoken or ends):
        return spoken
    note = phrases.left_out(kinds, words_of(turn))
    if any(note in row.text for row in turn if row.role == "assistant"):
        return spoken
    return [*spoken[:-1], "\n\n".join([*spoken[-1:], note])]
