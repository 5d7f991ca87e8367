"""`reverie simulate`: the bot among simulated people, from a script, a pipe or a terminal."""

import signal
import subprocess
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.cli.simulate import simulated
from bot.config import Settings
from bot.errors import UserError
from bot.testing.discord import FakeDiscord
from bot.testing.play import Step, load, parse
from bot.testing.play.parts import called
from bot.testing.slack import FakeSlack
from tests.scenario.conftest import ROOT, Cli

DEMO = ROOT / "docs" / "demo.yaml"


def played(cli: Cli, *lines: str) -> str:
    """What is shown when these lines are typed."""
    return cli.ok("simulate", stdin="\n".join(lines)).out


def script(cli: Cli, text: str) -> str:
    path = cli.folder / "script.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_demo_is_as_it_says(cli: Cli) -> None:
    out = cli.ok("simulate", "--script", str(DEMO), "--fast").out
    kinds = ("expect", "expect-not")
    expectations = sum(step.verb in kinds for step in load(DEMO).steps)
    assert f"; expectations met: {expectations}; " in out
    sent = out[out.index("what was sent") :]
    for row in ("messages by people", "answers for one person", "commands", "buttons", "modals"):
        [line] = [line for line in sent.splitlines() if line.startswith(row)]
        assert all(int(number) > 0 for number in line.removeprefix(row).split())


def test_a_secret_stays_one_and_is_forgotten_to_the_last_byte(cli: Cli) -> None:
    home = cli.folder / "kept"
    secret = str(DEMO.with_name("secret.yaml"))
    cli.ok("simulate", "--script", secret, "--fast", "--home", str(home))
    files = [path for path in home.rglob("*") if path.is_file()]
    assert files
    for path in files:
        for word in ("Zanzibar", "芝麻开门"):
            assert word.encode() not in path.read_bytes(), path


def test_an_expectation_that_is_not_met_ends_with_a_sentence(cli: Cli) -> None:
    steps = "steps:\n - as: anna slack dm\n - I like sailing\n - expect: rowing\n"
    ran = cli("simulate", "--script", script(cli, steps))
    assert ran.code == 1
    assert "step 3 (:expect rowing): anna does not see “rowing”, but: Saved" in ran.err
    ran = cli(
        "simulate",
        "--script",
        script(cli, steps.replace("expect: r", "expect-not: r") + " - expect-not: sailing"),
    )
    assert ran.code == 1
    assert "step 4 (:expect-not sailing): anna sees “sailing” in: Saved" in ran.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("steps:\n - jump: high\n", "step 1: There is no :jump."),
        ("steps:\n - say: a\n   press: b\n", "step 1: a step is a line"),
        ("steps: [", "is not YAML"),
        ("title: nothing", "has no steps"),
        ("", "has no steps"),
    ],
)
def test_a_script_is_checked_before_it_is_played(cli: Cli, text: str, told: str) -> None:
    assert told in cli.refused("simulate", "--script", script(cli, text))


def test_a_script_that_is_not_there(cli: Cli) -> None:
    assert "nowhere.yaml cannot be read" in cli.refused("simulate", "--script", "nowhere.yaml")


def test_several_people_are_played_through_a_pipe(cli: Cli) -> None:
    out = played(
        cli,
        "I like sailing",
        ":扮演 小明 slack 私聊",
        "我喜欢喝咖啡",
        ":as bob discord general",
        "nobody is asked",
        "@bot I like chess",
        ":as anna",
        "What do I like?",
        ":who",
    )
    assert "slack dm anna           Reverie  Saved: “I like sailing”" in out
    assert "slack dm 小明           Reverie  已记住:“我喜欢喝咖啡”" in out
    assert "discord #general        Reverie  Saved: “I like chess”" in out
    assert out.count("I remember") == 1
    assert "bob: discord, #general" in out
    replies = next(line for line in out.splitlines() if line.startswith("replies"))
    assert replies.split()[1:] == ["3", "1"]


def test_buttons_have_numbers_and_forms_take_the_next_line(cli: Cli) -> None:
    out = played(
        cli,
        ":as bob discord dm",
        "I like sailing",
        "/memory search sailing",
        ":press 1",
        "I like rowing",
        ":press undo",
        ":press 99",
        "/memory show",
        ":press Pin sailing",
        ":expect is pinned",
    )
    assert "[1] ① Edit  [2] ① Pin  [3] ① Share  [4] ① Why?  [5] ① Forget" in out
    assert "What is right? [I like sailing]" in out
    assert "is now" in out
    assert "There is no button '99'." in out
    assert "✓ bob sees “is pinned”" in out


