"""Reads the notation of declarations into a service model and its paginators, as botocore's data files have them."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

Model = dict[str, Any]

_TYPES = {"bool": "boolean", "blob": "blob", "dbl": "double", "ts": "timestamp"}
_LOCATIONS = {"@": "uri", "?": "querystring"}
_MEMBER = re.compile(r"([@?]?)(\w+)(\*?):(.+)")
_LIST = re.compile(r"\[(.+)\](\d+)?(?:\.\.(\d+))?")
_MAP = re.compile(r"map\((.+)->(.+)\)(\d+)?(?:\.\.(\d+))?")
_TEXT = re.compile(r"s(\d+)?(?:\.\.(\d+))?")
_WHOLE = re.compile(r"int(?:(\d+)\.\.(\d+)?)?")


class Declaration(NamedTuple):
    """A service's model and paginators."""

    model: Model
    paginators: Model


def read(text: str) -> Declaration:
    """The declaration that a text is; ValueError where it is none."""
    return _Reader().read(text)


class _Reader:
    def __init__(self) -> None:
        self.metadata: Model = {}
        self.operations: Model = {}
        self.shapes: Model = {}
        self.paginators: Model = {}
        self._every: list[str] = []
        self._tokens: tuple[str, str] | None = None

    def read(self, text: str) -> Declaration:
        operation = ""
        for line in text.splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            word, _, rest = line.strip().partition(" ")
            if word == "service":
                self.metadata = {"endpointPrefix": rest, "uid": rest}
            elif word == "every":
                self._every = rest.split()
            elif word == "paginated":
                token, size = rest.split()
                self._tokens = token, size
            elif word == "text":
                self._text(rest)
            elif word == "error":
                self._error(rest)
            elif word == "operation":
                operation = self._operation(rest)
            elif word in ("in", "out"):
                self._message(operation, word, rest)
            elif word == "shape":
                name, _, members = rest.partition(" ")
                self.shapes[name] = self._structure(members)
            elif line.startswith("  "):
                self.metadata[word] = rest
            else:
                raise ValueError(f"a declaration has no line {line!r}")
        version = self.metadata["apiVersion"]
        self.metadata |= {
            "jsonVersion": "1.1",
            "protocols": [self.metadata["protocol"]],
            "uid": f"{self.metadata['uid']}-{version}",
        }
        model = {"version": "2.0", "metadata": self.metadata, "operations": self.operations, "shapes": self.shapes}
        return Declaration(model, {"pagination": self.paginators})

    def _text(self, rest: str) -> None:
        name, kind, *pattern = rest.split(" ", 2)
        self.shapes[name] = _sized("string", _TEXT.fullmatch(kind))
        if pattern:
            self.shapes[name]["pattern"] = pattern[0]

    def _error(self, rest: str) -> None:
        name, status, *members = rest.split(" ", 2)
        shape = self._structure(", ".join(["message:s", *members]))
        self.shapes[name] = {**shape, "error": {"httpStatusCode": int(status)}, "exception": True}
        if int(status) >= 500:
            self.shapes[name]["fault"] = True

    def _operation(self, rest: str) -> str:
        name, method, uri, status, *errors = rest.split()
        self.operations[name] = {
            "name": name,
            "http": {"method": method, "requestUri": uri, "responseCode": int(status)},
            "errors": [{"shape": error} for error in (*self._every, *errors)],
        }
        return name

    def _message(self, operation: str, direction: str, members: str) -> None:
        way, suffix = ("input", "Request") if direction == "in" else ("output", "Response")
        shape = f"{operation}{suffix}"
        self.shapes[shape] = found = self._structure(members)
        self.operations[operation][way] = {"shape": shape}
        if way == "output" and self._tokens and self._tokens[0] in found["members"]:
            token, size = self._tokens
            (result,) = (name for name in found["members"] if name != token)
            self.paginators[operation] = {
                "input_token": token,
                "output_token": token,
                "limit_key": size,
                "result_key": result,
            }

    def _structure(self, text: str) -> Model:
        members: Model = {}
        required: list[str] = []
        for part in filter(None, text.split(", ")):
            match = _MEMBER.fullmatch(part)
            if match is None:
                raise ValueError(f"a declaration has no member {part!r}")
            place, name, needed, kind = match.groups()
            members[name] = {"shape": self._shape(kind)}
            if place:
                members[name] |= {"location": _LOCATIONS[place], "locationName": name}
            if needed:
                required.append(name)
        shape: Model = {"type": "structure", "members": members}
        return {**shape, "required": required} if required else shape

    def _shape(self, kind: str) -> str:
        """The name of the shape that a type means; shapes without a name of their own are named for what they are."""
        shape: Model
        if kind in _TYPES:
            name, shape = kind.capitalize(), {"type": _TYPES[kind]}
        elif match := _LIST.fullmatch(kind):
            item = self._shape(match[1])
            name = f"{item}List" + "To".join(filter(None, match.groups()[1:]))
            shape = {**_range(match[2], match[3]), "type": "list", "member": {"shape": item}}
        elif match := _MAP.fullmatch(kind):
            key, value = self._shape(match[1]), self._shape(match[2])
            name = f"{key}To{value}Map"
            shape = {**_range(match[3], match[4]), "type": "map", "key": {"shape": key}, "value": {"shape": value}}
        elif match := _WHOLE.fullmatch(kind):
            name = "Int" + "To".join(filter(None, match.groups()))
            shape = {**_range(match[1], match[2]), "type": "integer"}
        elif match := _TEXT.fullmatch(kind):
            name, shape = "Text" + "To".join(part or "" for part in match.groups()), _sized("string", match)
        elif kind.startswith("{"):
            values = kind[1:-1].split(",")
            name, shape = "OneOf" + "".join(value.capitalize() for value in values), {"type": "string", "enum": values}
        else:
            return kind
        self.shapes[name] = shape
        return name


def _sized(kind: str, match: re.Match[str] | None) -> Model:
    if match is None:
        raise ValueError("a text is declared as sA..B")
    return {**_range(match[1], match[2]), "type": kind}


def _range(least: str | None, most: str | None) -> Model:
    bounds: Model = {}
    if least is not None:
        bounds["min"] = int(least)
    if most is not None:
        bounds["max"] = int(most)
    return bounds
