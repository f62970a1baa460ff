"""RegisterThing: a thing with its certificate and policies out of a provisioning template, as the caller."""

from __future__ import annotations

from functools import partial
from typing import Any

from kumoi.doorway import Call
from kumoi.services.iot import iot
from kumoi.services.iot.provisioning import carry_out, pseudo_parameters
from kumoi.services.iot.provisioning_rules import CERTIFICATE, plan_of, read_template


@iot.operation
async def register_thing(call: Call, templateBody: str, parameters: dict[str, str] | None = None) -> dict[str, Any]:
    """Make what a template says; the certificate's own parameters are known where the template has it in PEM."""
    template = read_template(templateBody)
    stated = [one.properties for one in template.resources if one.kind == CERTIFICATE]
    pem = stated[0].get("CertificatePem") if stated else None
    if isinstance(pem, dict) and "Ref" in pem:
        pem = (parameters or {}).get(str(pem["Ref"]))
    pseudo = pseudo_parameters(pem) if isinstance(pem, str) else {}
    plan = plan_of(template, parameters or {}, pseudo)
    made = await carry_out(partial(call.to, "iot"), plan, fresh=False)
    return {"certificatePem": made.pem, "resourceArns": made.arns}
