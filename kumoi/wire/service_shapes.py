"""The shapes of one service in each of the forms that protocols give them."""

from __future__ import annotations

from functools import cached_property

from kumoi.wire.error_rendering import AMZ_CBOR, CBOR
from kumoi.wire.json_shapes import JsonShapes
from kumoi.wire.model import ServiceModel
from kumoi.wire.query_shapes import QueryShapes
from kumoi.wire.rest_bindings import RestBindings
from kumoi.wire.xml_shapes import XmlShapes

REST = ("rest-json", "rest-xml")
FORMS = ("query", "ec2")
"""Protocols whose requests are forms."""


class ServiceShapes:
    """Readers and writers of a service's shapes, each kind made when it is first needed."""

    def __init__(self, model: ServiceModel) -> None:
        self.model = model

    @cached_property
    def xml(self) -> XmlShapes:
        """The shapes in XML."""
        return XmlShapes(self.model.name, milliseconds=self.model.overlay.milliseconds)

    @cached_property
    def query(self) -> QueryShapes:
        """The shapes in forms."""
        return QueryShapes(self.model.name, ec2=self.model.protocol == "ec2")

    @cached_property
    def json(self) -> JsonShapes:
        """The shapes in JSON."""
        return JsonShapes(self.model.name, renamed=self.model.protocol in REST)

    @cached_property
    def cbor(self) -> JsonShapes:
        """The shapes in CBOR."""
        return JsonShapes(self.model.name, renamed=False, native=True)

    @cached_property
    def amz_cbor(self) -> JsonShapes:
        """The same with times in milliseconds."""
        return JsonShapes(self.model.name, renamed=False, native=True, milliseconds=True)

    def documents(self, protocol: str) -> JsonShapes:
        """The shapes in a protocol whose bodies are documents."""
        if protocol == CBOR:
            return self.cbor
        return self.amz_cbor if protocol == AMZ_CBOR else self.json

    @cached_property
    def rest(self) -> RestBindings:
        """The service's bindings to paths, queries and headers."""
        return RestBindings(self.model.name, self.json, self.xml if self.model.protocol == "rest-xml" else None)
