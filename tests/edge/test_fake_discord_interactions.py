"""The unmodified discord.py against the fake Discord: commands, buttons, menus, forms."""

from collections.abc import AsyncIterator

import discord as dpy
import pytest

from bot.testing.discord import Choice, FakeDiscord, File, Refused
from tests.edge.discord_bot import online
from tests.edge.discord_commands import Asked, CommandBot

CALLBACK = "POST /interactions/{}/{}/callback"


@pytest.fixture
async def discord() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord(patience=5).running() as fake:
        yield fake


@pytest.fixture
async def bot(discord: FakeDiscord) -> AsyncIterator[CommandBot]:
    bot = CommandBot()
    async with online(discord, bot):
        yield bot


async def test_a_command_is_answered_to_one_person(discord: FakeDiscord, bot: CommandBot) -> None:
    bo, ana = discord.human("Bo"), discord.human("Ana")
    seen = await bo.command("/memory", "show", where=discord.general)
    assert (seen.text, seen.ephemeral) == ("your facts", True)
    assert bo.seen == tuple(seen.messages)
    assert ana.seen == ()
    with pytest.raises(Refused, match="does not see"):
        await ana.click(seen.messages[0], "Forget")
    channel = bot.get_channel(int(discord.general.id))
    assert isinstance(channel, dpy.TextChannel)
    assert [m async for m in channel.history()] == []
    with pytest.raises(dpy.NotFound):
        await channel.fetch_message(int(seen.messages[0].id))
    assert seen.acknowledged_after is not None
    assert seen.acknowledged_after < 3
    assert discord.interactions == [seen]
    loud = await bo.command("memory", "show", where=discord.general, loud=True)
    assert not loud.ephemeral
    assert ana.seen == tuple(loud.messages)


async def test_deferred_answers_take_the_place_of_thinking(
    discord: FakeDiscord, bot: CommandBot
) -> None:
    bo = discord.human("Bo")
    seen = await bo.command("/slow")
    await discord.until(lambda: seen.text == "thought twice")
    assert [m.loading for m in seen.messages] == [False]
    assert seen.messages[0].attachments[0].data == b"{}"
    assert [m.content for m in await bo.sees(1)] == ["thought twice"]
    forgot = await bo.command("/memory", "forget", fact="id-1")
    assert forgot.text.startswith("forgot id-1")
    await discord.until(lambda: len(forgot.messages) == 2)
    assert forgot.ephemeral  # by the deferral, whatever the follow-up says
    assert [request.status for request in discord.requested(CALLBACK)] == [200, 200]


async def test_autocompletion(discord: FakeDiscord, bot: CommandBot) -> None:
    bo = discord.human("Bo")
    offered = await bo.autocomplete("/memory", "forget", focused="fact", fact="茶")
    assert offered == (Choice(name="喜欢茶", value="id-喜欢茶"),)
    assert len(await bo.autocomplete("/memory", "forget", focused="fact")) == 3
    with pytest.raises(Refused, match="no autocompletion"):
        await bo.autocomplete("/memory", "show", focused="loud")


async def test_options_of_all_kinds(discord: FakeDiscord, bot: CommandBot) -> None:
    bo, ana = discord.human("Bo"), discord.human("Ana")
    seen = await bo.command(
        "/add",
        where=discord.general,
        kind="Fact",
        about=ana,
        times=2,
        weight=0.5,
        file=File(name="a.txt", data="茶".encode(), content_type="text/plain"),
    )
    assert seen.text == "f Ana 2 0.5 茶"
    with pytest.raises(Refused, match="required: about, times"):
        await bo.command("/add", kind="Fact")
    with pytest.raises(Refused, match="is one of: Fact"):
        await bo.command("/add", kind="Opinion", about=ana, times=1)
    with pytest.raises(Refused, match="not of that type"):
        await bo.command("/add", kind="Fact", about=ana, times="many")
    with pytest.raises(Refused, match="no option 'colour'"):
        await bo.command("/add", kind="Fact", about=ana, times=1, colour="red")
    with pytest.raises(Refused, match="no command '/nothing'"):
        await bo.command("/nothing")
    with pytest.raises(Refused, match="needs one of: show, forget"):
        await bo.command("/memory")
    with pytest.raises(Refused, match="no 'fly' there"):
        await bo.command("/memory", "fly")


