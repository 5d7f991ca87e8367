"""What a call to Slack can fail with, and what it says. Never what was sent along."""

from typing import Final

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

# A timeout is an OSError; a body that is no JSON gives a ValueError.
TROUBLE: Final = (SlackClientError, aiohttp.ClientError, OSError, ValueError)

BAD_TOKEN: Final = frozenset(
    {
        "account_inactive", "invalid_auth", "no_permission", "not_allowed_token_type", "not_authed",
        "team_access_not_granted", "token_expired", "token_revoked",
    }
)  # fmt: skip


PASSING: Final = frozenset(  # codes of what may be over soon
    {"", "fatal_error", "internal_error", "ratelimited", "request_timeout", "service_unavailable"}
)


def code_of(error: Exception) -> str:
    """Slack's own word for what went wrong; "" where it said none."""
    return _field(error, "error")


def needed_by(error: Exception) -> str:
    """The scopes, one of which is missing."""
    return _field(error, "needed")


def _field(error: Exception, name: str) -> str:
    data = getattr(_response(error), "data", None)
    return str(data.get(name, "")) if isinstance(data, dict) else ""


def status_of(error: Exception) -> int:
    """The HTTP status; 0 where there was no answer. Slack refuses with status 200."""
    response = _response(error)
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    return status if isinstance(status, int) else 0


def retry_after(error: Exception) -> float | None:
    """Seconds for which Slack wants to be left alone."""
    headers = getattr(_response(error), "headers", None) or {}
    value = str(headers.get("Retry-After", ""))
    return float(value) if value.isdigit() else None


def told(error: BaseException | None) -> str:
    """A word for the log: what the libraries say themselves may hold what was sent."""
    if not isinstance(error, TROUBLE):
        return str(error) or type(error).__name__
    status = status_of(error)
    return code_of(error) or (f"HTTP {status}" if status else type(error).__name__)


def _response(error: Exception) -> object:
    return error.response if isinstance(error, SlackApiError) else None
