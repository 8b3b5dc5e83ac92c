"""Bytes to models and back: exact decimals, aware times, open codes, and nothing that the wire said is dropped.

    json.py     bytes <-> plain values (numbers with a point are `Decimal`)
    scalars.py  one plain value -> one Python value
    model.py    `@model`, `wire`, and the `Model` base with its hidden slots
    shapes.py   annotations -> shapes, the common ground of the two readers
    reader.py   the fast reader, one compiled function per class, and the slow one that knows where it is
    writer.py   models -> plain values
"""

from __future__ import annotations

from returnhelper._wire.json import NotJSON, decode, encode
from returnhelper._wire.model import Model, model, wire
from returnhelper._wire.reader import structure
from returnhelper._wire.scalars import Misfit, to_datetime
from returnhelper._wire.writer import unstructure

__all__ = [
    "Misfit",
    "Model",
    "NotJSON",
    "decode",
    "encode",
    "model",
    "structure",
    "to_datetime",
    "unstructure",
    "wire",
]
