"""What can go wrong while thinking, named by who can mend it.

ReverieError
 ├── UserError             bad input: the sentence tells the person what to do
 │    └── ConfigError      settings that cannot be used, all of them at once
 ├── ToolError             a tool could not do it: the model is told
 └── ModelError            the model's end
      ├── ModelUnavailable   away, slow, overloaded: the message waits and is tried again
      ├── ModelMisconfigured key, address or name is wrong: waits too, and says what to set
      ├── ModelRejected      this one request is refused: the turn ends with a sentence
      └── ContextTooLong     the request did not fit: it is made shorter and tried again
"""


class ReverieError(Exception):
    """Something went wrong."""

    def __str__(self) -> str:
        return super().__str__() or (type(self).__doc__ or "")


class UserError(ReverieError):
    """This cannot be done as asked."""


class ConfigError(UserError):
    """The settings cannot be used."""


class ToolError(ReverieError):
    """The tool could not do it."""


class ModelError(ReverieError):
    """The model could not answer."""


class ModelUnavailable(ModelError):
    """The model cannot be reached."""

    def __init__(self, message: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds, as the endpoint asked


class ModelMisconfigured(ModelError):
    """The model's address, name or key is not accepted."""


class ModelRejected(ModelError):
    """The model refuses this request."""


class ContextTooLong(ModelError):
    """The request is longer than the model's window."""


class Unconfirmed(UserError):
    """What was asked for has to be confirmed: `line` with a typed yes behind it does it."""

    def __init__(self, message: str, line: str) -> None:
        super().__init__(message)
        self.line = line
