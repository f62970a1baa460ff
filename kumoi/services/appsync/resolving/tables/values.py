"""DynamoDB's typed values: as its API takes them, and as programs see them; pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import orjson

from kumoi.services.appsync.resolving.outcomes import FieldError


def low(values: Mapping[str, Any]) -> dict[str, Any]:
    """Typed values of JSON as DynamoDB takes them: numbers are texts, binaries bytes."""
    return {name: _low(value) for name, value in values.items()}


def _low(value: Any) -> Any:
    ((kind, held),) = value.items()
    match kind:
        case "N":
            return {"N": _number_text(held)}
        case "NS":
            return {"NS": [_number_text(one) for one in held]}
        case "B":
            return {"B": held if isinstance(held, bytes) else base64.b64decode(held)}
        case "BS":
            return {"BS": [base64.b64decode(one) for one in held]}
        case "NULL":
            return {"NULL": True}
        case "L":
            return {"L": [_low(one) for one in held]}
        case "M":
            return {"M": low(held)}
    return {kind: held}


def _number_text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def sendable(values: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a key as JSON can hold them."""
    return {
        name: {"B": base64.b64encode(bytes(value["B"])).decode()} if "B" in value else value
        for name, value in values.items()
    }


def token_of(position: Any) -> str:
    """A `nextToken` that says where to go on."""
    return base64.urlsafe_b64encode(orjson.dumps(position)).decode()


def position_of(token: Any) -> Any:
    """Where a `nextToken` says to go on; raises FieldError."""
    try:
        return orjson.loads(base64.urlsafe_b64decode(str(token)))
    except (ValueError, binascii.Error):
        raise bad_token() from None


def bad_token() -> FieldError:
    """What is said of a `nextToken` that none of ours was."""
    return FieldError("Invalid pagination token given.", "DynamoDB:ValidationException")


def plain_item(item: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """An item as programs see it; None for none."""
    return {name: plain(value) for name, value in item.items()} if item else None


def plain(value: Mapping[str, Any]) -> Any:
    """A typed value as programs see it; sets are lists."""
    ((kind, held),) = value.items()
    match kind:
        case "N":
            return number(held)
        case "NS":
            return [number(one) for one in held]
        case "B":
            return base64.b64encode(bytes(held)).decode()
        case "BS":
            return [base64.b64encode(bytes(one)).decode() for one in held]
        case "NULL":
            return None
        case "L":
            return [plain(one) for one in held]
        case "M":
            return {name: plain(one) for name, one in held.items()}
        case "SS":
            return list(held)
    return held


def number(text: str) -> int | float:
    """A number of DynamoDB's; one that JSON could not hold exactly is rounded."""
    try:
        whole = int(text)
    except ValueError:
        return float(text)
    return whole if -(2**63) <= whole < 2**63 else float(text)


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two typed values are equal: sets have no order, and numbers many texts."""
    return bool(_comparable(one) == _comparable(other))


def _comparable(value: Mapping[str, Any]) -> Any:
    ((kind, held),) = value.items()
    match kind:
        case "N":
            return kind, number(held)
        case "NS":
            return kind, frozenset(number(one) for one in held)
        case "SS":
            return kind, frozenset(held)
        case "BS":
            return kind, frozenset(bytes(one) for one in held)
        case "B":
            return kind, bytes(held)
        case "L":
            return kind, [_comparable(one) for one in held]
        case "M":
            return kind, {name: _comparable(one) for name, one in held.items()}
        case "NULL":
            return kind, None
    return kind, held
