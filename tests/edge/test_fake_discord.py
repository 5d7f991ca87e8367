"""The unmodified discord.py against the fake Discord: messages, people, threads, files."""

import io
from collections.abc import AsyncIterator

import discord as dpy
import pytest

from bot.testing.discord import FakeDiscord, Intent, Message, Permission, Refused
from tests.edge.discord_adapter import QUICK, SEND
from tests.edge.discord_bot import Bot, intents, online


@pytest.fixture
async def discord() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord(limits=QUICK, patience=5).running() as fake:
        yield fake


def texts(messages: list[Message]) -> list[str]:
    return [message.content for message in messages]


async def test_a_mention_and_a_direct_message_are_answered(discord: FakeDiscord) -> None:
    bo = discord.human("Bo")
    async with online(discord, Bot()) as bot:
        asked = await bo.say(discord.general, "<@bot> hi 你好")
        answer = await bo.sees("echo")
        assert answer.channel is discord.general
        assert answer.content == f"echo {discord.bot.mention} hi 你好"
        assert bot.heard[0].mentions == [bot.user]
        await bo.dm("psst")
        assert texts(await bo.sees(1)) == ["echo psst"]
        assert isinstance(bot.heard[1].channel, dpy.DMChannel)
    assert asked.mentions == [discord.bot]
    sent = discord.requested(SEND)
    assert [request.status for request in sent] == [200, 200]
    assert discord.messages(bo.dms)[-1].content == "echo psst"


async def test_each_message_is_seen_once(discord: FakeDiscord) -> None:
    bo, ana = discord.human("Bo"), discord.human("Ana")
    async with online(discord, Bot()):
        await bo.say(discord.general, "one")
        await bo.say(discord.general, "two")
        assert texts(await bo.sees(1)) == ["echo one"]
        assert texts(await bo.sees(1)) == ["echo two"]
        assert texts(await ana.sees(2)) == ["echo one", "echo two"]
        bo.patience = 0.05
        with pytest.raises(TimeoutError, match="Bo waited"):
            await bo.sees(1)


async def test_edits_deletes_reactions_and_typing_are_told(discord: FakeDiscord) -> None:
    bo = discord.human("Bo")
    bot = Bot()
    bot.echoes = False
    async with online(discord, bot):
        first = await bo.say(discord.general, "I like tea")
        await bo.edit(first, "I like coffee")
        discord.unfurl(first, {"type": "link", "title": "a preview", "url": "http://x.invalid"})
        await bo.react(first, "👍")
        await bo.unreact(first, "👍")
        await bo.types(discord.general)
        rest = [await bo.say(discord.general, str(n)) for n in range(2)]
        await bo.delete(first)
        await bo.delete(*rest)
        await discord.until(lambda: bot.log.texts("bulk"))
    assert bot.log.texts("edit") == ["I like coffee", "I like coffee"]
    assert bot.log.texts("react") == bot.log.texts("unreact") == ["👍"]
    assert bot.log.texts("typing") == ["Bo"]
    assert bot.log.texts("delete") == [first.id]
    assert bot.log.texts("bulk") == [f"{rest[0].id} {rest[1].id}"]
    assert first.edited is not None
    assert discord.messages(discord.general) == []


async def test_a_client_does_not_let_people_do_everything(discord: FakeDiscord) -> None:
    bo, ana, admin = (discord.human(name) for name in ("Bo", "Ana", "Chen"))
    chief = discord.human("Chief", admin=True)
    secret = discord.channel("secret", only=[ana])
    said = await bo.say(discord.general, "mine")
    with pytest.raises(Refused, match="cannot edit"):
        await ana.edit(said, "yours")
    with pytest.raises(Refused, match="does not see #secret"):
        await bo.say("#secret", "hello?")
    with pytest.raises(Refused, match="cannot delete"):
        await admin.delete(said)
    await chief.delete(said)
    assert said.deleted
    with pytest.raises(Refused, match="4000"):
        await bo.say(discord.general, "x" * 4001)
    with pytest.raises(Refused, match="empty"):
        await bo.say(discord.general, "")
    assert (await ana.say("#secret", "only us")).channel is secret


