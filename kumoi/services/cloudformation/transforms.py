"""Transforms: what macros make of a template. AWS's own: Serverless (SAM, by AWS's translator) and LanguageExtensions.

Other macros, and AWS::Include, are refused by name.
"""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Mapping
from typing import Any

from kumoi.doorway import Call
from kumoi.wire.errors import AwsError, aws_error

SERVERLESS = "AWS::Serverless-2016-10-31"
EXTENSIONS = "AWS::LanguageExtensions"


async def transform(call: Call, template: dict[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The template after its transforms, in their order."""
    stated = template.get("Transform", [])
    names = [stated] if isinstance(stated, str) else stated
    for name in names:
        if name == SERVERLESS:
            template = await asyncio.to_thread(_serverless, template, dict(parameters), call.region)
        elif name != EXTENSIONS:
            shown = name.get("Name") if isinstance(name, dict) else name
            raise aws_error("ValidationError", f"No transform named {shown} found.")
    return {name: section for name, section in template.items() if name not in ("Transform", "Globals")}


class _ManagedPolicies(dict[str, str]):
    """AWS's managed policies by name: any name stands for AWS's policy of that name."""

    def __missing__(self, name: str) -> str:
        return f"arn:aws:iam::aws:policy/{name}"

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.replace("_", "").isalnum()

    def get(self, name: str, default: Any = None) -> Any:
        """The ARN of a policy."""
        known = name in self
        return self.__missing__(str(name)) if known else default


_TRANSLATING = threading.Lock()
"""The translator keeps some of its state for the whole process: one template at a time."""


def _serverless(template: dict[str, Any], parameters: dict[str, Any], region: str) -> dict[str, Any]:
    """AWS's translator at work. It is loaded when first needed: that takes half a second."""
    import boto3
    from samtranslator.model.exceptions import InvalidDocumentException
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator
    from samtranslator.utils.py27hash_fix import to_py27_compatible_template, undo_mark_unicode_str_in_template

    document = copy.deepcopy(template)
    with _TRANSLATING:
        try:
            to_py27_compatible_template(document, parameters)
            translator = Translator(None, Parser(), boto_session=boto3.Session(region_name=region))
            translated = translator.translate(
                document, parameter_values=parameters, get_managed_policy_map=_ManagedPolicies
            )
        except InvalidDocumentException as error:
            raise _refused(error) from None
        result: dict[str, Any] = undo_mark_unicode_str_in_template(translated)
        return result


def _refused(error: Any) -> AwsError:
    told = "; ".join(cause.message for cause in getattr(error, "causes", [])) or str(error)
    return aws_error(
        "ValidationError",
        f"Transform {SERVERLESS} failed with: Invalid Serverless Application Specification document. Number of "
        f"errors found: {len(getattr(error, 'causes', [1]))}. {told}",
    )
