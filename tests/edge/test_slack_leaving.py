"""Slack tells when somebody leaves a channel: the bot must know who can no longer read it."""

from adapters.base import Address
from bot.testing.slack import FakeSlack
from tests.edge.slack_world import TEAM, Listener, online


async def test_who_leaves_a_channel_is_told() -> None:
    async with FakeSlack().running() as fake:
        listener = Listener(fake)
        ana = fake.human("Ana 安娜")
        channel = fake.channel("general").id
        async with online(fake, listener):
            await ana.say("#general", "<@bot> hello 你好")
            await listener.hears()
            await ana.leave("#general")
            [(room, who)] = await fake.until(lambda: listener.parted)
    assert room == Address(platform="slack", space=TEAM, channel=channel)
    assert who == ana.id
