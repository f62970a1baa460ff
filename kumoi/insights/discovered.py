"""The fields that a log event has by itself: those that begin with @, and the keys of its JSON.

Each is SQL over the columns of a log event (`message`, `time`, `log_group`, `log_stream`, `ingested`, `account` …).
Those that are read out of the message are `Derived`: the lake may hold them in columns of their own, written when a
segment was sealed, and works them out where it does not. Source: "Supported logs and discovered fields".
"""

from __future__ import annotations

from collections.abc import Mapping

from kumoi.insights.syntax import Field
from kumoi.insights.values import Expr, Kind, text, time

COLUMNS = ("time", "account", "region", "log_group", "log_stream", "message", "ingested", "seq")


def system(prefix: str) -> Mapping[str, Expr]:
    """The fields of every event, over columns whose names begin with `prefix`."""
    moment, seq, group, account, region, stream, message, ingested = (
        f'"{prefix}{name}"'
        for name in ("time", "seq", "log_group", "account", "region", "log_stream", "message", "ingested")
    )
    return {
        "@timestamp": time(moment),
        "@ingestionTime": time(ingested),
        "@message": text(message),
        "@logStream": text(stream),
        "@log": text(f"({account} || ':' || {group})"),
        "@aws.account": text(account),
        "@aws.region": text(region),
        "@ptr": text(f"to_base64(encode(concat_ws(chr(10), {group}, {moment}, {seq})))"),
    }


KINDS = {"VARCHAR": Kind.TEXT, "DOUBLE": Kind.NUMBER}


def pointers(field: Field) -> tuple[str, ...]:
    """The JSON pointers where a field's value may stand: nested keys, and one key with dots in it."""
    parts = list(field.parts)
    if parts[0].startswith("@@"):
        parts[0] = parts[0][1:]
    elif parts[0].startswith("@"):
        return ()
    nested = "".join(f"/{escaped(part)}" for part in parts)
    return (nested,) if len(parts) == 1 else (nested, f"/{escaped('.'.join(parts))}")


def escaped(key: str) -> str:
    """A key within a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")
