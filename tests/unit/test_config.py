"""Settings: names, aliases, contradictions told all at once, and secrets that do not show."""

from pathlib import Path

import pytest

from bot.config import DEFAULT_OPENAI_MODEL, Settings
from bot.errors import ConfigError


def problems(environ: dict[str, str]) -> str:
    with pytest.raises(ConfigError) as caught:
        Settings.from_env(environ)
    return str(caught.value)


def test_nothing_set_is_offline_in_the_users_home() -> None:
    settings = Settings.from_env({})
    assert settings.offline
    assert settings.home == Path("~/.reverie").expanduser()
    assert settings.database_path == settings.home / "reverie.db"
    assert settings.embedding == "local"


def test_own_names_are_read_and_blanks_are_nothing() -> None:
    settings = Settings.from_env(
        {
            "REVERIE_LLM_BASE_URL": " http://127.0.0.1:11434 ",
            "REVERIE_LLM_MODEL": "qwen3:8b",
            "REVERIE_LLM_WINDOW": "32768",
            "REVERIE_TIMEZONE": "Asia/Shanghai",
            "REVERIE_TOOLS": "mytools, other.tools,",
            "REVERIE_LLM_API_KEY": "  ",
            "REVERIE_DATABASE_URL": "sqlite:////srv/memory.db",
        }
    )
    assert settings.llm_base_url == "http://127.0.0.1:11434/v1"
    assert (settings.llm_model, settings.llm_window) == ("qwen3:8b", 32768)
    assert settings.tools == ("mytools", "other.tools")
    assert settings.llm_api_key is None
    assert settings.database_path == Path("/srv/memory.db")
    assert not settings.offline


def test_the_tutorials_names_are_aliases() -> None:
    settings = Settings.from_env(
        {
            "LETTA_LLM_ENDPOINT": "http://127.0.0.1:8000/v1",
            "LETTA_LLM_MODEL": "llama",
            "LETTA_EMBEDDING_ENDPOINT": "http://127.0.0.1:8001",
            "LETTA_EMBEDDING_MODEL": "bge",
        }
    )
    assert (settings.llm_base_url, settings.llm_model) == ("http://127.0.0.1:8000/v1", "llama")
    assert settings.embedding == "openai"
    assert settings.embedding_base_url == "http://127.0.0.1:8001/v1"
    assert settings.embedding_model == "bge"


def test_an_alias_that_says_otherwise_is_a_contradiction() -> None:
    same = {"REVERIE_LLM_MODEL": "a", "LETTA_LLM_MODEL": "a", "REVERIE_LLM_API_KEY": "k"}
    assert Settings.from_env(same).llm_model == "a"
    assert "REVERIE_LLM_MODEL and LETTA_LLM_MODEL" in problems({**same, "LETTA_LLM_MODEL": "b"})


def test_an_openai_key_alone_is_enough() -> None:
    settings = Settings.from_env({"OPENAI_API_KEY": "sk-secret"})
    assert settings.llm_model == DEFAULT_OPENAI_MODEL
    assert settings.llm_api_key is not None
    assert settings.llm_api_key.get_secret_value() == "sk-secret"


def test_an_openai_key_does_not_choose_a_model_for_another_endpoint() -> None:
    told = problems({"OPENAI_API_KEY": "sk-x", "REVERIE_LLM_BASE_URL": "http://127.0.0.1:1/v1"})
    assert "no model is named" in told


def test_azure_with_and_without_an_api_version() -> None:
    azure = {
        "AZURE_OPENAI_ENDPOINT": "https://mine.openai.azure.com/",
        "AZURE_OPENAI_API_KEY": "az-secret",
        "AZURE_OPENAI_DEPLOYMENT": "gpt",
    }
    settings = Settings.from_env(azure)
    assert settings.llm_base_url == "https://mine.openai.azure.com/openai/v1"
    assert settings.llm_model == "gpt"
    assert settings.llm_api_version is None
    dated = Settings.from_env({**azure, "AZURE_OPENAI_API_VERSION": "2024-10-21"})
    assert dated.llm_api_version == "2024-10-21"
    assert dated.llm_base_url is not None
    assert dated.llm_base_url.startswith("https://mine.openai.azure.com")
    assert "Keep one of them" in problems({**azure, "REVERIE_LLM_BASE_URL": "http://x/v1"})


def test_secrets_never_show() -> None:
    settings = Settings.from_env(
        {
            "OPENAI_API_KEY": "sk-secret-1",
            "REVERIE_EMBEDDING_API_KEY": "sk-secret-2",
            "REVERIE_EMBEDDING_MODEL": "m",
        }
    )
    shown = f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"
    assert "secret-1" not in shown
    assert "secret-2" not in shown
    assert "llm_api_key" in shown


def test_all_problems_are_told_at_once_with_names_and_examples() -> None:
    told = problems(
        {
            "REVERIE_LLM_BASE_URL": "127.0.0.1:11434",
            "REVERIE_LLM_MODE": "magic",
            "REVERIE_LLM_WINDOW": "many",
            "REVERIE_TIMEZONE": "Mars/Olympus",
            "REVERIE_DATABASE_URL": "mysql://x",
            "REVERIE_CONCURRENCY": "0",
            "LETTA_LLM_MODEL": "a",
            "REVERIE_LLM_MODEL": "b",
        }
    )
    names = ["LLM_BASE_URL", "LLM_MODE", "LLM_WINDOW", "TIMEZONE", "DATABASE_URL", "CONCURRENCY"]
    assert [name for name in names if f"REVERIE_{name}" not in told] == []
    assert "REVERIE_LLM_MODEL and LETTA_LLM_MODEL" in told
    assert "Example: REVERIE_TIMEZONE=Europe/Berlin" in told
    assert told.count("\n") == 7


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"REVERIE_LLM_MODEL": "m"}, "neither an address nor a key"),
        ({"REVERIE_LLM_BASE_URL": "http://127.0.0.1:1/v1"}, "no model is named"),
        ({"REVERIE_EMBEDDING": "openai"}, "needs a model"),
        ({"REVERIE_EMBEDDING": "off", "REVERIE_EMBEDDING_MODEL": "m"}, "contradict"),
        ({"REVERIE_MAX_STEPS": "1"}, "REVERIE_MAX_STEPS"),
        ({"REVERIE_LOG_LEVEL": "loud"}, "REVERIE_LOG_LEVEL"),
    ],
)
def test_contradictions(environ: dict[str, str], words: str) -> None:
    assert words in problems(environ)


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "home"
    file.write_text("")
    assert "is a file; a folder is needed" in problems({"REVERIE_HOME": str(file)})


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text(
        "REVERIE_TIMEZONE=Europe/Berlin\nREVERIE_MAX_STEPS='7'\nUNKNOWN\n", encoding="utf-8"
    )
    monkeypatch.setenv("REVERIE_TIMEZONE", "Asia/Shanghai")
    monkeypatch.delenv("REVERIE_MAX_STEPS", raising=False)
    settings = Settings.load(tmp_path)
    assert (settings.timezone, settings.max_steps) == ("Asia/Shanghai", 7)
