"""The catalogue against the service models that ship with botocore."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from kumoi.wire.catalog import BY_NAME, CATALOG, CatalogEntry

GONE = {"iotanalytics"}
"""Services that botocore no longer has a model for; what stands in the catalogue is from its last one."""

SESSION = botocore.session.get_session()
AVAILABLE = set(SESSION.get_available_services())


def model(name: str) -> Any:
    return SESSION.get_service_model(name)


def paths(name: str) -> list[str]:
    found = model(name)
    return [found.operation_model(operation).http["requestUri"] for operation in found.operation_names]


def test_only_known_services_are_without_a_model() -> None:
    assert {entry.name for entry in CATALOG} - AVAILABLE <= GONE


@pytest.mark.parametrize("entry", [entry for entry in CATALOG if entry.name in AVAILABLE], ids=lambda entry: entry.name)
def test_an_entry_says_what_the_model_says(entry: CatalogEntry) -> None:
    found = model(entry.name)
    metadata = found.metadata
    protocols = set(metadata.get("protocols") or [metadata["protocol"]])
    assert entry.signing == found.signing_name
    assert entry.endpoint == metadata["endpointPrefix"]
    assert entry.target == (metadata.get("targetPrefix") if protocols & {"json", "smithy-rpc-v2-cbor"} else None)
    if protocols & {"query", "ec2"}:
        assert entry.version == metadata["apiVersion"]
    elif entry.name == "sqs":
        assert entry.version == "2012-11-05"  # the query protocol that older SDKs speak; the model has it no more
    else:
        assert entry.version is None


@pytest.mark.parametrize("entry", [entry for entry in CATALOG if entry.paths], ids=lambda entry: entry.name)
def test_paths_tell_services_of_one_scope_apart(entry: CatalogEntry) -> None:
    assert all(path.startswith(entry.paths) for path in paths(entry.name))
    others = [other.name for other in CATALOG if other.signing == entry.signing and other is not entry]
    assert others
    assert not [path for other in others for path in paths(other) if path.startswith(entry.paths)]


@pytest.mark.parametrize("entry", [entry for entry in CATALOG if entry.unsigned_paths], ids=lambda entry: entry.name)
def test_unsigned_paths_are_paths_of_the_model(entry: CatalogEntry) -> None:
    known = paths(entry.name)
    for prefix in entry.unsigned_paths:
        assert any(path.startswith(prefix) for path in known), prefix


def test_names_and_signals_are_unique() -> None:
    assert len(BY_NAME) == len(CATALOG)
    for signal in ("target", "version"):
        values = [value for entry in CATALOG if (value := getattr(entry, signal)) is not None]
        assert len(values) == len(set(values))
