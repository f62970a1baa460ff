"""Service models: what botocore's data files say about a service, as shapes and operations.

Only the data files are read; botocore's code does not run. What botocore lacks is declared in `declarations`. A model
is loaded when its service is first used.
"""

from __future__ import annotations

import gzip
import importlib.util
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from kumoi.wire.declarations import declaration
from kumoi.wire.overlays import OVERLAYS, Overlay
from kumoi.wire.validation import Validator, Violation
from kumoi.wire.validation import error as validation_error

SHORT = 65_535
"""Bytes of a body that cannot break the greatest limits on lengths: those of the names in DynamoDB's items, say."""
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


class UnknownService(LookupError):
    """There is no model of that service."""


class Shape:
    """A shape as one reference sees it: the definition's traits, overridden by the reference's own."""

    def __init__(self, model: ServiceModel, name: str, traits: Mapping[str, Any]) -> None:
        self.model = model
        self.name = name
        self.traits = traits
        self.type: str = traits["type"]

    @cached_property
    def members(self) -> dict[str, Shape]:
        """A structure's members by name."""
        return {name: self.model.shape(ref) for name, ref in self.traits.get("members", {}).items()}

    @cached_property
    def required(self) -> frozenset[str]:
        """The members that must be there, but for idempotency tokens, which clients fill."""
        return frozenset(
            name for name in self.traits.get("required", ()) if not self.members[name].traits.get("idempotencyToken")
        )

    @cached_property
    def item(self) -> Shape:
        """A list's members."""
        return self.model.shape(self.traits["member"])

    @cached_property
    def key(self) -> Shape:
        """A map's keys."""
        return self.model.shape(self.traits["key"])

    @cached_property
    def value(self) -> Shape:
        """A map's values."""
        return self.model.shape(self.traits["value"])

    @property
    def location_name(self) -> str | None:
        """The name on the wire where it differs from the member's."""
        name: str | None = self.traits.get("locationName")
        return name

    @property
    def flattened(self) -> bool:
        """Whether a list or map stands in its parent without a wrapper."""
        return bool(self.traits.get("flattened"))

    @property
    def streaming(self) -> bool:
        """Whether a blob may be too large to hold."""
        return bool(self.traits.get("streaming"))

    @property
    def event_stream(self) -> bool:
        """Whether a structure is a stream of events."""
        return bool(self.traits.get("eventstream"))

    @property
    def document(self) -> bool:
        """Whether a value is any JSON, not described by the model."""
        return bool(self.traits.get("document"))

    @cached_property
    def parts(self) -> tuple[Shape, ...]:
        """The shapes directly inside: members, or item, or key and value."""
        if self.type == "structure":
            return tuple(self.members.values())
        if self.type == "list":
            return (self.item,)
        return (self.key, self.value) if self.type == "map" else ()

    def within(self) -> Iterator[Shape]:
        """Every shape inside, at any depth; each definition is entered once."""
        entered: set[str] = set()
        waiting = list(self.parts)
        while waiting:
            shape = waiting.pop()
            yield shape
            if shape.parts and shape.name not in entered:
                entered.add(shape.name)
                waiting += shape.parts

    @cached_property
    def one_of_many(self) -> bool:
        """Whether a structure usually has one member of many: a union, or one that contains itself."""
        if self.type != "structure" or len(self.members) < 3 or "required" in self.traits:
            return False
        return bool(self.traits.get("union")) or any(inner.name == self.name for inner in self.within())

    @cached_property
    def holds_document(self) -> bool:
        """Whether there is a document somewhere inside."""
        return any(inner.document for inner in self.within())


class OperationModel:
    """One operation: where it is found, what goes in, what comes out; `unsigned` ones need no signature.

    `compressible`: clients compress its longer requests (gzip).
    """

    def __init__(self, model: ServiceModel, name: str, definition: Mapping[str, Any]) -> None:
        self.model = model
        self.name = name
        self.definition = definition
        http = definition.get("http", {})
        self.method: str = http.get("method", "POST")
        self.uri: str = http.get("requestUri", "/")
        self.status: int = http.get("responseCode", 200)
        self.deprecated: bool = bool(definition.get("deprecated"))
        self.compressible: bool = "gzip" in definition.get("requestcompression", {}).get("encodings", ())
        self.unsigned: bool = definition.get("authtype") == "none" or "smithy.api#noAuth" in definition.get("auth", ())

    @cached_property
    def input(self) -> Shape | None:
        """What goes in."""
        return self.model.shape(self.definition["input"]) if "input" in self.definition else None

    @cached_property
    def output(self) -> Shape | None:
        """What comes out."""
        return self.model.shape(self.definition["output"]) if "output" in self.definition else None

    @cached_property
    def input_payload(self) -> Shape | None:
        """The member of the input that is the body, where one is."""
        name = self.input.traits.get("payload") if self.input else None
        return self.input.members[name] if self.input and name else None

    def validate(self, params: Mapping[str, Any]) -> None:
        """Raise the service's validation error for params that break the model's constraints."""
        if self.check is not None:
            self.check(params)

    @cached_property
    def check(self) -> Callable[[Mapping[str, Any]], None] | None:
        """What `validate` does; None where there is nothing that it could find."""
        return self._checking(self.model.validator, "validate")

    @cached_property
    def check_short(self) -> Callable[[Mapping[str, Any]], None] | None:
        """As `check`, for params that come from no more than `SHORT` bytes: nothing among them can be longer."""
        return self._checking(self.model.validator_of_short, "validate short")

    def _checking(self, validator: Validator, title: str) -> Callable[[Mapping[str, Any]], None] | None:
        code = self.model.overlay.validation_code
        look = None if code is None or self.input is None else validator.check(self.input, f"{self.name} {title}")
        if code is None or look is None:
            return None

        def check(params: Mapping[str, Any]) -> None:
            found: list[Violation] = []
            look(params, "", found)
            if found:
                raise validation_error(found, code)

        return check

    @cached_property
    def streams_input(self) -> str | None:
        """The member that is a streaming body, if there is one."""
        payload = self.input_payload
        if self.input is None or payload is None or not (payload.streaming and payload.type == "blob"):
            return None
        name: str = self.input.traits["payload"]
        return name


