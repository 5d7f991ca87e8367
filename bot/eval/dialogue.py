"""Long talks with questions about them: what retrieval is measured on. Two kinds of file are read.

LoCoMo (Maharana et al., ACL 2024; snap-research/locomo): an object with `session_N`, lists of turns
(speaker, dia_id, text, perhaps blip_caption), `session_N_date_time`, and `qa` (question, evidence,
category); or the list in which it is published, whose objects have the sessions in `conversation`.
Its adversarial questions have no answer, and are left out.

Sets of our own: `facts` (id, speaker, text) and `questions` (question, english, evidence); each
fact was said on a day of its own.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.errors import UserError

CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop"}
_TURN = re.compile(r"D\d+:\d+")
_START = datetime(2026, 1, 5, 9, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Something that was said."""

    id: str
    speaker: str
    text: str
    at: datetime
    session: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question, and the ids of the turns that answer it."""

    text: str
    evidence: frozenset[str]
    category: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """One talk, oldest turn first."""

    name: str
    turns: tuple[Turn, ...]
    questions: tuple[Asked, ...]


def load(folder: Path) -> list[Dialogue]:
    """The dialogues of a folder's .json files, by name. Raises UserError."""
    files = sorted(folder.glob("*.json")) if folder.is_dir() else [folder]
    found = [each for file in files for each in _read(file)]
    if not found:
        raise UserError(
            f"There is no dialogue in {folder}. Give a folder of LoCoMo conversations as .json,"
            " or of sets like benchmarks/data."
        )
    return found


def _read(file: Path) -> list[Dialogue]:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        return [_answerable(file, each) for each in _dialogues(file.stem, data)]
    except (OSError, UnicodeError) as error:
        raise UserError(f"{file} cannot be read: {error}.") from error
    except RecursionError:
        raise UserError(f"{file} is no dialogue: it is nested too deep.") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{file} is no dialogue as LoCoMo has them: {error!r}.") from error


def _dialogues(name: str, data: Any) -> Iterator[Dialogue]:
    if isinstance(data, list):
        for sample in data:
            talk = {**sample["conversation"], "qa": sample["qa"]}
            yield _locomo(str(sample["sample_id"]), talk)
    elif isinstance(data, dict) and "facts" in data:
        yield from _facts(name, data)
    elif isinstance(data, dict) and "qa" in data:
        yield _locomo(name, data)


def _answerable(file: Path, dialogue: Dialogue) -> Dialogue:
    """With the questions that its turns answer. Raises UserError where there is none."""
    texts = [turn.text for turn in dialogue.turns] + [each.text for each in dialogue.questions]
    if not all(isinstance(text, str) for text in texts):
        raise UserError(f"{file} has something in it that should be text, and is not.")
    there = {turn.id for turn in dialogue.turns}
    known = (replace(each, evidence=each.evidence & there) for each in dialogue.questions)
    questions = tuple(question for question in known if question.evidence)
    if not questions:
        raise UserError(f"{file} has no question whose evidence is among its turns.")
    return replace(dialogue, questions=questions)


def _locomo(name: str, data: Mapping[str, Any]) -> Dialogue:
    turns: list[Turn] = []
    sessions = sorted(
        int(key.removeprefix("session_")) for key in data if re.fullmatch(r"session_\d+", key)
    )
    for session in sessions:
        start = _moment(data[f"session_{session}_date_time"])
        for minute, turn in enumerate(data[f"session_{session}"]):
            caption = turn.get("blip_caption")
            turns.append(
                Turn(
                    id=turn["dia_id"],
                    speaker=turn["speaker"],
                    text=f"{turn['text']} [image: {caption}]" if caption else turn["text"],
                    at=start + timedelta(minutes=minute),
                    session=session,
                )
            )
    questions = tuple(
        Asked(
            text=each["question"],
            evidence=frozenset(_TURN.findall(" ".join(each["evidence"]))),
            category=CATEGORIES[each["category"]],
        )
        for each in data["qa"]
        if each["category"] in CATEGORIES
    )
    return Dialogue(name=name, turns=tuple(turns), questions=questions)


def _moment(text: str) -> datetime:
    """Such as "1:56 pm on 8 May, 2023"."""
    return datetime.strptime(text.strip(), "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)


def _facts(name: str, data: Mapping[str, Any]) -> Iterator[Dialogue]:
    turns = tuple(
        Turn(
            id=fact["id"],
            speaker=fact["speaker"],
            text=fact["text"],
            at=_START + timedelta(days=day),
            session=day,
        )
        for day, fact in enumerate(data["facts"])
    )
    for language, key in (("own language", "question"), ("in English", "english")):
        questions = tuple(
            Asked(text=each[key], evidence=frozenset(each["evidence"]), category=language)
            for each in data["questions"]
            if key in each
        )
        if questions:
            yield Dialogue(name=f"{name} ({language})", turns=turns, questions=questions)
