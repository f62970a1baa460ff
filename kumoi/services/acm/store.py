"""Certificates in the key space, found as requests name them."""

from __future__ import annotations

from collections.abc import Callable

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.acm.errors import no_certificate
from kumoi.services.acm.records import Certificate, certificates
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_KIND = "certificate/"


def id_of(call: Call, arn: str) -> str:
    """The id of a certificate of the caller's account and region; InvalidArnException, ResourceNotFoundException."""
    try:
        parsed = Arn.parse(arn)
    except ValueError:
        raise aws_error("InvalidArnException", f"The ARN {arn} is invalid.") from None
    if parsed.service != "acm" or not parsed.resource.startswith(_KIND):
        raise aws_error("InvalidArnException", f"The ARN {arn} is no certificate's.")
    if parsed.account != call.account or parsed.region != call.region:
        raise no_certificate(arn, call.account)
    return parsed.resource.removeprefix(_KIND)


async def find(call: Call, arn: str) -> Certificate:
    """The certificate of an ARN."""
    found = await _find(call.state, id_of(call, arn))
    if found is None:
        raise no_certificate(arn, call.account)
    call.node = node(found)
    return found


@transactional
async def _find(tx: Transaction, certificate_id: str) -> Certificate | None:
    return await certificates.get(tx, certificate_id)


async def change(call: Call, arn: str, changed: Callable[[Certificate], Certificate]) -> Certificate:
    """Change a certificate; `changed` answers it as it is to be, or raises."""
    made = await _change(call.state, id_of(call, arn), changed)
    if made is None:
        raise no_certificate(arn, call.account)
    call.node = node(made)
    return made


@transactional
async def _change(
    tx: Transaction, certificate_id: str, changed: Callable[[Certificate], Certificate]
) -> Certificate | None:
    found = await certificates.get(tx, certificate_id)
    if found is None:
        return None
    made = changed(found)
    await certificates.put(tx, made)
    return made


@transactional
async def all_certificates(tx: Transaction) -> list[Certificate]:
    """The certificates of an account in a region."""
    return await certificates.list(tx)


def node(one: Certificate) -> str:
    """The node of a certificate on the map."""
    return f"acm:{one.domain}"
