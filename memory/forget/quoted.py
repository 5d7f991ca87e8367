"""Words of a forgotten person that an agent said to others: they go too. Inside a transaction."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace

from memory import agents, recall
from memory.ports import Connection

GONE = "(forgotten)"
SHORTEST = 8  # characters of a text that is a person's own; 4 where they are Chinese
_HAN = re.compile("[\u3400-\u9fff]")
HELD = "EXISTS (SELECT 1 FROM json_each(:words) AS w WHERE instr({0}, w.value))"


def words_of(conn: Connection, who: str) -> list[str]:
    """What was kept of the people whose ids these are, as JSON: facts and passages, word for word.
    Shorter ones are anybody's."""
    rows = conn.all(
        "SELECT text FROM facts WHERE label <> 'persona'"
        " AND person IN (SELECT value FROM json_each(:who))"
        " UNION SELECT text FROM passages WHERE person IN (SELECT value FROM json_each(:who))",
        who=who,
    )
    texts = (row["text"].strip() for row in rows)
    return [text for text in texts if len(text) >= SHORTEST or len(_HAN.findall(text)) >= 4]


def remove(conn: Connection, words: Sequence[str]) -> list[str]:
    """Take the agents' rows and replies that quote these words out of every history; the ids of
    the agents that had any."""
    told = json.dumps(list(words), ensure_ascii=False)
    rows = conn.all(
        "SELECT agent_id, seq FROM messages WHERE role <> 'user' AND ("  # noqa: S608 -- ours
        f"{HELD.format('text')} OR {HELD.format('thoughts')} OR {HELD.format('calls')})",
        words=told,
    )
    found = sorted({row["agent_id"] for row in rows})
    for row in rows:
        _empty(conn, row["agent_id"], row["seq"])
    for agent_id in found:  # a draft that was made before is refused
        conn.execute("UPDATE agents SET version = version + 1 WHERE agent_id = :id", id=agent_id)
    conn.execute(f"DELETE FROM summaries WHERE {HELD.format('text')}", words=told)  # noqa: S608
    conn.execute(
        f"DELETE FROM outbox WHERE state = 'ready' AND {HELD.format('text')}",  # noqa: S608
        words=told,
    )
    conn.execute(f"UPDATE outbox SET text = '' WHERE {HELD.format('text')}", words=told)  # noqa: S608
    return found


def _empty(conn: Connection, agent_id: str, seq: int) -> None:
    agent, message = agents.find(conn, agent_id), recall.get(conn, agent_id, [seq]).get(seq)
    if agent is None or message is None:
        return
    recall.revise(conn, agent_id, agent.number, replace(message, text=GONE))
    conn.execute(
        "UPDATE messages SET thoughts = '', calls = '' WHERE agent_id = :id AND seq = :seq",
        id=agent_id,
        seq=seq,
    )
