"""What was said together: a message is searched by its own words, and by those just before it.

A session is talk in one room, or one thread of it, without four hours of silence. On LoCoMo (five
conversations, 786 questions) recall at 10 is .795 with the words of the two messages before, .774
with one, .748 with none.
"""

from datetime import timedelta

from memory.codec import micros
from memory.ports import Connection, Row
from memory.types import Message

SPOKEN = (  # what a search may find
    "role IN ('user', 'assistant') AND text <> '' AND fleeting = 0 AND forgotten = 0"
)
# What a forgotten fact was learned from is forgotten with it, until the fact is brought back. What
# the agent and its tools said with all the words of it, or of a message that was forgotten, goes
# too; shorter ones than eight bytes are anybody's words. The indexes are named since SQLite, which
# has no statistics here, would read all rows of the agent for each.
REMEMBERED = """NOT EXISTS (SELECT 1 FROM facts AS f INDEXED BY facts_removed
 WHERE f.agent_id = t.agent_id AND f.source = t.seq AND f.state = 'removed')
 AND (t.role = 'user' OR NOT (EXISTS (SELECT 1 FROM messages AS g INDEXED BY messages_forgotten
 WHERE g.agent_id = t.agent_id AND g.forgotten = 1
 AND length(CAST(g.text AS BLOB)) >= 8 AND instr(t.text, g.text))
 OR EXISTS (SELECT 1 FROM facts AS f INDEXED BY facts_removed
 WHERE f.agent_id = t.agent_id AND f.state = 'removed'
 AND length(CAST(f.text AS BLOB)) >= 8 AND instr(t.text, f.text))))"""
GAP = timedelta(hours=4)  # of silence, after which it is other talk
BEFORE = 2  # messages whose words a message is found by, too

_GAP = GAP // timedelta(microseconds=1)


def before(conn: Connection, agent_id: str, message: Message) -> list[Row]:
    """The messages of its session just before one, newest first, at most two.

    Whoever may see the one may see these: they are of the same room and audience.
    """
    rows = conn.all(
        "SELECT seq, at, audience, person, speaker, text, session FROM messages"  # noqa: S608
        f" WHERE agent_id = :agent AND room = :room AND seq < :seq AND {SPOKEN}"
        " ORDER BY seq DESC LIMIT :limit",
        agent=agent_id,
        room=message.origin.room,
        seq=message.seq,
        limit=BEFORE,
    )
    together: list[Row] = []
    at, origin = micros(message.at), message.origin
    for row in rows:
        theirs = row["audience"] == "person" and row["person"] != origin.person
        if abs(at - row["at"]) > _GAP or row["audience"] != origin.audience or theirs:
            break
        together.append(row)
        at = row["at"]
    return together


def after(conn: Connection, agent_id: str, room: str, seq: int) -> list[int]:
    """The seqs of those messages that may be found by the words of this one."""
    rows = conn.all(
        f"SELECT seq FROM messages WHERE agent_id = :agent AND room = :room AND seq > :seq"  # noqa: S608 -- ours
        f" AND {SPOKEN} ORDER BY seq LIMIT :limit",
        agent=agent_id,
        room=room,
        seq=seq,
        limit=BEFORE,
    )
    return [row["seq"] for row in rows]
