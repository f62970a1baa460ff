"""What tests of several folders share."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest


def make_package(files: dict[str, str]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        for name, content in files.items():
            out.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
    return archive.getvalue()


@pytest.fixture
def zipped() -> Callable[[dict[str, str]], bytes]:
    """Make a deployment package of several files; the same files make the same bytes."""
    return make_package
