"""The program that translates SAM templates: AWS's own translator, in a process of its own.

One request a line on standard input (JSON: `template`, `parameters`, `region`), one answer a line on standard output
(`template`, or `errors`). Loading the translator takes most of a second, and it holds the interpreter while it works:
the platform's loop must not wait for either. Imports nothing of Kumoi's, so that it starts quickly.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, NamedTuple

from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.utils.py27hash_fix import to_py27_compatible_template, undo_mark_unicode_str_in_template


class _ManagedPolicies(dict[str, str]):
    """AWS's managed policies by name: any name stands for AWS's policy of that name."""

    def __missing__(self, name: str) -> str:
        return f"arn:aws:iam::aws:policy/{name}"

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.replace("_", "").isalnum()

    def get(self, name: str, default: Any = None) -> Any:
        """The ARN of a policy."""
        return self.__missing__(str(name)) if name in self else default


class _Session(NamedTuple):
    """All that the translator asks of an SDK session."""

    region_name: str


def translate(template: dict[str, Any], parameters: dict[str, Any], region: str) -> dict[str, Any]:
    """The template without what only SAM knows; raises InvalidDocumentException."""
    to_py27_compatible_template(template, parameters)
    translator = Translator(None, Parser(), boto_session=_Session(region))
    translated = translator.translate(template, parameter_values=parameters, get_managed_policy_map=_ManagedPolicies)
    result: dict[str, Any] = undo_mark_unicode_str_in_template(translated)
    return result


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"template": translate(**request)}
    except InvalidDocumentException as error:
        return {"errors": [cause.message for cause in error.causes] or [str(error)]}
    except Exception as error:  # noqa: BLE001  (what the translator did not foresee in a user's template)
        return {"errors": [f"{type(error).__name__}: {error}"]}


def main() -> None:
    """Answer requests until standard input ends."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "w") as out:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        for line in sys.stdin:
            out.write(json.dumps(_answer(json.loads(line)), default=str) + "\n")
            out.flush()


if __name__ == "__main__":
    main()
