"""Who may have a certificate for a name: the record that says so, and whether it is there.

A name has the same record in each of an account's certificates, a wildcard that of the name below it. A name that no
hosted zone of the account covers has its DNS elsewhere, where Kumoi does not look: it counts as validated, as do names
that are validated by e-mail, which nobody here would answer. Source: "DNS validation" of the user guide.
"""

from __future__ import annotations

from typing import NamedTuple

from kumoi.doorway import Call, Doorway, Principal
from kumoi.doorway.sealing import Sealer
from kumoi.services.acm.records import Certificate


class ValidationRecord(NamedTuple):
    """A CNAME, with names that end with a dot."""

    name: str
    value: str


def record_for(sealer: Sealer, account: str, domain: str) -> ValidationRecord:
    """The record that validates a domain for an account."""
    base = domain.removeprefix("*.")
    digest = sealer.digest(base.encode(), f"acm/validation/{account}").hex()
    value = sealer.digest(base.encode(), f"acm/validated/{account}")
    letters = "".join(chr(ord("a") + byte % 26) for byte in value[16:26])
    return ValidationRecord(f"_{digest[:32]}.{base}.", f"_{value[:16].hex()}.{letters}.acm-validations.aws.")


async def validated(call: Call, one: Certificate) -> tuple[str, ...]:
    """Those of a certificate's names that are the account's, as far as can be told now."""
    if one.method != "DNS":
        return one.names
    found: dict[str, bool] = {}
    for name in one.names:
        record = record_for(call.doorway.identity.sealer, one.account, name)
        if record.name not in found:
            found[record.name] = name in one.validated or await _is_there(call, one, record)
    sealer = call.doorway.identity.sealer
    return tuple(name for name in one.names if found[record_for(sealer, one.account, name).name])


async def _is_there(call: Call, one: Certificate, record: ValidationRecord) -> bool:
    """Whether a record is in a zone of the platform, or its name in no zone of the account."""
    doorway: Doorway = call.doorway
    caller = Principal.looking(one.account, "route53", f"acm:{one.domain}")
    asked = {"Name": record.name, "Type": "CNAME", "Public": True}
    answer = await doorway.ask("route53", "Resolve", asked, caller, call.region, call.onward)
    values = {str(each["value"]).lower().removesuffix(".") for each in answer["Records"]}
    return not answer["Covered"] or record.value.removesuffix(".") in values
