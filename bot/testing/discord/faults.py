"""What goes wrong on demand."""

from dataclasses import dataclass
from typing import Literal

from bot.testing.discord.errors import Code

Cut = Literal["", "before", "after"]
Scope = Literal["user", "global", "shared"]


@dataclass(slots=True, kw_only=True)
class Fault:
    """What happens to the next `times` requests of a route. "*" is every route.

    status, code: of the answer. cut: the connection breaks before the request is handled, or
    after it was, so that the answer is lost. delay: seconds before anything else.
    """

    route: str
    times: int
    status: int = 0
    code: int = 0
    retry_after: float = 0.0
    scope: Scope = "user"
    cut: Cut = ""
    delay: float = 0.0

    @property
    def message(self) -> str:
        """What Discord writes beside the code."""
        known = {code.value[1]: code.value[2] for code in Code if code.value[1]}
        return known.get(self.code, f"{self.status}: as asked for")


def status_of(code: int) -> int:
    """The HTTP status that Discord answers with, for one of its codes. Raises ValueError."""
    for known in Code:
        if code and known.value[1] == code:
            return known.value[0]
    raise ValueError(f"Discord's code {code} is not known here; give a status as well")


class Faults:
    """Those that are still to come. The oldest that fits is used first."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def take(self, route: str) -> Fault | None:
        """The fault of this request, used up by it."""
        for fault in self._waiting:
            if fault.route in (route, "*"):
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        self._waiting.clear()
