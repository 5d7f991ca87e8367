"""Slack, on slack-bolt and slack-sdk.

    slack = Slack(bot_token, app_token)         # an adapter of adapters/base.py, by Socket Mode
    slack = Slack(bot_token, signing_secret=…)  # the same, by signed HTTP requests on a port
    await slack.run(hearing)                    # until cancelled; connects again by itself

For a harness of its own: `Slack(bot_token).app(hearing)` is Bolt's `AsyncApp` with everything in
place: give it requests by `app.async_dispatch`, or a socket by Bolt's `AsyncSocketModeHandler`.
`build_app(client, take)` is the app without the adapter: `take` gets every payload before it is
acknowledged. `api_base` of a simulator has to be on loopback.
"""

from adapters.slack.adapter import Slack
from adapters.slack.app import build_app, build_client
from adapters.slack.manifest import manifest

__all__ = ["Slack", "build_app", "build_client", "manifest"]
