"""Every configuration: applied, settled, changed, settled, imported, destroyed; by Terraform and its AWS provider."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

CONFIGURATIONS = sorted(path.parent.name for path in Path(__file__).parent.glob("*/main.tf"))


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_configuration(terraform: Callable[[str], Any], name: str) -> None:
    configuration = terraform(name)
    configuration.apply(changed=False)
    configuration.assert_settled(changed=False)
    configuration.apply(changed=True)
    configuration.assert_settled(changed=True)
    configuration.assert_importable(changed=True)
    configuration.destroy(changed=True)
