"""What Discord says no with: its JSON error codes, and the body that carries them."""

from enum import Enum
from typing import Any


class Code(Enum):
    """(HTTP status, JSON code, message), as published under "Opcodes and Status Codes"."""

    GENERAL = (400, 0, "400: Bad Request")
    UNAUTHORIZED = (401, 0, "401: Unauthorized")
    NOT_FOUND = (404, 0, "404: Not Found")
    UNKNOWN_CHANNEL = (404, 10003, "Unknown Channel")
    UNKNOWN_GUILD = (404, 10004, "Unknown Guild")
    UNKNOWN_MEMBER = (404, 10007, "Unknown Member")
    UNKNOWN_MESSAGE = (404, 10008, "Unknown Message")
    UNKNOWN_USER = (404, 10013, "Unknown User")
    UNKNOWN_EMOJI = (400, 10014, "Unknown Emoji")
    UNKNOWN_WEBHOOK = (404, 10015, "Unknown Webhook")
    UNKNOWN_INTERACTION = (404, 10062, "Unknown interaction")
    TOO_MANY_COMMANDS = (400, 30032, "Maximum number of application commands reached (100)")
    TOO_LARGE = (413, 40005, "Request entity too large")
    ALREADY_ACKNOWLEDGED = (400, 40060, "Interaction has already been acknowledged.")
    MISSING_ACCESS = (403, 50001, "Missing Access")
    NOT_IN_DM = (403, 50003, "Cannot execute action on a DM channel")
    NOT_YOURS = (403, 50005, "Cannot edit a message authored by another user")
    EMPTY_MESSAGE = (400, 50006, "Cannot send an empty message")
    CANNOT_DM = (403, 50007, "Cannot send messages to this user")
    MISSING_PERMISSIONS = (403, 50013, "Missing Permissions")
    INVALID_WEBHOOK_TOKEN = (401, 50027, "Invalid Webhook Token")
    INVALID_FORM = (400, 50035, "Invalid Form Body")
    THREAD_ARCHIVED = (400, 50083, "Thread is archived")
    BAD_JSON = (400, 50109, "The request body contains invalid JSON.")
    THREAD_EXISTS = (400, 160004, "A thread has already been created for this message")


class ApiError(Exception):
    """An answer of the REST API that is a refusal."""

    def __init__(self, code: Code, field: str = "", why: str = "", text: str = "") -> None:
        self.status, number, message = code.value
        self.body: dict[str, Any] = {"code": number, "message": message}
        if field:
            self.body["errors"] = {field: {"_errors": [{"code": why, "message": text}]}}
        super().__init__(f"{number} {message} {field} {text}".rstrip())


class Refused(Exception):
    """A Discord client would not let this person do that. The sentence says why."""


def invalid(field: str, code: str, message: str) -> ApiError:
    """50035, with the field that is wrong."""
    return ApiError(Code.INVALID_FORM, field, code, message)