def test_a_thread_goes_on_and_an_edit_is_learned(cli: Cli) -> None:
    out = played(
        cli,
        ":as anna slack general",
        "@bot we use Postgres for everything",
        ":in thread",
        "What do we use?",
        ":expect Postgres",
        ":in dm",
        "My dog is called Rex",
        ":edit My dog is called Max",
        "What is my dog called?",
        ":expect Max",
        ":expect-not Rex",
    )
    assert out.count("✓") == 3


def test_nothing_is_lost_when_connections_break(cli: Cli) -> None:
    out = played(
        cli,
        "I like sailing",
        ":drop slack",
        "What do I like?",
    )
    assert "I remember" in out


def test_what_cannot_be_done_is_a_sentence(cli: Cli) -> None:
    out = played(
        cli,
        ":jump",
        ":press 1",
        ":fill x",
        ":edit x",
        ":as",
        ":drop teams",
        "/nonsense",
        ":in random",
        "hello?",
        ":as bob discord",
        ":home",
        ":delete",
        "/nonsense",
    )
    for told in (
        "There is no :jump.",
        "There is no button to press here.",
        "No form is open.",
        "anna has said nothing here yet.",
        "Who? For example: :as bob discord general",
        "There is no 'teams', only: slack, discord.",
        "/nonsense is not a valid command",
        "Discord has no page of the bot.",
        "bob has said nothing here yet.",
        "there is no command 'nonsense' here",
    ):
        assert told in out


def test_it_ends_when_it_is_interrupted(cli: Cli) -> None:
    with subprocess.Popen(
        cli.command("simulate"), cwd=cli.folder, env=cli.environ(), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"Reverie, in a Slack")
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)
    assert (process.returncode, told) == (0, b"")


def test_a_home_is_kept_where_one_is_given(cli: Cli) -> None:
    home = cli.folder / "kept"
    cli.ok("simulate", "--home", str(home), stdin="I like sailing")
    shown = cli.ok("memory", "search", "sailing", "--agent", "anna", REVERIE_HOME=str(home)).out
    assert "I like sailing" in shown
    assert not cli.home.exists()


def test_real_accounts_and_memory_stay_out_of_it(tmp_path: Path) -> None:
    real = Settings(
        home=tmp_path / "real",
        database_url=f"sqlite:///{tmp_path}/real.db",
        slack_bot_token=SecretStr("xoxb-real"),
        slack_signing_secret=SecretStr("real"),
        discord_token=SecretStr("real"),
    )
    here = simulated(real, FakeSlack(), FakeDiscord(), tmp_path / "play")
    assert here.database_path == tmp_path / "play" / "reverie.db"
    secrets = (here.slack_bot_token, here.slack_app_token, here.discord_token)
    assert all(secret and "real" not in secret.get_secret_value() for secret in secrets)
    assert here.slack_signing_secret is None


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("hello: there", Step(verb="say", text="hello: there")),
        (":press 3", Step(verb="press", text="3")),
        ("：按 3", Step(verb="press", text="3")),
        (":) so it is", Step(verb="say", text=":) so it is")),
        ("/memory show", Step(verb="say", text="/memory show")),
        (":say :D", Step(verb="say", text=":D")),
    ],
)
def test_lines(line: str, step: Step) -> None:
    assert parse(line) == step


def test_yes_stays_yes_in_a_script(tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    path.write_text("steps:\n - fill: yes\n - expect:\n - press: 3\n", encoding="utf-8")
    steps = [("fill", "yes"), ("expect", ""), ("press", "3")]
    assert [(step.verb, step.text) for step in load(path).steps] == steps
    with pytest.raises(UserError):
        parse(":jump")


def test_names_become_mentions() -> None:
    people = ["anna", "小明"]
    assert called("@bot and @Reverie, ask @anna", people) == "<@bot> and <@bot>, ask <@anna>"
    assert called("@小明 你好 a@anna.org @annabel", people) == "<@小明> 你好 a@anna.org @annabel"
