"""Playing several people in the simulated Slack and Discord, from a terminal or a script.

    player = Player({"slack": SlackStage(slack), "discord": DiscordStage(discord)}, ...)
    await player.step(parse(":as anna slack dm"))
    await player.step(parse("Hi, I am Anna"))

A line that begins with ":" directs the play, one that begins with "/" is a slash command, and
anything else is said. A script is a list of such lines (`load`).
"""

from bot.testing.play.ear import Ear, Overheard
from bot.testing.play.on_discord import DiscordStage
from bot.testing.play.on_slack import SlackStage
from bot.testing.play.parts import Choice, Form, Place, Seen, Stage, Unable
from bot.testing.play.player import Player, Show
from bot.testing.play.script import Script, Step, load, parse
from bot.testing.play.transcript import Transcript

__all__ = [
    "Choice",
    "DiscordStage",
    "Ear",
    "Form",
    "Overheard",
    "Place",
    "Player",
    "Script",
    "Seen",
    "Show",
    "SlackStage",
    "Stage",
    "Step",
    "Transcript",
    "Unable",
    "load",
    "parse",
]
