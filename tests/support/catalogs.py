"""The catalogs as data: which operations exist, what they take, and responses made from their schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

Schema = Mapping[str, Any]

# What names an object is never missing from it.
OWN_IDS = frozenset(
    [
        "returnRequestId",
        "shipmentId",
        "labelId",
        "returnInventoryId",
        "returnRequestLineItemId",
        "resendId",
        "resendShipmentId",
        "recallId",
        "returnRequestLineItemVasId",
        "warehouseId",
        "serviceTypeCode",
        "currencyCode",
        "fbaShipmentId",
        "fbaShipmentItemId",
        "fbaWarehouseInventoryId",
        "fbaInstructionId",
        "fbaInstructionItemId",
        "consolidateShippingOrderId",
        "consolidateShippingInventoryId",
        "consolidateShippingShipmentId",
        "consolidateShippingShipmentBoxId",
        "preSignedUrl",
        "fileKey",
    ]
)

_FOLDER = Path(__file__).parents[1] / "catalog"
_BASES = {"user-core": "user", "user-fba-outbound": "user", "public": "public"}
_ENVELOPE = {"correlationId", "meta"}


@dataclass(frozen=True)
class Documented:
    """One operation of a catalog."""

    id: str
    catalog: str
    api: str
    method: str
    path: str
    deprecated: bool
    query: Mapping[str, Schema]
    required_query: frozenset[str]
    idempotent: bool
    body: Schema | None
    response: Schema


@cache
def load(name: str) -> Any:
    """Read one catalog."""
    return json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"), parse_float=Decimal)


def resolve(catalog: str, schema: Schema) -> Schema:
    """Follow references, and merge what ``allOf`` lists."""
    while "$ref" in schema:
        node = load(catalog)
        for step in schema["$ref"].removeprefix("#/").split("/"):
            node = node[step]
        schema = node
    if "allOf" not in schema:
        return schema
    merged: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
    for part in [*schema["allOf"], {k: v for k, v in schema.items() if k != "allOf"}]:
        found = resolve(catalog, part)
        merged["properties"] |= found.get("properties", {})
        merged["required"] += found.get("required", [])
        if "additionalProperties" in found:
            merged["additionalProperties"] = found["additionalProperties"]
    return merged


@cache
def operations() -> dict[str, Documented]:
    """Every operation that is not withdrawn, by operationId; the one of two catalogs counts once."""
    found: dict[str, Documented] = {}
    for catalog, api in _BASES.items():
        for path, methods in load(catalog)["paths"].items():
            for method, spec in methods.items():
                if (
                    method in {"get", "post", "put", "delete"}
                    and spec.get("x-status") != "withdrawn-from-docs"
                ):
                    # public comes last: it is the home of what two catalogs list
                    found[spec["operationId"]] = _read(catalog, api, path, method, spec)
    return found


def _read(catalog: str, api: str, path: str, method: str, spec: Any) -> Documented:
    parameters = [resolve(catalog, parameter) for parameter in spec.get("parameters", ())]
    query = {p["name"]: p for p in parameters if p["in"] == "query"}
    content = spec.get("requestBody", {}).get("content", {})
    response = spec["responses"]["200"].get("content", {}).get("application/json", {}).get("schema", {})
    return Documented(
        id=spec["operationId"],
        catalog=catalog,
        api=api,
        method=method.upper(),
        path=path,
        deprecated=bool(spec.get("deprecated")),
        query={name: p["schema"] for name, p in query.items()},
        required_query=frozenset(name for name, p in query.items() if p.get("required")),
        idempotent=any(p["name"].lower() == "x-returnhelper-idempotency-key" for p in parameters),
        body=resolve(catalog, content["application/json"]["schema"]) if content else None,
        response=resolve(catalog, response),
    )


def _types(schema: Schema) -> list[str]:
    kind = schema.get("type", [])
    return [kind] if isinstance(kind, str) else list(kind)


_PYTHON: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": (int, Decimal, float),
    "boolean": bool,
    "object": dict,
    "array": list,
    "null": type(None),
}


def mismatches(catalog: str, schema: Schema, value: object, path: str, *, complete: bool) -> Iterator[str]:
    """Name what the catalog lacks or misses in a request; a complete one names every documented member."""
    schema = resolve(catalog, schema)
    if options := schema.get("anyOf") or schema.get("oneOf"):
        tries = [list(mismatches(catalog, option, value, path, complete=complete)) for option in options]
        yield from min(tries, key=len)
        return
    kinds = _types(schema)
    if kinds and not any(isinstance(value, _PYTHON[kind]) for kind in kinds):
        yield f"{path}: {type(value).__name__} where the catalog has {kinds}"
    if isinstance(value, bool) and "boolean" not in kinds and kinds:
        yield f"{path}: a boolean where the catalog has {kinds}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is not one of {schema['enum']}"
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        yield f"{path}: {value!r} is not {schema['pattern']}"
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from mismatches(catalog, schema["items"], item, f"{path}[{index}]", complete=complete)
    if isinstance(value, dict) and "properties" in schema:
        yield from _member_mismatches(catalog, schema, value, path, complete=complete)


def _member_mismatches(
    catalog: str, schema: Schema, value: dict[str, Any], path: str, *, complete: bool
) -> Iterator[str]:
    properties = schema["properties"]
    # What the catalog calls read-only is refused in requests.
    sent = {name for name, part in properties.items() if not part.get("readOnly")}
    wanted = sent if complete else set(schema.get("required", ()))
    for name in sorted(wanted - set(value)):
        yield f"{path}.{name}: not sent"
    for name, member in value.items():
        if name in properties:
            yield from mismatches(catalog, properties[name], member, f"{path}.{name}", complete=complete)
        elif not schema.get("additionalProperties"):
            yield f"{path}.{name}: the catalog has no such member"


class ResponseMaker:
    """Makes responses from schemas: complete, minimal, with members nobody knows, with nulls, with ids as text."""

    def __init__(
        self,
        catalog: str,
        *,
        minimal: bool = False,
        unknown: bool = False,
        nulls: bool = False,
        texts: bool = False,
    ) -> None:
        self._catalog = catalog
        self._minimal = minimal
        self._unknown = unknown
        self._nulls = nulls
        self._texts = texts
        self._count = 0

    def envelope(self, schema: Schema) -> dict[str, Any]:
        """Return the whole response of a success."""
        rest = {name: self.make(part, name) for name, part in self._members(schema) if name not in _ENVELOPE}
        meta = {"status": 200, "data": {}, "errorCode": None, "error": {}}
        return {"correlationId": "0HM9VIKSKH2CB:00000001", "meta": meta, **rest, **self._unknowns()}

    def make(self, schema: Schema, name: str) -> Any:
        """Make one value."""
        schema = resolve(self._catalog, schema)
        kinds = _types(schema)
        if self._nulls and name not in OWN_IDS and ("null" in kinds or "string" in kinds):
            return None
        options = schema.get("anyOf") or schema.get("oneOf")
        if options:
            return None if self._nulls and {"type": "null"} in options else self.make(options[0], name)
        self._count += 1
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][0]
        if "object" in kinds:
            return self._object(schema)
        if "array" in kinds:
            return (
                []
                if self._minimal
                else [self.make(schema.get("items", {"type": "string"}), name) for _ in (1, 2)]
            )
        return self._scalar(schema, kinds, name)

    def _members(self, schema: Schema) -> Iterator[tuple[str, Schema]]:
        required = schema.get("required", ())
        for name, part in schema.get("properties", {}).items():
            if not self._minimal or name in required or name in OWN_IDS:
                yield name, part

    def _object(self, schema: Schema) -> dict[str, Any]:
        if "properties" in schema:
            return {name: self.make(part, name) for name, part in self._members(schema)} | self._unknowns()
        free = schema.get("additionalProperties")
        if isinstance(free, Mapping) and not self._minimal:
            return {"key one": self.make(free, "one"), "Key-2": self.make(free, "two")}
        return {}

    def _unknowns(self) -> dict[str, Any]:
        if not self._unknown:
            return {}
        return {"aMemberOfTomorrow": {"deep": [Decimal("1.50"), None, "x"]}, "a-nother": 7}

    def _scalar(self, schema: Schema, kinds: list[str], name: str) -> Any:
        if self._texts and "integer" in kinds and "string" in kinds:
            return str(2**31 + self._count)
        if "integer" in kinds:
            return 2**31 + self._count if schema.get("format") == "int64" else self._count
        if "number" in kinds:
            # trailing zeros and more digits than a double holds
            return (
                Decimal(f"{self._count}.10")
                if self._count % 2
                else Decimal(f"9007199254740993.{self._count}1230")
            )
        if "boolean" in kinds:
            return True
        return self._text(schema, name)

    def _text(self, schema: Schema, name: str) -> str:
        kind = schema.get("format")
        if kind == "date-time" or name == "pickUpOn":
            return "2024-10-04T06:55:23.6587111Z"
        if kind == "uuid":
            return f"0b9f5c1e-1111-4222-8333-{self._count:012d}"
        if kind == "uri":
            return f"https://files.example/{name}/{self._count}"
        return f"{name}-{self._count}"


def deviations(
    catalog: str,
    schema: Schema,
    value: object,
    path: str,
    *,
    printed: Callable[[str, Schema], bool] = lambda _, __: True,
) -> Iterator[str]:
    """Name how what a server sends differs from the catalog: unknown and missing members, and values of another type.

    Null is allowed everywhere; `printed` says whether a member, by its path and schema, has to be there, and of a list
    of objects, whose path ends in ``[]``, whether it has to have an entry.
    """
    schema = resolve(catalog, schema)
    if options := schema.get("anyOf") or schema.get("oneOf"):
        tries = [list(deviations(catalog, option, value, path, printed=printed)) for option in options]
        yield from min(tries, key=len)
        return
    kinds = _types(schema)
    if value is None:
        return
    if kinds and not any(isinstance(value, _PYTHON[kind]) for kind in kinds):
        yield f"{path}: {type(value).__name__} for {kinds}"
    if isinstance(value, bool) and kinds and "boolean" not in kinds:
        yield f"{path}: a boolean for {kinds}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r}"
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        yield f"{path}: {value!r} is not {schema['pattern']}"
    if isinstance(value, list):
        entries = resolve(catalog, schema.get("items", {}))
        if not value and "properties" in entries and printed(f"{path}[]", entries):
            yield f"{path}: empty"
        for item in value:
            yield from deviations(catalog, entries, item, path, printed=printed)
    elif isinstance(value, dict) and "properties" in schema:
        yield from (f"{path}.{name}: unknown" for name in value if name not in schema["properties"])
        for name, member in schema["properties"].items():
            below = f"{path}.{name}"
            if name in value:
                yield from deviations(catalog, member, value[name], below, printed=printed)
            elif printed(below, resolve(catalog, member) | member):
                yield f"{below}: missing"
