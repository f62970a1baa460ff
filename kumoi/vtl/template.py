"""A template, read once and rendered often."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kumoi.vtl.compiler import compiled_block, compiled_macro
from kumoi.vtl.errors import VtlError
from kumoi.vtl.parser import parse
from kumoi.vtl.run import Break, Limits, Rendered, Run, Stop

_USUAL = Limits()
_PATTERNS = re.compile(r"\.\s*(?:matches|replaceAll|replaceFirst|split)\s*\(")


class Template:
    """A template; raises VtlError where it cannot be read. `patterned`: it may match regular expressions."""

    __slots__ = ("_block", "_macros", "patterned")

    def __init__(self, source: str) -> None:
        self.patterned = _PATTERNS.search(source) is not None
        parsed = parse(source)
        self._block = compiled_block(parsed.block)
        self._macros = {name: compiled_macro(macro) for name, macro in parsed.macros.items()}

    def render(self, variables: Mapping[str, Any], limits: Limits = _USUAL, *, quiet_members: bool = False) -> Rendered:
        """Render with variables, which are left as they are, but for maps and lists that the template changes.

        `quiet_members`: a member without a value of a known thing is written as nothing, not as it stands.
        Raises VtlError for what goes wrong, LimitExceeded for what takes too much.
        """
        run = Run(dict(variables), limits, dict(self._macros), quiet_members)
        try:
            self._block(run)
        except Break:
            pass
        except Stop as stop:
            return Rendered("".join(run.pieces), stop.returned, stop.value)
        except RecursionError:
            raise VtlError("the template nests too deep") from None
        return Rendered("".join(run.pieces))
