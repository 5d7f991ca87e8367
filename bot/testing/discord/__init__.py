"""A fake Discord on loopback, driven by people and able to fail: for unmodified client libraries.

    async with FakeDiscord().running() as discord:
        ...  # point the bot at discord.api_url and discord.gateway_url, with discord.token
        bo = discord.human("Bo")
        await bo.say(discord.general, "<@bot> hi")
        [answer] = await bo.sees(1)

It follows the published documents, and was never compared with the live service.
"""

from bot.testing.discord.errors import Refused
from bot.testing.discord.humans import Human
from bot.testing.discord.interactions import Choice, Interaction
from bot.testing.discord.limits import Limit
from bot.testing.discord.posts import File
from bot.testing.discord.records import Channel, Guild, Intent, Message, Permission, Role, User
from bot.testing.discord.rest import Request
from bot.testing.discord.server import FakeDiscord

__all__ = [
    "Channel",
    "Choice",
    "FakeDiscord",
    "File",
    "Guild",
    "Human",
    "Intent",
    "Interaction",
    "Limit",
    "Message",
    "Permission",
    "Refused",
    "Request",
    "Role",
    "User",
]
