from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def kms(kumoi: Any) -> Any:
    return kumoi.client("kms")


@pytest.fixture
def abroad(kumoi: Any) -> Any:
    """The same account in another region."""
    kumoi.region = "eu-west-1"
    client = kumoi.client("kms")
    kumoi.region = "us-east-1"
    return client


@pytest.fixture
def used_aliases(kms: Any) -> Callable[[], dict[str, str]]:
    """The aliases that have keys, with these."""

    def listed() -> dict[str, str]:
        pages = kms.get_paginator("list_aliases").paginate()
        return {
            one["AliasName"]: one["TargetKeyId"] for page in pages for one in page["Aliases"] if "TargetKeyId" in one
        }

    return listed


@pytest.fixture
def refused() -> Callable[..., tuple[str, str]]:
    """The code and the text of the error that a call answers."""

    def code_and_text(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as error:
            call(**params)
        told = error.value.response["Error"]
        return told["Code"], told["Message"]

    return code_and_text


@pytest.fixture
def new_key(kms: Any) -> Callable[..., str]:
    """Make a key; its id."""

    def made(**params: Any) -> str:
        return str(kms.create_key(**params)["KeyMetadata"]["KeyId"])

    return made
