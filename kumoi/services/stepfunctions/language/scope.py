"""What an expression of the JSONPath language may see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Scope(NamedTuple):
    """`$` (the document), `$$` (the context object, made when it is asked for) and the variables."""

    document: Any
    context: Callable[[], Any]
    variables: Mapping[str, Any]


Expression = Callable[[Scope], Any]