async def test_a_reply_points_at_what_it_answers(discord: FakeDiscord) -> None:
    bo = discord.human("Bo")
    bot = Bot()
    async with online(discord, bot):
        await bo.say(discord.general, "one")
        answer = await bo.sees("echo one")
        reply = await bo.say(discord.general, "why?", reply_to=answer)
        silent = await bo.say(discord.general, "hm", reply_to=answer, ping=False)
        await bo.sees(2)
        await bo.delete(reply)
        assert bot.heard[1].reference is not None
        resolved = bot.heard[1].reference.resolved
        assert isinstance(resolved, dpy.Message)
        assert (resolved.content, resolved.author.id) == ("echo one", bot.application_id)
        ours = await bot.heard[0].reply("because", mention_author=False)
        assert ours.type is dpy.MessageType.reply
        await bot.heard[0].channel.send("loud <@1>", reference=bot.heard[2])
        with pytest.raises(dpy.HTTPException) as caught:
            await bot.heard[1].reply("too late")
        assert caught.value.code == 50035
    assert discord.bot in reply.mentions
    assert discord.bot not in silent.mentions


async def test_mentions_ring_only_if_allowed(discord: FakeDiscord) -> None:
    bo, ana = discord.human("Bo"), discord.human("Ana")
    discord.allow(discord.general, Permission.MENTION_EVERYONE)
    async with online(discord, Bot()) as bot:
        channel = bot.get_channel(int(discord.general.id))
        assert isinstance(channel, dpy.TextChannel)
        text = f"@everyone {bo.user.mention} {ana.user.mention}"
        quiet = await channel.send(text)
        one = await channel.send(
            text, allowed_mentions=dpy.AllowedMentions(everyone=False, users=[dpy.Object(bo.id)])
        )
        loud = await channel.send(text, allowed_mentions=dpy.AllowedMentions.all())
    pings = {message.id: message.pings for message in discord.messages(discord.general)}
    assert pings[str(quiet.id)] == set()
    assert pings[str(one.id)] == {bo.id}
    assert pings[str(loud.id)] == {bo.id, ana.id, discord.owner.id}


async def test_the_same_nonce_is_the_same_message(discord: FakeDiscord) -> None:
    async with online(discord, Bot()) as bot:
        channel = bot.get_channel(int(discord.general.id))
        assert isinstance(channel, dpy.TextChannel)
        first = await channel.send("once", nonce="key-1")
        again = await channel.send("once", nonce="key-1")
        other = await channel.send("once", nonce="key-2")
        assert first.id == again.id != other.id
        discord.later(301)
        assert (await channel.send("once", nonce="key-1")).id not in (first.id, other.id)
        with pytest.raises(dpy.HTTPException) as caught:
            await channel.send("once", nonce="k" * 26)
        assert caught.value.code == 50035
    assert len(discord.messages(discord.general)) == 3


async def test_limits_of_a_message(discord: FakeDiscord) -> None:
    async with online(discord, Bot()) as bot:
        channel = bot.get_channel(int(discord.general.id))
        assert isinstance(channel, dpy.TextChannel)
        with pytest.raises(dpy.HTTPException) as caught:
            await channel.send("x" * 2001)
        assert (caught.value.status, caught.value.code) == (400, 50035)
        with pytest.raises(dpy.HTTPException) as caught:
            await channel.send(" ")
        assert caught.value.code == 50006
        with pytest.raises(dpy.HTTPException):
            await channel.send(embed=dpy.Embed(description="x" * 4097))
        sent = await channel.send(embed=dpy.Embed(title="T", description="D"))
        edited = await sent.edit(content="now words", embed=None)
        assert (edited.content, edited.embeds) == ("now words", [])
        assert edited.edited_at is not None
        await sent.delete()
        with pytest.raises(dpy.NotFound) as gone:
            await sent.edit(content="too late")
        assert gone.value.code == 10008


async def test_files_go_both_ways(discord: FakeDiscord) -> None:
    bo = discord.human("Bo")
    bot = Bot()
    async with online(discord, bot):
        await bo.upload(discord.general, "notes 笔记.txt", "茶 tea".encode(), "read this")
        await bo.sees("echo read this")
        attached = bot.heard[0].attachments[0]
        assert (attached.filename, attached.content_type) == ("notes 笔记.txt", "text/plain")
        assert await attached.read() == "茶 tea".encode()
        await bot.heard[0].channel.send(
            file=dpy.File(io.BytesIO(b"all of it"), filename="export.json")
        )
        kept = (await bo.sees(lambda message: bool(message.attachments))).attachments[0]
    assert (kept.name, kept.data) == ("export.json", b"all of it")
    assert discord.requested(SEND)[-1].files == ("export.json",)


