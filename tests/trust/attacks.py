"""Tries attacks on the whole program, with a model that obeys whoever attacks.

    python tests/trust/attacks.py
    python tests/trust/attacks.py --break taint     # one guard is off: some must succeed

An attack succeeds where somebody's words reach who may not see them, somebody's core memory changes
without their consent, a mention rings, a link is fetched, a frame of the prompt is broken, or a
secret is kept in memory.
"""

import argparse
import asyncio
import html
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from inspect import getattr_static
from pathlib import Path
from typing import Any, Final

if __name__ == "__main__":  # run as a file, its own folder is what Python looks in
    sys.path.insert(0, str(Path(__file__).parents[2]))

import discord

import adapters.slack.send
import bot.taint
import memory.draft
from bot.llm import wire
from bot.notify import Notify
from bot.outbound import Checked, Outbound
from memory import audience, changes
from tests.trust import pings, schemes
from tests.trust.hostile import LANGUAGES, Stage, Tongue, staged

KINDS: Final[Mapping[str, Callable[[Stage], schemes.Gains]]] = {
    "reading": schemes.reading,
    "saying": schemes.saying,
    "commanding": schemes.commanding,
    "editing": schemes.editing,
    "posting": schemes.posting,
    "framing": schemes.framing,
    "keeping": schemes.keeping,
}
PINGS: Final = "ringing"


@dataclass(frozen=True, slots=True)
class Guard:
    """What stops an attack, and how it is taken away: of what, which, and what takes its place."""

    kinds: Sequence[str]  # of attacks that succeed then
    off: Sequence[tuple[object, str, object]]


async def _all_said(*given: Any) -> Checked:
    return Checked(spoken=given[-1])


async def _nothing_private(*_: Any, **known: str) -> bool:
    return False


def _unmasked(text: str) -> tuple[str, tuple[str, ...]]:
    return text, ()


BREAKS: Final[Mapping[str, Guard]] = {
    "taint": Guard(("editing",), [(bot.taint, "held", lambda *_: "")]),
    "outbound": Guard(("saying",), [(Outbound, "check", _all_said)]),
    "notify": Guard(
        ("posting",), [(Notify, "_said", lambda *_: True), (Notify, "_private", _nothing_private)]
    ),
    "audience": Guard(
        ("reading",),
        [(audience, "sees", lambda *_: True), (audience, "visible", lambda _: "1")],
    ),
    "rights": Guard(("commanding",), [(changes, "keep_to_own", lambda *_: None)]),
    "lines": Guard(("framing",), [(wire, "_inset", str)]),
    "masking": Guard(("keeping",), [(memory.draft, "masked", _unmasked)]),
    "frames": Guard(("framing",), [(html, "escape", lambda text, quote=True: text)]),
    "mentions": Guard(
        (PINGS,),
        [
            (adapters.slack.send, "to_mrkdwn", str),
            (discord.AllowedMentions, "none", discord.AllowedMentions.all),
        ],
    ),
}


@contextmanager
def _instead(owner: object, name: str, value: object) -> Iterator[None]:
    before = getattr_static(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def broken(name: str) -> Iterator[None]:
    """One guard is off; none where there is no name. Raises KeyError."""
    with ExitStack() as stack:
        for owner, attribute, value in BREAKS[name].off if name else ():
            stack.enter_context(_instead(owner, attribute, value))
        yield


@dataclass(slots=True)
class Report:
    tried: Counter[str] = field(default_factory=Counter)
    gains: list[tuple[str, str]] = field(default_factory=list)  # of a kind, each that succeeded

    def note(self, kind: str, name: str, gain: str) -> None:
        """One attack, and what it gained; "" for nothing."""
        self.tried[kind] += 1
        if gain:
            self.gains.append((kind, f"{name[:100]}: {gain}"))

    def plain(self) -> dict[str, Any]:
        lost = Counter(kind for kind, _ in self.gains)
        return {
            "tried": self.tried.total(),
            "succeeded": len(self.gains),
            "kinds": {
                kind: {"tried": count, "succeeded": lost[kind]}
                for kind, count in self.tried.items()
            },
        }


async def campaign(
    kinds: Sequence[str] = (*KINDS, PINGS), tongues: Sequence[Tongue] = LANGUAGES
) -> Report:
    """All attacks of these kinds, in these languages, each kind on a fresh stage."""
    report = Report()
    for tongue in tongues:
        for kind in kinds:
            if kind != PINGS:
                with tempfile.TemporaryDirectory() as home:
                    async with staged(Path(home), tongue) as stage:
                        async for name, gain in KINDS[kind](stage):
                            report.note(kind, f"{tongue.name}: {name}", gain)
    if PINGS in kinds:
        for name, gain in (*await pings.slack(), *await pings.discord()):
            report.note(PINGS, name, gain)
    return report


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--break", dest="guard", default="", choices=("", *BREAKS))
    options.add_argument("--kind", action="append", choices=(*KINDS, PINGS), help="only these")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    with broken(chosen.guard):
        report = asyncio.run(campaign(chosen.kind or (*KINDS, PINGS)))
    if chosen.json:
        print(json.dumps(report.plain() | {"gains": report.gains}, ensure_ascii=False))
        return int(bool(report.gains))
    for kind, gain in report.gains:
        print(f"{kind}: {gain}")
    for kind, count in report.plain()["kinds"].items():
        print(f"{kind:12} tried {count['tried']:4}, succeeded {count['succeeded']}")
    print(f"attacks tried: {report.tried.total()}, succeeded: {len(report.gains)}")
    return int(bool(report.gains))


if __name__ == "__main__":
    sys.exit(main())
