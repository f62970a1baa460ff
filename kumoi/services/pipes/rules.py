"""What Pipes refuses of a definition, and pages of lists: pure rules."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from kumoi.event_sources import Kind
from kumoi.event_sources.filters import is_pattern
from kumoi.names import Arn
from kumoi.services.pipes import templates
from kumoi.services.pipes.enrichment import SERVICES
from kumoi.services.pipes.records import PARAMETERS, Pipe
from kumoi.services.pipes.target import WAYS
from kumoi.wire.errors import AwsError, aws_error

MOST_FILTERS = 5


def invalid(text: str) -> AwsError:
    """ValidationException."""
    return aws_error("ValidationException", text)


def not_found(name: str) -> AwsError:
    """NotFoundException."""
    return aws_error("NotFoundException", f"Pipe {name} does not exist.")


def source_kind(source: str) -> Kind:
    """The kind of a source; ValidationException for no ARN, NotImplemented for what is not read here."""
    arn = _arn(source, "Source")
    if arn.service == "sqs":
        return "sqs"
    if arn.service == "kinesis" and arn.resource.startswith("stream/"):
        return "kinesis"
    if arn.service == "dynamodb" and "/stream/" in arn.resource:
        return "dynamodb"
    raise _unbuilt(f"sources like {source}; it reads SQS queues, Kinesis streams and DynamoDB streams")


def check(pipe: Pipe) -> None:
    """Refuse a pipe that could not run."""
    target = _arn(pipe.target, "Target")
    if target.service not in WAYS:
        raise _unbuilt(f"targets like {pipe.target}; it hands over to {', '.join(sorted(WAYS))}")
    if pipe.enrichment is not None and _arn(pipe.enrichment, "Enrichment").service not in SERVICES:
        raise _unbuilt(f"enrichments like {pipe.enrichment}; it asks functions and state machines")
    _check_source(pipe)
    for parameters in (pipe.enrichment_parameters, pipe.target_parameters):
        problem = templates.check(parameters.get("InputTemplate") or "")
        if problem is not None:
            raise invalid(problem)
    if target.service == "kinesis" and "KinesisStreamParameters" not in pipe.target_parameters:
        raise invalid("TargetParameters.KinesisStreamParameters is required for a Kinesis target.")
    group = pipe.target_parameters.get("SqsQueueParameters", {}).get("MessageGroupId")
    if target.service == "sqs" and pipe.target.endswith(".fifo") and not group:
        raise invalid("MessageGroupId is required for a FIFO queue target.")


def _check_source(pipe: Pipe) -> None:
    known = PARAMETERS[pipe.kind]
    given = pipe.source_parameters
    strange = sorted(set(given) - {"FilterCriteria", known})
    if strange:
        raise invalid(f"SourceParameters.{strange[0]} does not fit the source {pipe.source}.")
    filters = given.get("FilterCriteria", {}).get("Filters", ())
    if len(filters) > MOST_FILTERS:
        raise invalid(f"A pipe has at most {MOST_FILTERS} filters.")
    if not all(is_pattern(one.get("Pattern", "")) for one in filters):
        raise invalid("Invalid filter pattern definition.")
    parameters = given.get(known, {})
    if pipe.kind == "sqs":
        if parameters.get("BatchSize", 10) > 10 and not parameters.get("MaximumBatchingWindowInSeconds"):
            raise invalid("MaximumBatchingWindowInSeconds must be greater than 0 if BatchSize is greater than 10.")
    elif "StartingPosition" not in parameters:
        raise invalid(f"SourceParameters.{known}.StartingPosition is required.")
    elif parameters["StartingPosition"] == "AT_TIMESTAMP" and "StartingPositionTimestamp" not in parameters:
        raise invalid("StartingPositionTimestamp is required when StartingPosition is AT_TIMESTAMP.")


_FILTERS = "FilterCriteria"


def merged(current: Mapping[str, Any], changes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Parameters after an update: members that are given replace those of the same name, deeply."""
    found = dict(current)
    for name, value in (changes or {}).items():
        before = found.get(name)
        found[name] = merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return found


def source_parameters(current: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """SourceParameters after they were given: filters are replaced as a whole, and gone where none are given."""
    found = merged({name: value for name, value in current.items() if name not in changes or name != _FILTERS}, changes)
    if not found.get(_FILTERS, {}).get("Filters"):
        found.pop(_FILTERS, None)
    return found


def page(found: Sequence[Pipe], token: str | None, limit: int) -> tuple[Sequence[Pipe], dict[str, str]]:
    """One page of pipes by name, and NextToken where more follow."""
    if token is not None:
        try:
            after = base64.b64decode(token, validate=True).decode()
        except (binascii.Error, ValueError):
            raise invalid("Invalid NextToken.") from None
        found = [pipe for pipe in found if pipe.name > after]
    shown = found[:limit]
    if len(shown) == len(found):
        return shown, {}
    return shown, {"NextToken": base64.b64encode(shown[-1].name.encode()).decode()}


def _arn(text: str, member: str) -> Arn:
    try:
        return Arn.parse(text)
    except ValueError:
        raise invalid(f"{member} {text} is not a valid ARN.") from None


def _unbuilt(what: str) -> AwsError:
    return aws_error("NotImplemented", f"Kumoi's pipes have no {what}: see docs/pipes.md.", status=501)
