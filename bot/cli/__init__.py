"""The command line. Heavy parts are imported inside the commands, so that --help is quick."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli import agents, memory, setup, usage
from bot.cli.common import AgentName, AsJson, application_of, load_settings, run, user
from bot.cli.eval import app as measures
from bot.errors import UserError

app = typer.Typer(
    help="Reverie: a chat bot that remembers the people it works with.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(agents.app, name="agents")
app.add_typer(memory.app, name="memory")
app.add_typer(measures, name="eval")
manifest = typer.Typer(help="The manifest of an app on a platform.", no_args_is_help=True)
app.add_typer(manifest, name="manifest")
invite = typer.Typer(help="The link that adds the bot to a platform.", no_args_is_help=True)
app.add_typer(invite, name="invite")
for command in (setup.init, setup.doctor, setup.migrate, setup.reindex, usage.usage):
    app.command()(command)

Thoughts = Annotated[bool, typer.Option("--thoughts", help="Show the inner thoughts too.")]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"reverie {version('reverie-bot')}")
        except PackageNotFoundError:  # run from its folder
            print("reverie (not installed)")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say it and end.")
    ] = False,
) -> None:
    pass


def _talk(agent: str | None, as_json: bool, thoughts: bool) -> None:
    settings = load_settings()
    from bot.cli.chat import main

    raise typer.Exit(
        run(main(settings, user=user(), agent=agent, as_json=as_json, thoughts=thoughts))
    )


@app.command()
def chat(agent: AgentName = None, as_json: AsJson = False, thoughts: Thoughts = False) -> None:
    """Talk in this terminal; through a pipe, each line is a message."""
    _talk(agent, as_json, thoughts)


@app.command(name="run")
def run_all(agent: AgentName = None, as_json: AsJson = False, thoughts: Thoughts = False) -> None:
    """Run the platforms that are configured; without any, the chat."""
    settings = load_settings()
    if settings.discord_token is None and settings.slack_bot_token is None:
        _talk(agent, as_json, thoughts)
    from bot.cli.serve import main

    raise typer.Exit(run(main(settings)))


@app.command()
def simulate(
    script: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Play this, such as docs/demo.yaml.")
    ] = None,
    home: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the memory here; else it is passing.")
    ] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Without the time to read a script.")
    ] = False,
) -> None:
    """Play people in a Slack and a Discord on this machine, with no account anywhere."""
    settings = load_settings()
    from bot.cli.simulate import main

    raise typer.Exit(run(main(settings, script=script, home=home, fast=fast)))


@invite.callback()
def platforms() -> None:
    pass


@invite.command()
def discord(
    application: Annotated[
        str | None, typer.Option(help="The application's id; else it is read from DISCORD_TOKEN.")
    ] = None,
) -> None:
    """The link by which somebody with Manage Server adds the bot."""
    from adapters.discord import invite_url

    try:
        print(invite_url(application or application_of(load_settings())))
    except ValueError as error:
        raise UserError(str(error)) from error


@manifest.callback()
def apps() -> None:
    pass


@manifest.command()
def slack(
    request_url: Annotated[
        str | None, typer.Option(help="Where Slack reaches the bot; without it, by Socket Mode.")
    ] = None,
) -> None:
    """The manifest to paste at api.slack.com/apps: Create New App, From a manifest."""
    import json

    from adapters.slack import manifest as slack_manifest

    print(json.dumps(slack_manifest(request_url), indent=2))
