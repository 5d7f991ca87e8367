"""Which embedders can still be had by the name under which their vectors are stored."""

import pytest

from bot.app import former_embedder
from bot.config import Settings
from memory.embed import local

ENDPOINT = {
    "REVERIE_EMBEDDING_BASE_URL": "http://127.0.0.1:9/v1",
    "REVERIE_EMBEDDING_MODEL": "new",
}


@pytest.mark.parametrize("environ", [{}, ENDPOINT, {"REVERIE_EMBEDDING": "off"}])
@pytest.mark.parametrize("name", [local.NAME, "openai-old", "openai-", "nanoe4", "", "向量"])
async def test_whose_vectors_still_serve(environ: dict[str, str], name: str) -> None:
    embedder = former_embedder(Settings.from_env(environ), name)
    there = {  # an endpoint that is not configured is sent nothing
        local.NAME: local.available(),
        "openai-old": environ is ENDPOINT,
    }
    assert (embedder is not None) == there.get(name, False)
    if embedder is not None:
        assert embedder.name == name
        await embedder.close()
