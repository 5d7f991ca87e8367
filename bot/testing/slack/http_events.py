"""HTTP delivery: Slack calls the app's request URL, and signs what it sends."""

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Mapping
from urllib.parse import urlencode

from aiohttp import ClientError, ClientSession, ClientTimeout

from bot.testing.slack.delivery import Delivery, Record, Undelivered
from bot.testing.slack.wire import Json, Kind
from bot.testing.slack.workspace import Workspace

FORM = "application/x-www-form-urlencoded"


class HttpEvents:
    """Posts to one request URL, as an app has that uses the same for everything."""

    def __init__(self, workspace: Workspace, record: Record, session: ClientSession) -> None:
        self._workspace, self._record, self._session = workspace, record, session
        self.url = ""

    async def verify(self, url: str) -> None:
        """Ask the URL to echo a challenge, as Slack does when it is set.

        Raises ValueError where it does not, and Undelivered where it does not answer.
        """
        challenge = uuid.uuid4().hex
        asked = {"token": "verification-token", "challenge": challenge, "type": "url_verification"}
        status, text = await self.knock(asked, url=url)
        if status != 200 or challenge not in text:
            raise ValueError(f"the request URL answered the challenge with {status}: {text[:100]}")
        self.url = url

    async def knock(
        self, payload: Json, *, url: str = "", kind: Kind = "events_api", secret: str = "",
        age: float = 0.0, retry: tuple[int, str] = (0, ""),
    ) -> tuple[int, str]:  # fmt: skip
        """One request outside of any delivery; returns status and body.

        secret: another one makes the signature wrong. age: seconds that the timestamp lies back.
        """
        status, _, text = await self._post(url or self.url, kind, payload, secret, age, retry)
        return status, text

    async def send(self, delivery: Delivery, attempt: int, reason: str) -> Json:
        """See Transport. Any status but 200 is a failure; X-Slack-No-Retry ends the retries."""
        sent = time.monotonic()
        retry = (attempt, {"timeout": "http_timeout"}.get(reason, reason))
        status, headers, text = await self._post(
            self.url, delivery.kind, delivery.payload, "", 0.0, retry
        )
        if status != 200:
            raise Undelivered("http_error", final=headers.get("X-Slack-No-Retry") == "1")
        answer = _answer(text, headers.get("Content-Type", ""))
        self._record.acked(delivery, attempt, sent, answer)
        return answer

    async def _post(
        self, url: str, kind: Kind, payload: Json, secret: str, age: float, retry: tuple[int, str]
    ) -> tuple[int, Mapping[str, str], str]:
        body, content_type = _body(kind, payload)
        at = str(int(time.time() - age))
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": at,
            "X-Slack-Signature": sign(secret or self._workspace.app.signing_secret, at, body),
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        }
        if retry[0]:
            headers |= {"X-Slack-Retry-Num": str(retry[0]), "X-Slack-Retry-Reason": retry[1]}
        within = ClientTimeout(total=self._workspace.timing.ack)
        try:
            async with self._session.post(
                url, data=body.encode(), headers=headers, timeout=within
            ) as response:
                return response.status, response.headers, await response.text()
        except TimeoutError:
            raise Undelivered("http_timeout") from None
        except (ClientError, OSError):
            raise Undelivered("connection_failed") from None


def sign(secret: str, at: str, body: str) -> str:
    """Slack's v0 signature: HMAC-SHA256 of `v0:timestamp:body`."""
    digest = hmac.new(secret.encode(), f"v0:{at}:{body}".encode(), hashlib.sha256)
    return f"v0={digest.hexdigest()}"


def _body(kind: Kind, payload: Json) -> tuple[str, str]:
    if kind == "events_api":
        return json.dumps(payload), "application/json"
    if kind == "slash_commands":
        return urlencode({key: payload[key] or "" for key in payload}), FORM
    return urlencode({"payload": json.dumps(payload)}), FORM


def _answer(text: str, content_type: str) -> Json:
    """What an acknowledgement says: JSON, or a text for the person."""
    if not text:
        return {}
    if content_type.startswith("application/json"):
        answer = json.loads(text)
        return answer if isinstance(answer, dict) else {}
    return {"text": text}
