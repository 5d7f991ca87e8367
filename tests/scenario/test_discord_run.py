"""`reverie run` on Discord: the real program, the real discord.py, a simulator on loopback."""

import asyncio
import signal
import subprocess
from contextlib import AbstractContextManager

from bot.testing.discord import FakeDiscord
from tests.scenario.conftest import Cli


def program(
    cli: Cli, discord: FakeDiscord, token: str = ""
) -> "AbstractContextManager[subprocess.Popen[bytes]]":
    return cli.running(
        DISCORD_TOKEN=token or discord.token,
        REVERIE_DISCORD_API_BASE=discord.api_url,
        REVERIE_DISCORD_GATEWAY_URL=discord.gateway_url,
    )


async def test_it_remembers_across_a_kill(cli: Cli) -> None:
    async with FakeDiscord().running() as discord:
        ana = discord.human("Ana")
        with program(cli, discord) as first:
            await discord.until(lambda: discord.connected == 1, within=30)
            await ana.dm("我叫张三,是一名Python开发者")
            await ana.sees("Python开发者")
            first.send_signal(signal.SIGKILL)
            first.wait()
        await ana.dm("I live in Oslo")  # while nobody is there
        with program(cli, discord):
            await ana.sees("Oslo")  # caught up with
            await ana.dm("你还记得我是做什么的吗?")
            await ana.sees("Python开发者")


async def test_in_a_room_it_answers_who_mentions_it_and_keeps_a_dm_to_itself(
    cli: Cli,
) -> None:
    async with FakeDiscord().running() as discord:
        ana, ben = discord.human("Ana"), discord.human("Ben")
        with program(cli, discord):
            await discord.until(lambda: discord.connected == 1, within=30)
            await ana.dm("My secret code is Zanzibar")
            await ana.sees("Zanzibar")
            await ben.say("#general", "nobody is asked")
            await ben.say("#general", "<@bot> what is the secret code of Ana?")
            await ben.sees(1, where=discord.general)
        said = [message.content for message in discord.messages(discord.general)]
    assert len(said) == 3
    assert "Zanzibar" not in " ".join(said)


async def test_memory_is_a_command(cli: Cli) -> None:
    async with FakeDiscord().running() as discord:
        ana = discord.human("Ana")
        with program(cli, discord):
            await discord.until(lambda: len(discord.commands) > 0, within=30)
            await ana.dm("I like sailing")
            await ana.sees("sailing")
            asked = await ana.command("/memory", "show")
    assert "sailing" in asked.text
    assert asked.ephemeral


async def test_memory_is_changed_by_buttons_across_a_kill(cli: Cli) -> None:
    async with FakeDiscord().running() as discord:
        ana = discord.human("Ana")
        with program(cli, discord):
            await discord.until(lambda: len(discord.commands) > 0, within=30)
            await ana.command("memory", "add", text="喜欢喝茶")
            shown = await ana.command("memory", "show")
        with program(cli, discord):
            begun = discord.started
            await discord.until(lambda: discord.started > begun, within=30)
            opened = await ana.click(shown.messages[-1], "③ Edit")
            await ana.submit(opened, {"text": "喜欢喝咖啡"})
            offered = await ana.autocomplete("memory", "forget", focused="number", number="咖啡")
            again = await ana.command("memory", "show")
            assert "喜欢喝咖啡" in again.text
            asked = await ana.click(again.messages[-1], "③ Forget")
            await ana.click(asked.messages[-1], "Yes · 是")
            await discord.until(lambda: "Forgot" in asked.messages[-1].content)
            gone = await ana.command("memory", "show")
    assert opened.form is not None
    assert opened.form["components"][0]["component"]["value"] == "喜欢喝茶"
    assert [choice.name.partition(" ")[2] for choice in offered] == ["喜欢喝咖啡"]
    assert "喜欢" not in gone.text


async def test_a_wrong_token_is_a_sentence(cli: Cli) -> None:
    async with FakeDiscord().running() as discord:
        with program(cli, discord, token="MTIz.wrong.token") as refused:
            _, told = await asyncio.to_thread(refused.communicate, timeout=30)
    assert refused.returncode == 1
    assert b"Traceback" not in told
    assert b"DISCORD_TOKEN" in told


def test_a_simulator_may_only_be_on_this_machine(cli: Cli) -> None:
    base = "http://example.com/api"
    told = cli.refused("run", DISCORD_TOKEN="x", REVERIE_DISCORD_API_BASE=base)
    assert "REVERIE_DISCORD_API_BASE" in told
