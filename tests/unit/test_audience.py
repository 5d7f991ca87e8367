"""The rule of product.md §2: as a function, as SQL, and in the paper's own words."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import audience
from memory.audience import channel_of, own, sees, visible
from memory.types import Agent, Audience, Diff, Entry, Fact, Origin, Viewer, now

AGENTS = ("ana", "bo", "general", "研发", "ada")
PEOPLE = (None, "ana", "bo", "安娜")
ROOMS = ("", "slack/T1/C1", "slack/T1/C1/t1", "slack/T1/C10", "slack/T2/C1", "slack/T1/研发/线程")
SPACES = ("", "slack/T1", "slack/T2", "discord/dm")
AUDIENCES: tuple[Audience, ...] = ("person", "room", "workspace")

origins = st.builds(
    Origin,
    audience=st.sampled_from(AUDIENCES),
    person=st.sampled_from(PEOPLE),
    room=st.sampled_from(ROOMS),
    workspace=st.sampled_from(SPACES),
)
viewers = st.builds(
    Viewer,
    agent=st.sampled_from(AGENTS),
    kind=st.sampled_from(("person", "room", "named")),
    person=st.sampled_from(PEOPLE),
    channel=st.sampled_from(ROOMS).map(channel_of),
    workspace=st.sampled_from(SPACES),
    alone=st.booleans(),
    rooms=st.frozensets(st.sampled_from(AGENTS)),
    everything=st.sampled_from((False, False, False, True)),
)
rows = st.lists(st.tuples(st.sampled_from(AGENTS), origins), min_size=20, max_size=40)


@pytest.fixture(scope="module")
def raw() -> Iterator[sqlite3.Connection]:
    raw = sqlite3.connect(":memory:")
    raw.execute("CREATE TABLE things(n, agent_id, audience, person, room, workspace)")
    yield raw
    raw.close()


@settings(max_examples=300, deadline=None)
@given(viewer=viewers, rows=rows)
def test_function_and_sql_agree(
    raw: sqlite3.Connection, viewer: Viewer, rows: list[tuple[str, Origin]]
) -> None:
    raw.execute("DELETE FROM things")
    raw.executemany(
        "INSERT INTO things VALUES(?, ?, ?, ?, ?, ?)",
        [
            (n, owner, origin.audience, origin.person, origin.room, origin.workspace)
            for n, (owner, origin) in enumerate(rows)
        ],
    )
    told = audience.params(viewer)
    seen = {n for (n,) in raw.execute(f"SELECT n FROM things AS t WHERE {visible('t')}", told)}
    rest = {n for (n,) in raw.execute(f"SELECT n FROM things AS t WHERE NOT {visible('t')}", told)}
    assert seen == {n for n, (owner, origin) in enumerate(rows) if sees(viewer, owner, origin)}
    assert seen | rest == set(range(len(rows))), "the rule is a yes or a no"


DM = Viewer(agent="ana", kind="person", person="ana", channel="slack/T1/D1", workspace="slack/T1",
            alone=True, rooms=frozenset({"general"}))  # fmt: skip
ROOM = Viewer(agent="general", kind="room", person="bo", channel="slack/T1/C1",
              workspace="slack/T1", rooms=frozenset({"general"}))  # fmt: skip
ADA = Viewer(agent="ada", kind="named", person="ana", channel="slack/T1/D1", workspace="slack/T1",
             alone=True)  # fmt: skip
ADA_IN_ROOM = replace(ADA, channel="slack/T1/C1", alone=False)
OF_ANA = Origin(audience="person", person="ana", room="slack/T1/D1", workspace="slack/T1")
OF_ROOM = Origin(audience="room", person="bo", room="slack/T1/C1/t1", workspace="slack/T1")
SHARED = replace(OF_ANA, audience="workspace")

CASES: tuple[tuple[str, Viewer, str, Origin, bool], ...] = (
    ("in a DM: that person's facts", DM, "ana", OF_ANA, True),
    ("in a DM: by any of their accounts", DM, "ana", replace(OF_ANA, person="ana-2"), True),
    ("in a DM: not another's", DM, "bo", replace(OF_ANA, person="bo"), False),
    ("in a DM: rooms that the person can read", DM, "general", OF_ROOM, True),
    ("in a DM: no other rooms", DM, "研发", OF_ROOM, False),
    ("in a DM: no room any more that was left", replace(DM, rooms=frozenset()), "general",
     OF_ROOM, False),
    ("in a DM: what another shared with the workspace", DM, "bo", SHARED, True),
    ("in a DM: not what is shared with another workspace", DM, "bo",
     replace(SHARED, workspace="slack/T2"), False),
    ("in a DM: one's own, wherever it is shared", DM, "ana",
     replace(SHARED, workspace="slack/T2"), True),
    ("in a room: that room's facts, of all threads", ROOM, "general", OF_ROOM, True),
    ("in a room: workspace facts", ROOM, "ana", SHARED, True),
    ("in a room: its own facts, wherever they are shared", ROOM, "general",
     replace(OF_ROOM, audience="workspace", workspace="slack/T2"), True),
    ("in a room: not another room's", ROOM, "研发", OF_ROOM, False),
    ("in a room: never a person's, whoever speaks", replace(ROOM, person="ana"), "ana",
     OF_ANA, False),
    ("in a room: never a person's, even if it has come there", ROOM, "general", OF_ANA, False),
    ("shared with no workspace is not shared", replace(DM, workspace=""), "bo",
     replace(SHARED, workspace=""), False),
    ("a named agent: what the one who asks told it", ADA, "ada", OF_ANA, True),
    ("a named agent: not what another told it", ADA, "ada", replace(OF_ANA, person="bo"), False),
    ("a named agent: nobody's, in a room", ADA_IN_ROOM, "ada", OF_ANA, False),
    ("a named agent: what was said in this room", ADA_IN_ROOM, "ada", OF_ROOM, True),
    ("a named agent: not what was said in a room, elsewhere", ADA, "ada", OF_ROOM, False),
    ("a named agent: a channel is not another whose name begins so",
     replace(ADA_IN_ROOM, channel="slack/T1/C10"), "ada", OF_ROOM, False),
    ("a named agent: what another shared, in that workspace", ADA, "ada",
     replace(SHARED, person="bo"), True),
    ("a named agent: not what another shared elsewhere", ADA, "ada",
     replace(SHARED, person="bo", workspace="slack/T2"), False),
    ("a named agent: who it is, is no secret", ADA_IN_ROOM, "ada", Origin(audience="room"), True),
    ("an operator: all of one agent", audience.operator("ana"), "ana", OF_ANA, True),
    ("an operator: of that agent", audience.operator("bo"), "ana", OF_ANA, False),
)  # fmt: skip


@pytest.mark.parametrize(
    ("viewer", "owner", "origin", "may"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_the_rule_in_words(viewer: Viewer, owner: str, origin: Origin, may: bool) -> None:
    assert sees(viewer, owner, origin) is may


def test_what_nobody_said_is_as_narrow_as_the_agents_own_talk() -> None:
    agent = Agent(id="ana", name="Ana", kind="person", person="ana", created_at=now())
    assert sees(DM, "ana", own(agent))
    assert not sees(ROOM, "ana", own(agent))
    assert sees(ROOM, "general", own(replace(agent, id="general", kind="room", person=None)))
    assert not sees(DM, "研发", own(replace(agent, id="研发", kind="room", person=None)))


def test_a_change_is_seen_by_who_sees_all_of_it() -> None:
    at = now()
    fact = Fact(
        seq=1, label="human", position=1.0, text="茶", origin=OF_ANA, learned_at=at,
        confirmed_at=at, used_at=at, valid_from=at,
    )  # fmt: skip
    shared = replace(fact, origin=SHARED)
    share = Entry(seq=2, at=at, actor="person", action="share", summary="human: shared 茶",
                  diffs=(Diff(before=fact, after=shared),))  # fmt: skip
    made = replace(share, diffs=(Diff(before=None, after=shared),))
    bo = replace(ADA, person="bo")
    assert audience.sees_change(ADA, "ada", share)
    assert not audience.sees_change(bo, "ada", share), "it was a secret before"
    assert audience.sees_change(bo, "ada", made)
