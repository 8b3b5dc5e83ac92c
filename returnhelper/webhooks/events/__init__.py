"""One class per event: `from returnhelper.webhooks import events`, then `events.LabelGenerated`.

A class is named like its action, with a capital. Members of the payload are attributes in snake_case, beside `action`,
`category`, `version`, `event_time` and `notification_id`. An event without a class is an `UnknownEvent`, never an error.
Modules of events are imported when one of their classes is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from returnhelper._lazy import lazy_exports
from returnhelper.webhooks.events._base import Event as Event
from returnhelper.webhooks.events._base import OpenEvent as OpenEvent
from returnhelper.webhooks.events._base import UnknownEvent as UnknownEvent
from returnhelper.webhooks.events._catalog import EVENT_TYPES, PAYLOADS
from returnhelper.webhooks.events._catalog import action_of as action_of
from returnhelper.webhooks.events._catalog import nearest_action as nearest_action
from returnhelper.webhooks.events._catalog import usual_envelope as usual_envelope
from returnhelper.webhooks.events._parse import build_event as build_event
from returnhelper.webhooks.events._parse import event_class as event_class
from returnhelper.webhooks.events._parse import parse_event as parse_event

if TYPE_CHECKING:
    from returnhelper.webhooks.events.consolidations import *  # noqa: F403
    from returnhelper.webhooks.events.fba_instructions import *  # noqa: F403
    from returnhelper.webhooks.events.fba_shipments import *  # noqa: F403
    from returnhelper.webhooks.events.labels import *  # noqa: F403
    from returnhelper.webhooks.events.recalls import *  # noqa: F403
    from returnhelper.webhooks.events.resends import *  # noqa: F403
    from returnhelper.webhooks.events.return_inventories import *  # noqa: F403
    from returnhelper.webhooks.events.return_requests import *  # noqa: F403
    from returnhelper.webhooks.events.shipments import *  # noqa: F403
    from returnhelper.webhooks.events.vas import *  # noqa: F403

_LOADED = (
    "Event",
    "OpenEvent",
    "UnknownEvent",
    "action_of",
    "build_event",
    "event_class",
    "nearest_action",
    "parse_event",
    "usual_envelope",
)
_EXPORTS: dict[str, list[str]] = {}
for _name, _module in {**{name: facts.module for name, facts in EVENT_TYPES.items()}, **PAYLOADS}.items():
    _EXPORTS.setdefault(f".{_module}", []).append(_name)

if not TYPE_CHECKING:  # type checkers would accept any name
    __getattr__, __dir__, __all__ = lazy_exports(__name__, _EXPORTS, *_LOADED)