async def test_where_and_for_whom_a_command_is_offered(
    discord: FakeDiscord, bot: CommandBot
) -> None:
    bo, ana, chief = discord.human("Bo"), discord.human("Ana"), discord.human("Chief", admin=True)
    assert (await bo.command("/room", where=discord.general)).text == "in general"
    with pytest.raises(Refused, match="kind of conversation"):
        await bo.command("/room")
    with pytest.raises(Refused, match="Bo may not use /mode"):
        await bo.command("/mode", where=discord.general)
    assert (await chief.command("/mode", where=discord.general)).text == "True"
    between = discord.between(bo, ana)
    with pytest.raises(Refused, match="not installed"):
        await bo.command("/slow", where=between)
    seen = await bo.command("/memory", "show", where=between)
    assert seen.text == "your facts"


async def test_menus_of_messages_and_people(discord: FakeDiscord, bot: CommandBot) -> None:
    bo, ana = discord.human("Bo"), discord.human("Ana")
    said = await ana.say(discord.general, "the door code is 42")
    assert (await bo.menu("Remember this", said)).text == "will remember: the door code is 42"
    assert (await bo.menu("Who is it", ana)).text == "Ana"


async def test_buttons_and_lists(discord: FakeDiscord, bot: CommandBot) -> None:
    bo = discord.human("Bo")
    shown = (await bo.command("/memory", "show")).messages[0]
    assert (await bo.click(shown, "pick", "likes trains")).text == "picked ['1']"
    later = await bo.click(shown, "later")
    await discord.until(lambda: shown.content == "edited later")
    assert later.acknowledged_after is not None
    for which in ("off", "Site", "Nowhere"):
        with pytest.raises(Refused):
            await bo.click(shown, which)
    with pytest.raises(Refused, match="offers"):
        await bo.click(shown, "pick", "likes ships")
    gone = await bo.click(shown, "Forget")
    assert (gone.text, shown.components) == ("forgotten", [])


async def test_a_form_is_filled_in(discord: FakeDiscord, bot: CommandBot) -> None:
    bo = discord.human("Bo")
    shown = (await bo.command("/memory", "show")).messages[0]
    opened = await bo.click(shown, "edit")
    assert opened.form is not None
    assert opened.form["title"] == "Edit a fact"
    same = await bo.submit(opened)
    assert same.text == "likes tea / ['person']"
    opened = await bo.click(shown, "edit")
    changed = await bo.submit(opened, {"Fact": "喜欢咖啡", "audience": "All"})
    assert changed.text == "喜欢咖啡 / ['workspace']"
    with pytest.raises(Refused, match="is required"):
        await bo.submit(opened, {"fact": ""})
    with pytest.raises(Refused, match="has no colour"):
        await bo.submit(opened, {"colour": "red"})
    with pytest.raises(Refused, match="no form"):
        await bo.submit(changed)


async def test_who_is_late_is_unknown() -> None:
    async with FakeDiscord(ack_within=0.05, patience=5).running() as discord:
        bot = CommandBot()
        bo = discord.human("Bo")
        async with online(discord, bot):
            discord.slow(CALLBACK, 0.1)
            seen = await bo.command("/memory", "show")
            await discord.until(lambda: bot.errors)
    assert seen.failed
    assert isinstance(bot.errors[0], dpy.NotFound)
    assert bot.errors[0].code == 10062


