"""Certificates on the platform's clock: requests that nobody validates, and renewals."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.kumoi_clock
def test_a_request_times_out_and_a_certificate_is_renewed(kumoi: Any) -> None:
    acm, route53 = kumoi.client("acm"), kumoi.client("route53")
    route53.create_hosted_zone(Name="example.com", CallerReference="1")
    waiting, issued = (
        acm.request_certificate(DomainName=name, ValidationMethod="DNS")["CertificateArn"]
        for name in ("example.com", "example.net")
    )

    def told(arn: str) -> dict[str, Any]:
        return dict(acm.describe_certificate(CertificateArn=arn)["Certificate"])

    before = told(issued)
    assert "RenewalSummary" not in before
    kumoi.advance("73h")
    assert told(waiting)["Status"] == "VALIDATION_TIMED_OUT"
    assert told(waiting)["DomainValidationOptions"][0]["ValidationStatus"] == "FAILED"
    kumoi.advance("151d")
    after = told(issued)
    assert (after["Status"], after["RenewalSummary"]["RenewalStatus"]) == ("ISSUED", "SUCCESS")
    assert after["NotAfter"] > before["NotAfter"]
    assert after["Serial"] != before["Serial"]
