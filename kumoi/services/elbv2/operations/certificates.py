"""Certificates of HTTPS listeners: kept as given; the platform answers TLS with its own."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.elbv2 import elbv2
from kumoi.services.elbv2.errors import invalid, page
from kumoi.services.elbv2.lookup import find_listener
from kumoi.services.elbv2.records import Listener, listeners
from kumoi.state import Transaction, transactional


@elbv2.operation
async def add_listener_certificates(call: Call, ListenerArn: str, Certificates: list[dict[str, Any]]) -> dict[str, Any]:
    """Keep further certificates."""
    arns = _arns(Certificates)
    await _change(call.state, ListenerArn, arns, [])
    return {"Certificates": [{"CertificateArn": arn, "IsDefault": False} for arn in arns]}


@elbv2.operation
async def remove_listener_certificates(
    call: Call, ListenerArn: str, Certificates: list[dict[str, Any]]
) -> dict[str, Any]:
    """Forget certificates."""
    await _change(call.state, ListenerArn, [], _arns(Certificates))
    return {}


@elbv2.operation
async def describe_listener_certificates(
    call: Call, ListenerArn: str, Marker: str | None = None, PageSize: int | None = None
) -> dict[str, Any]:
    """A listener's certificates, the default one first."""
    listener = await _change(call.state, ListenerArn, [], [])
    own = [(one["CertificateArn"], True) for one in listener.properties.get("Certificates") or ()]
    every = [*own, *((arn, False) for arn in listener.certificates)]
    return page(every, "Certificates", Marker, PageSize, lambda one: {"CertificateArn": one[0], "IsDefault": one[1]})


def _arns(given: list[dict[str, Any]]) -> list[str]:
    if not all(one.get("CertificateArn") for one in given):
        raise invalid("A certificate ARN must be specified")
    return [one["CertificateArn"] for one in given]


@transactional
async def _change(tx: Transaction, arn: str, added: list[str], removed: list[str]) -> Listener:
    listener = await find_listener(tx, arn)
    if not added and not removed:
        return listener
    if listener.properties["Protocol"] != "HTTPS":
        raise invalid("Certificates can only be added to HTTPS listeners")
    kept = [one for one in dict.fromkeys([*listener.certificates, *added]) if one not in removed]
    changed = msgspec.structs.replace(listener, certificates=kept)
    await listeners.put(tx, changed)
    return changed
