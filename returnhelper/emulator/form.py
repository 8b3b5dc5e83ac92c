"""Form: read a request and say what is wrong with it as the server does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation

from returnhelper._time import as_utc, utc_now

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class SoftError(Exception):
    """A refusal: HTTP 200 with ``meta.status`` 400."""

    def __init__(self, error: Mapping[str, object], code: str = "VALIDATION_FAILED") -> None:
        super().__init__(code)
        self.code = code
        self.error = dict(error)


def refuse(name: str, message: str) -> SoftError:
    """Refuse one member."""
    return SoftError({name: message})


class BodyReader:
    """One object of a request; problems of nested objects are collected at the root."""

    def __init__(self, value: object, path: str = "", problems: dict[str, list[str]] | None = None) -> None:
        self.value: Mapping[str, object] = value if isinstance(value, Mapping) else {}
        self._path = path
        self.problems: dict[str, list[str]] = {} if problems is None else problems

    def add(self, name: str, message: str) -> None:
        """Note a problem of the member `name`."""
        self.problems.setdefault(self._path + name, []).append(message)

    def check(self) -> None:
        """Refuse the request if there was any problem."""
        if self.problems:
            # Documented: property name mapped to comma-joined messages.
            raise SoftError({name: ", ".join(messages) for name, messages in self.problems.items()})

    def _missing(self, name: str) -> None:
        # The documented wording, with the words of the camelCase name set apart: 'return Inventory Id'.
        self.add(name, f"'{_HUMP.sub(' ', name)}' must not be empty.")

    def _invalid(self, name: str, value: object) -> None:
        self.add(name, f"The value '{value}' is not valid.")

    def text(self, name: str, *, limit: int | None = None) -> str:
        """Read a required text."""
        value = self.optional(name, limit=limit)
        if not value:
            self._missing(name)
        return value or ""

    def optional(self, name: str, *, limit: int | None = None) -> str | None:
        """Read a text that may be absent."""
        value = self.value.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            self._invalid(name, value)
            return None
        if limit is not None and len(value) > limit:
            words = _HUMP.sub(" ", name)
            self.add(
                name,
                f"The length of '{words}' must be {limit} characters or fewer. You entered {len(value)} characters.",
            )
        return value

    def seller_reference(self, name: str = "sellerReferenceNumber") -> str | None:
        """Read a reference: 1 to 50 visible characters; empty means that the server makes one."""
        value = self.optional(name, limit=50)
        if value and any(not c.isprintable() or c.isspace() for c in value):
            self.add(name, f"'{_HUMP.sub(' ', name)}' is not in the correct format.")
        return value or None

    def integer(self, name: str) -> int:
        """Read a required id or quantity; text that holds a number is taken too."""
        value = self.value.get(name)
        if value is None or value == "" or value is False:
            self._missing(name)
            return 0
        try:
            number = int(str(value))
        except ValueError:
            self._invalid(name, value)
            return 0
        if number <= 0:
            self.add(name, f"'{_HUMP.sub(' ', name)}' must be greater than '0'.")
        return number

    def decimal(self, name: str) -> Decimal:
        """Read a required number above zero."""
        value = self.value.get(name)
        if value is None:
            self._missing(name)
            return Decimal(0)
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            self._invalid(name, value)
            return Decimal(0)
        if not number > 0:
            self.add(name, f"'{_HUMP.sub(' ', name)}' must be greater than '0'.")
        return number

    def form(self, name: str) -> BodyReader:
        """Read a required object."""
        if not isinstance(self.value.get(name), Mapping):
            self._missing(name)
            return BodyReader({}, f"{self._path}{name}.", {})
        return BodyReader(self.value[name], f"{self._path}{name}.", self.problems)

    def forms(self, name: str) -> list[BodyReader]:
        """Read a required list of objects."""
        value = self.value.get(name)
        if not isinstance(value, list) or not value:
            self._missing(name)
            return []
        return [BodyReader(item, f"{self._path}{name}[{i}].", self.problems) for i, item in enumerate(value)]

    def ids(self, name: str, limit: int) -> list[int]:
        """Read a required list of ids, each once."""
        value = self.value.get(name)
        if not isinstance(value, list) or not value:
            self._missing(name)
            return []
        if len(value) > limit:
            self.add(name, f"'{_HUMP.sub(' ', name)}' must contain {limit} items or fewer.")
        try:
            ids = [int(str(item)) for item in value]
        except ValueError:
            self._invalid(name, value)
            return []
        if len(set(ids)) != len(ids):
            self.add(name, f"'{_HUMP.sub(' ', name)}' must not contain an id twice.")
        return ids

    def strings(self, name: str) -> dict[str, str]:
        """Read a map of texts, at most 24 entries."""
        value = self.value.get(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping) or not all(isinstance(v, str) for v in value.values()):
            self._invalid(name, value)
            return {}
        if len(value) > 24:
            self.add(name, f"'{_HUMP.sub(' ', name)}' must contain 24 items or fewer.")
        return {str(key): str(text) for key, text in value.items()}

    def time(self, name: str) -> datetime:
        """Read a required ISO 8601 time; a missing offset means UTC."""
        value = self.value.get(name)
        if value is None or value == "":
            self._missing(name)
            return utc_now()
        try:
            return as_utc(datetime.fromisoformat(str(value)))
        except ValueError:
            self._invalid(name, value)
            return utc_now()