async def test_a_token_expires_and_is_good_for_one_response(
    discord: FakeDiscord, bot: CommandBot
) -> None:
    bo = discord.human("Bo")
    kept: list[Asked] = []

    @bot.tree.command(name="keep", description="Keeps the interaction")
    async def keep(asked: Asked) -> None:
        kept.append(asked)
        with pytest.raises(dpy.NotFound) as early:
            await asked.followup.send("too early")
        assert early.value.code == 10015
        await asked.response.send_message("kept")

    await bot.tree.sync()
    seen = await bo.command("/keep")
    assert seen.text == "kept"
    with pytest.raises(dpy.HTTPException) as twice:
        await bot.http.request(
            dpy.http.Route("POST", f"/interactions/{seen.id}/{seen.token}/callback"),
            json={"type": 4, "data": {"content": "again"}},
        )
    assert twice.value.code == 40060
    await kept[0].followup.send("in time")
    await kept[0].delete_original_response()
    assert seen.messages[0].deleted
    with pytest.raises(dpy.NotFound) as gone:
        await kept[0].edit_original_response(content="back?")
    assert gone.value.code == 10008
    discord.later(901)
    with pytest.raises(dpy.HTTPException) as expired:
        await kept[0].followup.send("too late")
    assert (expired.value.status, expired.value.code) == (401, 50027)
    assert bot.errors == []


async def test_without_the_bot_an_interaction_fails() -> None:
    async with FakeDiscord(ack_within=0.05).running() as discord:
        bo = discord.human("Bo")
        async with online(discord, CommandBot()):
            assert discord.commands[0]["name"] == "memory"
        seen = await bo.command("/slow")
    assert seen.failed
    assert (seen.text, seen.acknowledged_after) == ("", None)


async def test_commands_are_global_or_of_a_guild(discord: FakeDiscord, bot: CommandBot) -> None:
    bo = discord.human("Bo")
    second = discord.add_guild("Second")
    there = discord.channel("general", guild=second)

    @bot.tree.command(name="local", description="Only there", guild=dpy.Object(int(second.id)))
    async def local(asked: Asked) -> None:
        await asked.response.send_message("local")

    made = await bot.tree.sync(guild=dpy.Object(int(second.id)))
    assert [command.name for command in made] == ["local"]
    assert (await bo.command("/local", where=there)).text == "local"
    with pytest.raises(Refused):
        await bo.command("/local", where=discord.general)
    first = await bot.tree.fetch_commands()
    again = await bot.tree.sync()
    assert {c.id for c in first} == {c.id for c in again}
    memory = next(command for command in discord.commands if command["name"] == "memory")
    assert memory["integration_types"] == [0, 1]
    bad = [{"name": "Bad Name", "description": "x"}]
    with pytest.raises(dpy.HTTPException) as caught:
        await bot.http.bulk_upsert_global_commands(bot.application_id or 0, bad)
    assert caught.value.code == 50035


async def test_modern_components(discord: FakeDiscord, bot: CommandBot) -> None:
    bo = discord.human("Bo")
    pressed: list[str] = []

    class Panel(dpy.ui.LayoutView):
        def __init__(self) -> None:
            super().__init__(timeout=None)
            button: dpy.ui.Button[dpy.ui.LayoutView] = dpy.ui.Button(label="Pin", custom_id="pin")
            button.callback = self.pressed  # type: ignore[method-assign,assignment]
            text: dpy.ui.TextDisplay[dpy.ui.LayoutView] = dpy.ui.TextDisplay("likes tea")
            self.add_item(dpy.ui.Section(text, accessory=button))

        async def pressed(self, asked: Asked) -> None:
            pressed.append("pin")
            await asked.response.defer()

    channel = bot.get_channel(int(discord.general.id))
    assert isinstance(channel, dpy.TextChannel)
    await channel.send(view=Panel())
    shown = await bo.sees("likes tea")
    assert shown.content == ""
    await bo.click(shown, "Pin")
    assert pressed == ["pin"]
    with pytest.raises(dpy.HTTPException) as caught:
        await channel.send("words too", view=Panel())  # type: ignore[call-overload]
    assert caught.value.code == 50035
