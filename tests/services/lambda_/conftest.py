from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

ROLE = "arn:aws:iam::000000000000:role/test-role"
RUNTIME = f"python3.{sys.version_info.minor}"


@pytest.fixture
def package(zipped: Callable[[dict[str, str]], bytes]) -> Callable[[str], bytes]:
    """Make a deployment package of one `app.py`."""
    return lambda source: zipped({"app.py": source})


@pytest.fixture
def client(kumoi: Any) -> Any:
    return kumoi.client("lambda")


@pytest.fixture
def create(client: Any, package: Callable[[str], bytes]) -> Callable[..., dict[str, Any]]:
    """Create a function from the source of its `app.py`."""

    def make(source: str, name: str = "f", **options: Any) -> dict[str, Any]:
        parameters = {"Runtime": RUNTIME, "Role": ROLE, "Handler": "app.handler", **options}
        parameters.setdefault("Code", {"ZipFile": package(source)})
        return client.create_function(FunctionName=name, **parameters)

    return make


@pytest.fixture
def invoke(client: Any) -> Callable[..., tuple[Any, dict[str, Any]]]:
    """Invoke a function with a value; (payload as a value, whole answer)."""

    def run(event: Any = None, name: str = "f", **options: Any) -> tuple[Any, dict[str, Any]]:
        answer = client.invoke(FunctionName=name, Payload=json.dumps(event), **options)
        return json.loads(answer["Payload"].read() or b"null"), answer

    return run
