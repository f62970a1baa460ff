from __future__ import annotations

from pathlib import Path

import pytest

from kumoi.doorway import Call, Registry, Service
from kumoi.wire.errors import AwsError


def a_service() -> Service:
    service = Service("toys", "kumoi.services", modules=(), resource=("ToyArn", "ToyName"), data_planes=("toy-web",))

    @service.operation
    async def get_toy(call: Call, ToyName: str, Colour: str = "red") -> dict[str, str]:
        return {"ToyName": ToyName, "Colour": Colour}

    @service.operation(name="ListDVDs")
    async def list_dvds(call: Call, **everything: str) -> dict[str, str]:
        return everything

    return service


def test_handlers_are_found_by_aws_names() -> None:
    service = a_service()
    assert set(service.operations) == {"GetToy", "ListDVDs"}
    assert service.find("GetToy").accepts == {"ToyName", "Colour"}
    assert service.find("ListDVDs").accepts is None


def test_what_is_not_built_says_so_and_where_to_look() -> None:
    with pytest.raises(AwsError, match=r"toys does not implement DeleteToy yet; docs/toys\.md"):
        a_service().find("DeleteToy")
    with pytest.raises(AwsError, match=r"does not implement Size of GetToy yet"):
        a_service().find("GetToy").check("toys", {"ToyName": "a", "Size": "1"})
    with pytest.raises(AwsError, match="does not serve 'cars' yet. It serves: toys"):
        Registry([a_service()])["cars"]


def test_every_service_has_the_page_that_its_errors_name() -> None:
    root = Path(__file__).resolve().parents[2]
    assert [service.page for service in Registry.discover("kumoi.services") if not (root / service.page).exists()] == []


@pytest.mark.parametrize(
    ("params", "node"),
    [
        ({"ToyName": "bear"}, "toys:bear"),
        ({"ToyArn": "arn:aws:toys:us-east-1:000000000000:toy/bear", "ToyName": "x"}, "toys:bear"),
        ({}, "toys"),
        ({"ToyName": 3}, "toys"),
    ],
)
def test_a_call_names_its_node_on_the_map(params: dict[str, object], node: str) -> None:
    assert a_service().node(params) == node


def test_a_service_remembers_only_so_many_nodes() -> None:
    service = a_service()
    for number in range(3_000):
        assert service.named(f"toy/{number}") == f"toys:{number}"
    assert service.named("toy/2999") == "toys:2999"
    assert service.named("x" * 500) == f"toys:{'x' * 500}"
    assert len(service._nodes) <= 1024 and "x" * 500 not in service._nodes


def test_a_data_plane_must_be_declared_and_is_found_by_name() -> None:
    service = a_service()
    with pytest.raises(ValueError, match="does not declare the data plane"):
        service.data_plane("toy-radio")
    assert Registry([service]).data_plane("toy-web") is service
    assert Registry([service]).data_plane("toy-radio") is None


def test_two_handlers_for_one_operation_are_a_mistake() -> None:
    service = a_service()
    with pytest.raises(ValueError, match="two handlers for GetToy"):
        service.operation(name="GetToy")(service.find("GetToy").handler)