async def test_history_pages_as_discord_does(discord: FakeDiscord) -> None:
    bo = discord.human("Bo")
    said = [await bo.say(discord.general, f"m{n}") for n in range(120)]
    async with online(discord, Bot()) as bot:
        channel = bot.get_channel(int(discord.general.id))
        assert isinstance(channel, dpy.TextChannel)
        after = dpy.Object(int(said[9].id))
        caught_up = [m.content async for m in channel.history(after=after, limit=None)]
        assert caught_up == [f"m{n}" for n in range(10, 120)]
        newest = [m.content async for m in channel.history(limit=2)]
        assert newest == ["m119", "m118"]
        before = [m.content async for m in channel.history(before=after, limit=3)]
        assert before == ["m8", "m7", "m6"]
        around = [m.content async for m in channel.history(around=after, limit=3)]
        assert sorted(around) == ["m10", "m8", "m9"]
        one = await channel.fetch_message(int(said[5].id))
        assert one.content == "m5"
        with pytest.raises(dpy.NotFound):
            await channel.fetch_message(1)


async def test_threads_from_a_message_beside_and_private(discord: FakeDiscord) -> None:
    bo, ana = discord.human("Bo"), discord.human("Ana")
    bot = Bot()
    async with online(discord, bot):
        start = await bo.say(discord.general, "let us plan")
        await bo.sees(1)
        opened = await bo.thread(start, "plan")
        await bo.say(discord.general, "in here", thread=opened)
        assert (await bo.sees("echo in here")).channel is opened
        assert isinstance(bot.heard[-1].channel, dpy.Thread)
        channel = bot.get_channel(int(discord.general.id))
        assert isinstance(channel, dpy.TextChannel)
        mine = await channel.create_thread(name="beside", type=dpy.ChannelType.public_thread)
        await mine.send("hello")
        private = await bo.thread(discord.general, "hidden", private=True)
        await bo.say(private, "not for the bot")
        await bo.say(private, "<@bot> come in")
        assert (await bo.sees("come in")).channel is private
        with pytest.raises(Refused):
            await ana.say(private, "me too")
        with pytest.raises(dpy.HTTPException) as caught:
            await bot.heard[0].create_thread(name="again")
        assert caught.value.code == 160004
    assert bot.log.texts("thread") == ["plan", "beside"]
    assert bot.log.texts("join")[-1] == "hidden"
    assert "not for the bot" not in bot.log.texts("message")
    assert start.thread is opened
    assert opened.id == start.id
    assert discord.bot.id in opened.people


async def test_an_archived_thread_opens_for_a_message(discord: FakeDiscord) -> None:
    bo = discord.human("Bo")
    bot = Bot()
    bot.echoes = False
    async with online(discord, bot):
        thread = await bo.thread(discord.general, "plan")
        said = await bo.say(thread, "one")
        await discord.until(lambda: "one" in bot.log.texts("message"))
        found = bot.heard[-1].channel
        assert isinstance(found, dpy.Thread)
        await bo.archive(thread)
        with pytest.raises(dpy.HTTPException) as caught:
            await bot.heard[-1].add_reaction("👀")
        assert caught.value.code == 50083
        await found.send("opens it")
        assert not thread.archived
        await bo.archive(thread, locked=True)
        with pytest.raises(dpy.HTTPException) as caught:
            await found.send("stays shut")
        assert caught.value.code == 50083
        assert [t.id for t in await bot.guilds[0].active_threads()] == []
    assert bot.log.texts("archived") == ["plan", "plan"]
    assert said.reactions == {}


async def test_permissions_and_what_is_not_there(discord: FakeDiscord) -> None:
    bo, ana = discord.human("Bo"), discord.human("Ana")
    secret = discord.channel("secret", only=[bo])
    bot = Bot()
    async with online(discord, bot):
        channel = bot.get_channel(int(secret.id))
        assert isinstance(channel, dpy.TextChannel)
        discord.deny(secret, Permission.SEND_MESSAGES)
        with pytest.raises(dpy.Forbidden) as caught:
            await channel.send("hi")
        assert caught.value.code == 50013
        await discord.until(lambda: not channel.permissions_for(channel.guild.me).send_messages)
        discord.deny(secret, Permission.VIEW_CHANNEL)
        with pytest.raises(dpy.Forbidden) as caught:
            await channel.send("hi")
        assert caught.value.code == 50001
        await bo.say(secret, "unheard")
        discord.delete_channel(secret)
        await discord.until(lambda: bot.log.texts("gone"))
        with pytest.raises(dpy.NotFound) as missing:
            await channel.send("hi")
        assert missing.value.code == 10003
        with pytest.raises(dpy.NotFound) as missing:
            await bot.fetch_user(1)
        assert missing.value.code == 10013
        ana.user.closed = True
        stranger = await bot.fetch_user(int(ana.id))
        with pytest.raises(dpy.Forbidden) as caught:
            await stranger.send("hello?")
        assert caught.value.code == 50007
    assert bot.heard == []


