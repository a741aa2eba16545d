"""Encodes single values as PyIceberg does: [[type, value as text], ...] to hex."""
import json
import struct
import sys
from decimal import Decimal
from uuid import UUID

from pyiceberg.conversions import to_bytes
from pyiceberg.schema import Schema
from pyiceberg.types import DecimalType

FROM_TEXT = {
    "boolean": lambda text: text == "true",
    "int": int,
    "long": int,
    "date": int,
    "time": int,
    "timestamp": int,
    "timestamptz": int,
    "float": lambda text: struct.unpack("<f", struct.pack("<f", float(text)))[0],
    "double": float,
    "string": str,
    "uuid": UUID,
    "binary": bytes.fromhex,
}


def parse_type(name):
    return Schema.model_validate(
        {"type": "struct", "schema-id": 0, "fields": [{"id": 1, "name": "x", "type": name, "required": True}]}
    ).fields[0].field_type


def encode(name, text):
    kind = parse_type(name)
    if isinstance(kind, DecimalType):
        sign, digits = (1, text[1:]) if text.startswith("-") else (0, text)
        value = Decimal((sign, tuple(int(digit) for digit in digits), -kind.scale))
    else:
        value = FROM_TEXT[name](text)
    return to_bytes(kind, value).hex()


print(json.dumps([encode(name, text) for name, text in json.load(sys.stdin)]))
