"""How an attempt ended."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum, auto

import attrs


class VerdictKind(Enum):
    """What is to become of a record."""

    DONE = auto()
    DISCARD = auto()
    RETRY = auto()
    HOLD = auto()
    LOST = auto()


@attrs.frozen
class Verdict:
    """What is to become of a record, and why; ``after`` is the handler's own wish for the wait."""

    kind: VerdictKind
    reason: str | None = None
    after: timedelta | None = None
