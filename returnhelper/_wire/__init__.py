"""Bytes to models and back: exact decimals, aware times, open codes, and no received member is dropped.

- `json`: bytes <-> plain values (numbers with a decimal point are `Decimal`)
- `scalars`: one plain value -> one Python value
- `model`: `@model`, `wire`, and the `Model` base with its hidden slots
- `shapes`: annotations as data, which both readers use
- `compile`: the fast reader, one compiled function per class
- `reader`: `structure`, and the careful reader, which knows the path of each value
- `writer`: models -> plain values
"""

from __future__ import annotations

from returnhelper._wire.json import BOM, NotJSON, canonical, decode, encode, encode_plain
from returnhelper._wire.model import Model, model, wire
from returnhelper._wire.reader import reader_of, structure
from returnhelper._wire.scalars import StructureError, to_datetime
from returnhelper._wire.writer import unstructure

__all__ = [
    "BOM",
    "Model",
    "NotJSON",
    "StructureError",
    "canonical",
    "decode",
    "encode",
    "encode_plain",
    "model",
    "reader_of",
    "structure",
    "to_datetime",
    "unstructure",
    "wire",
]