class ServiceModel:
    """One service's model."""

    def __init__(self, name: str, raw: Mapping[str, Any]) -> None:
        self.name = name
        self.raw = raw
        self.metadata: Mapping[str, Any] = raw["metadata"]
        self.overlay: Overlay = OVERLAYS.get(name, Overlay())
        self.protocol: str = self.metadata["protocol"]
        self.protocols: tuple[str, ...] = tuple(self.metadata.get("protocols") or (self.protocol,))
        if self.overlay.form_names:
            self.protocols = (*self.protocols, "query")
            _name_forms(raw["shapes"], self.overlay.form_names)
        self.validator = Validator(name, self.overlay.unchecked)
        self._operations: dict[str, OperationModel] = {}

    @cached_property
    def validator_of_short(self) -> Validator:
        """The validator of params that come from no more than `SHORT` bytes."""
        return Validator(self.name, self.overlay.unchecked, SHORT)

    @classmethod
    def load(cls, name: str) -> ServiceModel:
        """A service's model: our own declaration, or botocore's newest version; UnknownService when there is none."""
        if (own := declaration(name)) is not None:
            return cls(name, own.model)
        folder = data_folder() / name
        known = _NAME.fullmatch(name) is not None and folder.is_dir()
        versions = sorted(path.name for path in folder.iterdir()) if known else []
        if not versions:
            raise UnknownService(f"there is no model of the service {name!r}")
        file = folder / versions[-1] / "service-2.json.gz"
        content = gzip.decompress(file.read_bytes()) if file.exists() else file.with_suffix("").read_bytes()
        return cls(name, orjson.loads(content))

    @property
    def operation_names(self) -> list[str]:
        """Every operation's name."""
        return list(self.raw["operations"])

    def operation(self, name: str) -> OperationModel:
        """An operation by name; KeyError when there is none."""
        found = self._operations.get(name)
        if found is None:
            found = self._operations[name] = OperationModel(self, name, self.raw["operations"][name])
        return found

    def shape(self, ref: Mapping[str, Any]) -> Shape:
        """The shape that a reference names, with the reference's traits on top."""
        name = ref["shape"]
        return Shape(self, name, {**self.raw["shapes"][name], **ref})

    @cached_property
    def errors(self) -> dict[str, Shape]:
        """The shapes of the service's errors, by code and by shape name."""
        found: dict[str, Shape] = {}
        for name, definition in self.raw["shapes"].items():
            if definition.get("exception") or "error" in definition:
                shape = self.shape({"shape": name})
                found[name] = shape
                code = definition.get("error", {}).get("code")
                if code:
                    found.setdefault(code, shape)
        return found

    @property
    def xml_namespace(self) -> Any:
        """The namespace of XML answers, as the model declares it; S3's model leaves its own unsaid."""
        return self.metadata.get("xmlNamespace") or self.overlay.xml_namespace

    @property
    def query_compatible(self) -> bool:
        """Whether errors also carry the code of the query protocol."""
        return "awsQueryCompatible" in self.metadata


def data_folder() -> Path:
    """Where botocore keeps its data; found without importing it."""
    spec = importlib.util.find_spec("botocore")
    if spec is None or not spec.submodule_search_locations:
        raise UnknownService("botocore is not installed: its data files are needed")
    return Path(spec.submodule_search_locations[0]) / "data"


def _name_forms(shapes: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Give flattened lists and maps of a model that was just read the names that they have in forms."""
    for shape in shapes.values():
        for member in shape.get("members", {}).values():
            if shapes[member["shape"]]["type"] == "map" and member["shape"] in names:
                member.setdefault("locationName", names[member["shape"]])
    for name, element in names.items():
        shape = shapes.get(name)
        if shape is None:
            continue
        if shape["type"] == "list":
            shape["member"].setdefault("locationName", element)
        else:
            shape["key"].setdefault("locationName", "Key" if element == "Tag" else "Name")
            shape["value"].setdefault("locationName", "Value")