async def test_reactions_of_the_bot(discord: FakeDiscord) -> None:
    bo = discord.human("Bo")
    bot = Bot()
    bot.echoes = False
    async with online(discord, bot):
        said = await bo.say(discord.general, "work")
        await discord.until(lambda: bot.heard)
        await bot.heard[0].add_reaction("👀")
        assert said.reactions == {"👀": [discord.bot]}
        await bo.react(said, "👀")
        fetched = await bot.heard[0].channel.fetch_message(int(said.id))
        assert (fetched.reactions[0].count, fetched.reactions[0].me) == (2, True)
        assert {user.id async for user in fetched.reactions[0].users()} == {
            int(bo.id),
            bot.application_id,
        }
        assert bot.user is not None
        await bot.heard[0].remove_reaction("👀", bot.user)
        assert said.reactions == {"👀": [bo.user]}
        with pytest.raises(dpy.HTTPException) as caught:
            await bot.heard[0].add_reaction("thumbsup")
        assert caught.value.code == 10014
        async with bot.heard[0].channel.typing():
            pass
    assert len(discord.requested("POST /channels/{}/typing")) == 1


async def test_guilds_and_members_come_and_go(discord: FakeDiscord) -> None:
    discord.human("Bo")
    bot = Bot(intents(members=True))
    async with online(discord, bot):
        home = bot.guilds[0]
        assert home.get_member_named("Bo") is not None  # asked for by op 8
        discord.human("Ana")
        await discord.until(lambda: bot.log.texts("member"))
        second = discord.add_guild("Second")
        await discord.until(lambda: bot.log.texts("guild"))
        discord.leave(second)
        await discord.until(lambda: bot.log.texts("thrown out"))
        assert [guild.name for guild in bot.guilds] == ["Home"]
        with pytest.raises(dpy.Forbidden) as caught:
            await bot.fetch_guild(int(second.id))
        assert caught.value.code == 50001
        assert {m.display_name async for m in home.fetch_members()} == {
            "Owner",
            "Bo",
            "Ana",
            "Reverie",
        }
    assert bot.log.texts("member") == ["Ana"]


async def test_without_the_content_intent_strangers_are_blank(discord: FakeDiscord) -> None:
    bo = discord.human("Bo")
    discord.withdraw(Intent.MESSAGE_CONTENT)
    bot = Bot(intents(content=False))
    bot.echoes = False
    async with online(discord, bot):
        application = await bot.application_info()
        assert not application.flags.gateway_message_content_limited
        await bo.say(discord.general, "not for you")
        await bo.say(discord.general, "<@bot> for you")
        await bo.dm("also for you")
        await discord.until(lambda: len(bot.heard) == 3)
        channel = bot.get_channel(int(discord.general.id))
        assert isinstance(channel, dpy.TextChannel)
        read = [message.content async for message in channel.history()]
    mention = f"{discord.bot.mention} for you"
    assert bot.log.texts("message") == ["", mention, "also for you"]
    assert read == [mention, ""]


async def test_other_bots_and_conversations_of_others(discord: FakeDiscord) -> None:
    bo, ana, rover = discord.human("Bo"), discord.human("Ana"), discord.human("Rover", bot=True)
    bot = Bot()
    bot.echoes = False
    async with online(discord, bot):
        between = discord.between(bo, ana)
        await bo.say(between, "just us")
        await rover.say(discord.general, "beep")
        await discord.until(lambda: bot.heard)
        with pytest.raises(dpy.Forbidden) as caught:
            await bot.fetch_channel(int(between.id))
        assert caught.value.code == 50001
    assert [(m.content, m.author.bot) for m in bot.heard] == [("beep", True)]
