"""ExpressionAttributeNames and ExpressionAttributeValues: what stands for `#n` and `:v`, and whether all was used."""

from __future__ import annotations

import re
from collections.abc import Mapping

from kumoi.services.dynamodb.errors import invalid
from kumoi.services.dynamodb.language.values import Item, Value, normalise, value_error
from kumoi.wire.errors import AwsError

_NAME, _VALUE = re.compile(r"#[A-Za-z0-9_]+"), re.compile(r":[A-Za-z0-9_]+")
_MOST_NAME_BYTES = 65_535


class Names:
    """Attribute names by placeholder."""

    def __init__(self, names: Mapping[str, str] | None) -> None:
        self._names = names or {}
        self._used: set[str] = set()
        if names is None:
            return
        if not names:
            raise invalid("ExpressionAttributeNames must not be empty")
        for placeholder, name in names.items():
            if not _NAME.fullmatch(placeholder):
                raise invalid(f'ExpressionAttributeNames contains invalid key: Syntax error; key: "{placeholder}"')
            if not 1 <= len(name.encode("utf-8", "surrogatepass")) <= _MOST_NAME_BYTES:
                raise invalid(
                    "ExpressionAttributeNames contains invalid value: Attribute name must be between 1 and "
                    f"{_MOST_NAME_BYTES} characters for key {placeholder}"
                )

    def get(self, placeholder: str) -> str | None:
        """The name it stands for; None when it is not defined."""
        self._used.add(placeholder)
        return self._names.get(placeholder)

    def check_used(self) -> None:
        """Refuse names that no expression used."""
        _check_used("ExpressionAttributeNames", self._names, self._used)


class Values:
    """Attribute values by placeholder, in canonical form."""

    def __init__(self, values: Item | None) -> None:
        self._values: dict[str, Value] = {}
        self._used: set[str] = set()
        if values is None:
            return
        if not values:
            raise invalid("ExpressionAttributeValues must not be empty")
        for placeholder, value in values.items():
            if not _VALUE.fullmatch(placeholder):
                raise invalid(f'ExpressionAttributeValues contains invalid key: Syntax error; key: "{placeholder}"')
            try:
                self._values[placeholder] = normalise(value)
            except AwsError as error:
                raise value_error(error, placeholder) from None

    def get(self, placeholder: str) -> Value | None:
        """The value it stands for; None when it is not defined."""
        self._used.add(placeholder)
        return self._values.get(placeholder)

    def check_used(self) -> None:
        """Refuse values that no expression used."""
        _check_used("ExpressionAttributeValues", self._values, self._used)


def _check_used(member: str, known: Mapping[str, object], used: set[str]) -> None:
    unused = [placeholder for placeholder in known if placeholder not in used]
    if unused:
        raise invalid(f"Value provided in {member} unused in expressions: keys: {{{', '.join(unused)}}}")
