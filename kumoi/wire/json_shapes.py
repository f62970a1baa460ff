"""JSON bodies: a decoder and an encoder for each shape, compiled once into nested functions.

Decoders check types as they go (SerializationException), drop what the model does not know and what is null, and turn
base64 into bytes and epoch seconds into datetimes. Encoders leave out members that are None.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from kumoi.wire import timestamps
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.model import Shape

Codec = Callable[[Any], Any]


def wrong_type(value: Any, wanted: str) -> AwsError:
    """SerializationException for a value of another type than the model's."""
    kind = {
        dict: "START_OBJECT",
        list: "START_ARRAY",
        str: "STRING_VALUE",
        bool: "TRUE_VALUE" if value else "FALSE_VALUE",
        int: "NUMBER_VALUE",
        float: "DECIMAL_VALUE",
    }.get(type(value), type(value).__name__)
    return aws_error("SerializationException", f"{kind} cannot be converted to {wanted}")


class JsonShapes:
    """Compiles decoders and encoders of one service's shapes; each shape once.

    `renamed` says whether members stand under their locationName (REST), and `native` whether blobs and
    timestamps are native values (CBOR).
    """

    def __init__(self, *, renamed: bool, native: bool = False) -> None:
        self._renamed = renamed
        self._native = native
        self._decoders: dict[str, Codec] = {}
        self._encoders: dict[str, Codec] = {}

    # ── in ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def decoder(self, shape: Shape) -> Codec:
        """The function that turns a parsed value into params."""
        if shape.type not in ("structure", "list", "map"):
            return self._scalar_decoder(shape)
        name = shape.name
        found = self._decoders.get(name)
        if found is None:
            self._decoders[name] = lambda value: self._decoders[name](value)
            found = self._decoders[name] = self._compound_decoder(shape)
        return found

    def _compound_decoder(self, shape: Shape) -> Codec:
        if shape.type == "list":
            item = self.decoder(shape.item)

            def decode_list(value: Any) -> Any:
                if type(value) is not list:
                    raise wrong_type(value, "a list")
                return [item(one) for one in value if one is not None]

            return decode_list
        if shape.type == "map":
            entry = self.decoder(shape.value)

            def decode_map(value: Any) -> Any:
                if type(value) is not dict:
                    raise wrong_type(value, "a map")
                return {str(key): entry(one) for key, one in value.items() if one is not None}

            return decode_map
        if shape.traits.get("document"):
            return _same
        fields = {
            self.wire_name(member, inner): (member, self.decoder(inner))
            for member, inner in shape.members.items()
            if "location" not in inner.traits
        }

        def decode_structure(value: Any) -> Any:
            if type(value) is not dict:
                raise wrong_type(value, "a structure")
            decoded: dict[str, Any] = {}
            for key, one in value.items():
                if one is not None and (found := fields.get(key)) is not None:
                    decoded[found[0]] = found[1](one)
            return decoded

        return decode_structure

    def _scalar_decoder(self, shape: Shape) -> Codec:
        kind = shape.type
        if kind in ("string", "character"):
            return _string
        if kind in ("integer", "long", "short", "byte"):
            return _integer
        if kind in ("float", "double"):
            return _float
        if kind == "boolean":
            return _boolean
        if kind == "timestamp":
            return _timestamp
        if kind in ("bigdecimal", "biginteger"):
            return _same
        return _native_blob if self._native else _blob

    def wire_name(self, member: str, shape: Shape) -> str:
        """The name a member has on the wire."""
        return shape.location_name or member if self._renamed else member

    # ── out ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def encoder(self, shape: Shape) -> Codec:
        """The function that turns a handler's value into what orjson (or CBOR) writes."""
        if shape.type == "blob":
            return _same if self._native else _encode_blob
        if shape.type == "timestamp":
            form = shape.traits.get("timestampFormat", "unixTimestamp")
            if self._native:
                return _moment
            return timestamps.epoch if form == "unixTimestamp" else lambda value: timestamps.text(value, form)
        if shape.type in ("float", "double") and not self._native:
            return finite
        if shape.type not in ("structure", "list", "map") or shape.traits.get("document"):
            return _same
        name = shape.name
        found = self._encoders.get(name)
        if found is None:
            self._encoders[name] = lambda value: self._encoders[name](value)
            found = self._encoders[name] = self._compound_encoder(shape)
        return found

    def _compound_encoder(self, shape: Shape) -> Codec:
        if shape.type == "list":
            item = self.encoder(shape.item)
            return lambda value: [item(one) for one in value]
        if shape.type == "map":
            entry = self.encoder(shape.value)
            return lambda value: {key: entry(one) for key, one in value.items()}
        fields = {
            member: (self.wire_name(member, inner), self.encoder(inner))
            for member, inner in shape.members.items()
            if "location" not in inner.traits
        }

        def encode_structure(value: Any) -> Any:
            encoded: dict[str, Any] = {}
            for member, one in value.items():
                if one is not None and (found := fields.get(member)) is not None:
                    encoded[found[0]] = found[1](one)
            return encoded

        return encode_structure


def _same(value: Any) -> Any:
    return value


def _string(value: Any) -> Any:
    if type(value) is not str:
        raise wrong_type(value, "String")
    return value


def _integer(value: Any) -> Any:
    if type(value) is int:
        return value
    if type(value) is float and value.is_integer():
        return int(value)
    raise wrong_type(value, "Integer")


def _float(value: Any) -> Any:
    if type(value) is float or type(value) is int:
        return float(value)
    if value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    raise wrong_type(value, "Double")


def _boolean(value: Any) -> Any:
    if type(value) is not bool:
        raise wrong_type(value, "Boolean")
    return value


def _timestamp(value: Any) -> Any:
    try:
        return timestamps.decode(value)
    except ValueError:
        raise wrong_type(value, "Timestamp") from None


def _blob(value: Any) -> Any:
    if type(value) is not str:
        raise wrong_type(value, "Blob")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise aws_error("SerializationException", "a blob is not valid base64") from None


def _native_blob(value: Any) -> Any:
    if type(value) is not bytes:
        raise wrong_type(value, "Blob")
    return value


def _encode_blob(value: Any) -> str:
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


def _moment(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromtimestamp(value, UTC)


def finite(value: float) -> float | str:
    """A float as JSON has it: NaN and the infinities as text."""
    return value if math.isfinite(value) else {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
