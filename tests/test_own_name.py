"""The example `own-name`: a site answers under its own name, with the certificate that was issued for it."""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from typing import Any

import boto3
import pytest

EXAMPLE = Path(__file__).resolve().parent.parent / "examples/own-name/site.py"


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # boto3.client of the example has no close
def test_the_site_answers_under_its_names(kumoi: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in kumoi.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # which remembers another test's account
    example = runpy.run_path(str(EXAMPLE))
    outputs = example["deploy"]()
    chain = boto3.client("acm").get_certificate(CertificateArn=outputs["Certificate"])["CertificateChain"]
    for name in ("site.example.com", "www.site.example.com"):
        status, body, issuer = example["fetch"](name, chain)
        assert (status, body, issuer) == (200, "<h1>Welcome to site.example.com</h1>", "Kumoi local authority")
