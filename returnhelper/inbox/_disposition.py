"""How an attempt ended."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum, auto

import attrs


class DispositionKind(Enum):
    """What is to become of a record."""

    DONE = auto()
    DISCARD = auto()
    RETRY = auto()
    HOLD = auto()
    LOST = auto()


@attrs.frozen
class Disposition:
    """What is to become of a record, and why; ``after`` is the handler's own wish for the wait."""

    kind: DispositionKind
    reason: str | None = None
    after: timedelta | None = None
