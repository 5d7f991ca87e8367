"""`reverie run` on Slack: the real program, the real slack-bolt, a simulator on loopback."""

import signal

from bot.testing.slack import FakeSlack
from tests.scenario.conftest import Cli


async def test_it_remembers_across_a_kill(cli: Cli) -> None:
    async with FakeSlack().running() as fake:
        accounts = {
            "SLACK_BOT_TOKEN": fake.app.bot_token,
            "SLACK_APP_TOKEN": fake.app.app_token,
            "REVERIE_SLACK_API_BASE": fake.api_url,
        }
        ana = fake.human("Ana")
        with cli.running(**accounts) as first:
            await fake.connected(within=30)
            await ana.dm("我叫张三,是一名Python开发者")
            await ana.sees("Python开发者", within=20)
            first.send_signal(signal.SIGKILL)
            first.wait()
        with cli.running(**accounts):
            await fake.connected(within=30)
            await ana.dm("你还记得我是做什么的吗?")
            await ana.sees("Python开发者", within=20, count=2)
