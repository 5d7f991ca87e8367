"""What verbs answer, as plain data: one record for each block, fact, change or finding."""

from collections.abc import Mapping

from memory.search.lookup import ME
from memory.types import Block, Entry, Fact, Hit, Message, Passage, Usage

BOT = "Reverie"  # who speaks an agent's own words

Record = Mapping[str, object]


def speaker(message: Message) -> str:
    return BOT if message.role == "assistant" else message.speaker or message.role


def of_block(block: Block) -> Record:
    return {
        "type": "block",
        "block": block.label,
        "used": len(block.text),
        "limit": block.limit,
        "read_only": block.read_only,
    }


def of_fact(fact: Fact, sources: Mapping[int, Message]) -> Record:
    source = sources.get(fact.origin.source or 0)
    return {
        "type": "fact",
        "number": fact.seq,
        "block": fact.label,
        "text": fact.text,
        "learned_at": fact.learned_at.isoformat(),
        "pinned": fact.pinned,
        "audience": fact.origin.audience,
        "state": fact.state,
        "superseded_by": fact.superseded_by,
        "source": of_message(source) if source else None,
    }


def of_passage(passage: Passage) -> Record:
    return {
        "type": "passage",
        "number": passage.seq,
        "text": passage.text,
        "at": passage.at.isoformat(),
        "tags": list(passage.tags),
    }


def of_message(message: Message) -> Record:
    return {
        "number": message.seq,
        "at": message.at.isoformat(),
        "speaker": speaker(message),
        "text": message.text,
        "room": message.origin.room,
        "event": message.event,
    }


def of_hit(hit: Hit, place: str) -> Record:
    return {
        "type": place,
        "number": hit.seq,
        "text": hit.text,
        "at": hit.at.isoformat(),
        "speaker": BOT if hit.speaker == ME else hit.speaker,
        "why": list(hit.why),
        "tags": list(hit.tags),
    }


def of_usage(usage: Usage) -> Record:
    spent = usage.spending
    return {
        "type": "usage",
        "day": usage.day,
        "for": spent.kind,
        "calls": spent.calls,
        "prompt_tokens": spent.prompt,
        "completion_tokens": spent.completion,
        "money": spent.money / 1e6,
    }


def of_entry(entry: Entry) -> Record:
    return {
        "type": "change",
        "number": entry.seq,
        "at": entry.at.isoformat(),
        "by": entry.actor,
        "change": entry.action,
        "text": entry.summary,
        "source": entry.source,
        "undoes": entry.undoes,
        "undone_by": entry.undone_by,
    }
