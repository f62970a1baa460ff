"""Which services the platform has: every folder below `kumoi.services` that declares a `Service`."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from kumoi.doorway.service import Service
from kumoi.wire.errors import aws_error

if TYPE_CHECKING:
    from kumoi.doorway.resource_types import ResourceType


class Registry:
    """Services by name."""

    def __init__(self, services: Iterable[Service]) -> None:
        self._services = {service.name: service for service in services}
        self._data_planes = {plane: service for service in self for plane in service.data_planes}

    def data_plane(self, name: str) -> Service | None:
        """The service that answers a data plane, or None."""
        return self._data_planes.get(name)

    @classmethod
    def discover(cls, package: str, *, without: Iterable[str] = ()) -> Registry:
        """Import each sub-package of `package` and collect the `Service` objects they declare, but those named."""
        found: list[Service] = []
        root = importlib.import_module(package)
        for module in pkgutil.iter_modules(root.__path__, f"{package}."):
            members = vars(importlib.import_module(module.name)).values()
            found.extend(one for one in members if isinstance(one, Service) and one.name not in without)
        return cls(found)

    @cached_property
    def resource_types(self) -> Mapping[str, ResourceType]:
        """The types that services declare in their `resources.py`, by name."""
        found: dict[str, ResourceType] = {}
        for service in self:
            module = f"{service.package}.resources"
            if importlib.util.find_spec(module) is not None:
                found |= {one.name: one for one in importlib.import_module(module).RESOURCES}
        return found

    def __getitem__(self, name: str) -> Service:
        """The service by botocore's name; an error that names what is missing when there is none."""
        try:
            return self._services[name]
        except KeyError:
            known = ", ".join(sorted(self._services))
            raise aws_error(
                "NotImplemented", f"Kumoi does not serve {name!r} yet. It serves: {known}.", status=501
            ) from None

    def __contains__(self, name: str) -> bool:
        return name in self._services

    def __iter__(self) -> Iterator[Service]:
        return iter(self._services.values())
