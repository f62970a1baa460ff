"""The example `receipts`: mails arrive in the mailbox, and who bounced is not written to again."""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parent.parent / "examples/receipts/receipts.py"


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # boto3.client of the example has no close
def test_receipts(kumoi: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in kumoi.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # which remembers another test's account
    example = runpy.run_path(str(EXAMPLE))
    table = example["deploy"]()
    assert example["order"](1, "Ann", "ann@example.com")["sent"] is True
    mail = example["mail_to"]("ann@example.com")
    assert (mail["subject"], mail["text"]) == ("Your order 1", "Thank you, Ann! 2 x tea, 1 x jam")
    assert "<li>2 × tea</li>" in mail["html"]
    gone = "complaint@simulator.amazonses.com"
    assert example["order"](2, "Bob", gone)["sent"] is True
    assert example["noted"](table, gone) == "complaint"
    assert example["order"](3, "Bob", gone) == {"sent": False, "why": f"{gone} cannot be reached"}
