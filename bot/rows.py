"""Inbox rows as rows of recall, and where their answer goes. Pure."""

from dataclasses import replace
from typing import Any

from bot.types import Completion
from memory.draft import Draft
from memory.types import Claim, Item, Message, Origin, ToolCall
from memory.words import sanitise


def target_of(claim: Claim) -> dict[str, object]:
    """Where the answer to a claim's rows goes, and which events it answers."""
    return {
        "address": claim.items[-1].payload.get("address"),
        "answers": [item.dedup for item in claim.items],
    }


def clean(completion: Completion) -> Completion:
    """A model's words as they can be kept."""
    calls = [[sanitise(part) for part in (c.id, c.name, c.arguments)] for c in completion.calls]
    return replace(
        completion,
        text=sanitise(completion.text),
        thoughts=sanitise(completion.thoughts),
        calls=tuple(ToolCall(id=id_, name=name, arguments=text) for id_, name, text in calls),
    )


def origin_of(item: Item) -> Origin:
    """Who says it, where, and for whose eyes. What a guest says alone is said in no workspace:
    they may not know what all others there may."""
    audience = item.payload.get("audience", "person")
    outside = audience == "person" and item.payload.get("guest", False)
    return Origin(
        audience=audience,
        person=item.payload.get("person"),
        room=item.room,
        workspace="" if outside else item.payload.get("workspace", ""),
    )


def arrived(claim: Claim, draft: Draft) -> list[Message]:
    """The claim's inbox rows as rows of recall."""
    rows = []
    for item in claim.items:
        origin = origin_of(item)
        told: dict[str, Any] = {
            "role": "user", "at": item.at, "origin": origin, "turn": claim.turn,
            "event": item.dedup, "fleeting": bool(item.payload.get("fleeting")),
        }  # fmt: skip
        for file in item.payload.get("files", ()):
            name, text = f"file {file['name']}", file["said"]
            rows.append(Message(seq=draft.seq(), speaker=name, text=text, tainted=True, **told))
        if text := item.payload["text"]:
            speaker = item.payload.get("speaker", "")
            rows.append(Message(seq=draft.seq(), speaker=speaker, text=text, **told))
    return rows
