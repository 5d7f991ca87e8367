"""Discord, on discord.py.

    discord = Discord(token)                 # an adapter of adapters/base.py
    await discord.run(hearing)               # until cancelled; connects again by itself

For a harness of its own: `Discord(token).client(hearing)` is a `discord.Client` with all handlers
in place, to be started by `client.start(token)`. `build_client()` is the same without handlers.
Both take loopback addresses of a simulator, and refuse any other.
"""

from adapters.discord.adapter import Discord
from adapters.discord.client import build_client
from adapters.discord.invite import invite_url

__all__ = ["Discord", "build_client", "invite_url"]
