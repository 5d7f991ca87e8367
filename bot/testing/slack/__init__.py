"""A fake Slack, for tests and for trying things: the unmodified slack-bolt and slack-sdk talk to it
over real sockets on loopback, and people in it are driven by verbs.

    async with FakeSlack().running() as slack:
        client = AsyncWebClient(token=slack.app.bot_token, base_url=slack.api_url)
        handler = AsyncSocketModeHandler(AsyncApp(client=client), slack.app.app_token)
        await handler.connect_async()
        ana = slack.human("Ana")
        question = await ana.say("#general", "<@bot> hi")
        [answer] = await ana.sees(thread=question)
        shown = await ana.command("/memory", "show")
        await ana.click(shown.shown[0], "pin", "42")

It keeps to docs.slack.dev as far as a bot can tell, refuses what Slack refuses, sends again what is
not acknowledged, and fails on demand: `slack.fail("chat.postMessage", status=429, retry_after=1)`,
`slack.drop_sockets()`, `slack.duplicates = 3`, `await slack.restart()`. It was not compared with
the live service. Not there: streaming (chat.startStream), canvases, lists, bookmarks, Slack
Connect, several workspaces, emoji in texts as :names:.
"""

from bot.testing.slack.delivery import Ack, Delivery
from bot.testing.slack.fake import FakeSlack
from bot.testing.slack.humans import Human
from bot.testing.slack.surfaces import Interaction
from bot.testing.slack.web_api import Request
from bot.testing.slack.wire import Json, Refused, Timing
from bot.testing.slack.workspace import App, Channel

__all__ = [
    "Ack",
    "App",
    "Channel",
    "Delivery",
    "FakeSlack",
    "Human",
    "Interaction",
    "Json",
    "Refused",
    "Request",
    "Timing",
]
