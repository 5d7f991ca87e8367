"""The Discord adapter in quiet times: what is heard, what is said, and to whom."""

import asyncio

import pytest

from adapters.base import Address, Event, Post, SendFailed
from adapters.discord import Discord
from bot.testing.discord import FakeDiscord, Message, Permission
from tests.edge.discord_adapter import (
    QUICK,
    SEND,
    TYPING,
    Listener,
    adapter,
    called,
    listening,
    post,
)

THREAD = "POST /channels/{}/messages/{}/threads"


pytestmark = pytest.mark.usefixtures("at_once")


async def test_a_dm_is_answered(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener()
    async with listening(sim, listener):
        await ana.dm("你好 there")
        [answer] = await ana.sees(1)
    assert (answer.content, answer.channel, answer.reply_to) == ("echo 你好 there", ana.dms, None)
    [event] = listener.events
    assert event.address == Address(platform="discord", space="dm", channel=ana.dms.id)
    assert (event.user, event.name, event.room_kind) == (ana.id, "Ana", "dm")


async def test_a_mention_is_answered_with_a_reply_that_rings_nobody(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(called)
    async with listening(sim, listener):
        await ana.say(sim.general, "only talk")
        question = await ana.say(sim.general, "<@bot> 什么 is this, <@Ana>?")
        [answer] = await ana.sees(1)
    assert answer.content == "echo 什么 is this, @Ana?"
    assert (answer.reply_to, answer.channel) == (question.id, sim.general)
    assert answer.pings == set()
    first, second = listener.events
    assert (first.mentioned, second.mentioned) == (False, True)
    assert (second.room_kind, second.room_name) == ("public", "general")
    assert second.address.space == sim.guild.id


async def test_a_reply_to_the_bot_calls_it_even_without_a_ping(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(called)
    async with listening(sim, listener):
        await ana.say(sim.general, "<@bot> one")
        [answer] = await ana.sees(1)
        await ana.say(sim.general, "two", reply_to=answer, ping=False)
        assert (await ana.sees(1))[0].content == "echo two"
    assert [event.mentioned for event in listener.events] == [True, True]


async def test_a_thread_is_a_place_of_its_own(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(called)
    den = sim.channel("den", only=[ana])
    async with listening(sim, listener):
        thread = await ana.thread(den, "trip")
        await ana.say(den, "<@bot> where?", thread=thread)
        [answer] = await ana.sees(1)
    assert answer.channel is thread
    event = listener.events[-1]
    assert (event.address.channel, event.address.thread) == (den.id, thread.id)
    assert (event.room_kind, event.room_name) == ("private", "den")


async def test_a_private_thread_is_heard_from_the_mention_on(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(called)
    async with listening(sim, listener):
        thread = await ana.thread(sim.general, "secret", private=True)
        await ana.say(sim.general, "<@bot> psst", thread=thread)
        [answer] = await ana.sees(1)
    assert (answer.channel, answer.content) == (thread, "echo psst")
    assert listener.events[-1].room_kind == "private"


async def test_a_thread_of_which_discord_did_not_tell(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(lambda event: None)
    discord = adapter(sim)
    async with discord.client(listener) as client:
        await client.login(sim.token)
        connection = client.loop.create_task(client.connect())
        thread = await ana.thread(sim.general, "trip")
        await sim.until(lambda: client.get_channel(int(thread.id)))
        client.guilds[0]._threads.clear()
        await ana.say(sim.general, "still heard", thread=thread)
        [event] = await sim.until(lambda: listener.events)
        await client.close()
        await connection
    assert (event.address.channel, event.address.thread) == (sim.general.id, thread.id)


async def test_what_no_person_said_is_not_heard(sim: FakeDiscord) -> None:
    ana, bleep, listener = sim.human("Ana"), sim.human("Bleep", bot=True), Listener()
    async with listening(sim, listener):
        await bleep.say(sim.general, "<@bot> loop?")
        await ana.thread(sim.general, "beside")  # writes a line in the channel
        old = await ana.say(sim.general, "before")
        await ana.edit(old, "after")
        await ana.delete(old)
        await ana.dm("last")
        await ana.sees("echo last")
    assert sorted(listener.texts) == ["before", "last"]


async def test_order_is_kept_in_a_channel(sim: FakeDiscord) -> None:
    people, listener = [sim.human(name) for name in ("Ana", "Ben", "Cai")], Listener()
    async with listening(sim, listener):
        for number in range(30):
            await people[number % 3].say(sim.general, f"n{number}")
        await people[0].sees(30)
    assert listener.texts == [f"n{number}" for number in range(30)]
    answers = [m.content for m in sim.messages(sim.general) if m.author is sim.bot]
    assert answers == [f"echo n{number}" for number in range(30)]


# ---- sending


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_a_long_answer_is_cut_outside_of_code(sim: FakeDiscord, language: str) -> None:
    ana, listener = sim.human("Ana"), Listener(lambda event: long)
    sentence = "很长的一句话，说个没完。" if language == "zh" else "A sentence that goes on. "
    code = "\n".join(f"print({number})  # 第 {number} 行" for number in range(200))
    long = f"{sentence * 120}\n\n```python\n{code}\n```\n\n{sentence * 60}Done 完"
    async with listening(sim, listener):
        await ana.dm("go")
        await ana.sees("Done 完")
    parts = [m.content for m in sim.messages(ana.dms) if m.author is sim.bot]
    assert len(parts) > 3
    assert all(len(part) <= 2000 and part.count("```") % 2 == 0 for part in parts)
    lines = [line for part in parts for line in part.split("\n")]
    assert [line for line in lines if line.startswith("print")] == code.split("\n")
    assert "".join(parts).count(sentence.strip()) == 180


async def test_only_the_first_part_quotes_the_question(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(lambda event: "字" * 5000)
    async with listening(sim, listener):
        question = await ana.say(sim.general, "<@bot> go")
        answers = await ana.sees(3)
    assert [answer.reply_to for answer in answers] == [question.id, None, None]


async def test_an_answer_rings_no_bells(sim: FakeDiscord) -> None:
    text = "@everyone @here <@&{role}> <@{ana}> look"
    ana, role = sim.human("Ana"), sim.role("Admins", sim.guild, Permission.MENTION_EVERYONE)
    sim.allow(sim.general, Permission.MENTION_EVERYONE)
    sim.guild.members[ana.id].roles.add(role.id)
    listener = Listener(lambda event: text.format(role=role.id, ana=ana.id))
    async with listening(sim, listener):
        await ana.say(sim.general, "<@bot> shout")
        [answer] = await ana.sees(1)
    assert (answer.mention_everyone, answer.mentions, answer.pings) == (False, [], set())


async def test_the_same_reply_appears_once(sim: FakeDiscord) -> None:
    ana, ben, listener = sim.human("Ana"), sim.human("Ben"), Listener(lambda event: None)
    async with listening(sim, listener) as discord:
        await ana.dm("one")
        await ben.dm("two")
        await sim.until(lambda: len(listener.events) == 2)
        first, second = sorted(listener.events, key=lambda event: event.text)
        reply = post(first, "word " * 900, key="r-1")
        ids = {await discord.send(reply) for _ in range(3)}
        await discord.send(post(second, "word", key="r-1"))  # a key is one agent's
        await discord.send(post(first, "word " * 900, key="r-2"))
    mine = [m for m in sim.messages(ana.dms) if m.author is sim.bot]
    assert len(mine) == 6
    assert ids == {mine[0].id}
    assert len([m for m in sim.messages(ben.dms) if m.author is sim.bot]) == 1
    assert all(request.body["enforce_nonce"] for request in sim.requested(SEND))  # type: ignore[index]


async def test_nothing_is_sent_for_nothing(sim: FakeDiscord) -> None:
    async with listening(sim, Listener()) as discord:
        address = Address(platform="discord", space=sim.guild.id, channel=sim.general.id)
        assert await discord.send(Post(key="k", address=address, text="\n ")) == ""
    assert sim.requested(SEND) == []


async def test_typing_is_shown_until_the_answer(
    sim: FakeDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.discord.waiting.TYPING", 0.02)
    ana, listener = sim.human("Ana"), Listener(lambda event: None)
    async with listening(sim, listener) as discord:
        await ana.dm("hm")
        [event] = await sim.until(lambda: listener.events)
        await discord.working(event.address, begun=True)
        await sim.until(lambda: len(sim.requested(TYPING)) >= 3)
        for _ in range(2):
            await discord.working(event.address, begun=False)
            typing = [task for task in asyncio.all_tasks() if task.get_name() == "typing"]
            assert all(task.cancelling() for task in typing)
    assert all(request.path.split("/")[2] == ana.dms.id for request in sim.requested(TYPING))


async def test_nothing_can_be_sent_before_it_runs(sim: FakeDiscord) -> None:
    discord = adapter(sim)
    address = Address(platform="discord", space="dm", channel="1")
    await discord.working(address, begun=True)
    with pytest.raises(SendFailed, match="not connected") as failed:
        await discord.send(Post(key="k", address=address, text="hi"))
    assert not failed.value.final


# ---- a thread for each question


async def test_a_question_gets_a_thread_of_its_own(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(called)
    async with listening(sim, listener, made=adapter(sim, auto_thread=True)):
        question = await ana.say(sim.general, "<@bot> 去哪里 on holiday?")
        [answer] = await ana.sees(1)
        thread = question.thread
        assert thread is not None
        await ana.say(sim.general, "<@bot> and then?", thread=thread)
        [second] = await ana.sees(1)
    assert thread.name == "去哪里 on holiday?"
    assert answer.channel is thread
    assert second.channel is thread
    assert answer.reply_to is None
    assert [event.address.thread for event in listener.events] == [thread.id] * 2
    assert {request.status for request in sim.requested(THREAD)} <= {200, 400}


async def test_the_thread_is_there_while_one_waits(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(lambda event: None)
    async with listening(sim, listener, made=adapter(sim, auto_thread=True)):
        question = await ana.say(sim.general, "<@bot> hi")
        await sim.until(lambda: question.thread)


async def test_a_thread_that_is_opened_twice_is_one(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(called)
    sim.slow(THREAD, 0.1)
    async with listening(sim, listener, made=adapter(sim, auto_thread=True)):
        question = await ana.say(sim.general, "<@bot> hi")
        [answer] = await ana.sees(1)
    assert answer.channel is question.thread
    assert sorted(request.status for request in sim.requested(THREAD)) == [200, 400]


async def test_without_permission_the_answer_stays_in_the_channel(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(called)
    sim.deny(sim.general, Permission.CREATE_PUBLIC_THREADS)
    async with listening(sim, listener, made=adapter(sim, auto_thread=True)):
        question = await ana.say(sim.general, "<@bot> hi")
        [answer] = await ana.sees(1)
    assert (answer.channel, answer.reply_to) == (sim.general, question.id)


async def test_what_is_not_taken_gets_no_thread(sim: FakeDiscord) -> None:
    class Deaf(Listener):
        async def deliver(self, event: Event) -> bool:
            await super().deliver(event)
            return False

    ana, listener = sim.human("Ana"), Deaf(lambda event: None)
    async with listening(sim, listener, made=adapter(sim, auto_thread=True)):
        question = await ana.say(sim.general, "<@bot> hi")
        await ana.dm("last")
        await sim.until(lambda: "last" in listener.texts)
    assert question.thread is None


# ---- shards, and a client for others


async def test_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FakeDiscord(limits=QUICK, a_second=1000, shards=2).running() as sim:
        ana, listener = sim.human("Ana"), Listener()
        other = sim.channel("hall", guild=sim.add_guild("Away"))
        async with listening(sim, listener, made=adapter(sim, sharded=True)):
            await sim.until(lambda: sim.connected == 2)
            await ana.say(sim.general, "one")
            await ana.say(other, "two")
            await ana.dm("three")
            answers: list[Message] = await ana.sees(3)
    assert {m.content for m in answers} == {"echo one", "echo two", "echo three"}


async def test_a_harness_can_drive_the_client_itself(sim: FakeDiscord) -> None:
    ana, listener = sim.human("Ana"), Listener(lambda event: None)
    discord = Discord(sim.token, api_base=sim.api_url, gateway_url=sim.gateway_url)
    async with discord.client(listener) as client:
        await client.login(sim.token)
        connection = client.loop.create_task(client.connect())
        await sim.until(lambda: sim.connected)
        await ana.dm("hi")
        [event] = await sim.until(lambda: listener.events)
        await discord.send(post(event, "hello"))
        assert (await ana.sees(1))[0].content == "hello"
        await client.close()
        await connection
