"""What an agent told others in a person's own words goes when the person is forgotten."""

from pathlib import Path

import pytest

from memory import recall
from memory.database.sqlite import SqliteDatabase
from memory.draft import Draft
from memory.schema import MIGRATIONS
from memory.store import Store
from memory.types import Birth, Identity, Message, Origin, Reply, now

ANA = Identity(platform="slack", space="T", user="U1", name="Ana")
BEN = Identity(platform="slack", space="T", user="U2", name="Ben")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    database = SqliteDatabase(tmp_path / "a.db")
    database.start(MIGRATIONS)
    return Store(database)


@pytest.mark.parametrize("secret", ["My hiding place is Zanzibar", "我的暗号是芝麻开门"])
async def test_quotes_in_the_memory_of_others_go(store: Store, secret: str) -> None:
    people = {}
    for who in (ANA, BEN):
        birth = Birth(id=who.user, name=who.name, kind="person", persona="I am Reverie.")
        people[who.name], _ = await store.meet(birth, who)
    ana, ben = people["Ana"], people["Ben"]

    def keep(draft: Draft) -> None:
        draft.append("human", secret)

    def told(draft: Draft) -> None:
        origin = Origin(person=ben.id, room="slack/T/D2")
        for role, text in (("user", "where?"), ("assistant", f"She says: {secret}!")):
            draft.messages.append(
                Message(
                    seq=draft.seq(), role=role, text=text, at=now(), origin=origin, turn=1,  # type: ignore[arg-type]
                    thoughts=secret if role == "assistant" else "",
                )
            )  # fmt: skip
        draft.replies.append(Reply(key="1", target={}, text=f"She says: {secret}!"))

    await store.edit(ana.id, keep, actor="person", origin=Origin(person=ana.id))
    await store.edit(ben.id, told, actor="agent")
    await store.forget_person(ana.id, at=now())
    rows = await store.database.read(lambda conn: recall.page(conn, ben.id))
    assert [row.text for row in rows] == ["where?", "(forgotten)"]
    assert all(secret not in row.thoughts for row in rows)
    assert await store.unsent(ben.id) == []
    await store.close()
