"""What a scaling policy may say: pure.

Source: "PutScalingPolicy" of the API reference, "Considerations" of the user guide's chapters on the kinds of policies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.services.application_autoscaling.dimensions import Dimension
from kumoi.services.application_autoscaling.errors import invalid

_LEAST_UTILIZATION, _MOST_UTILIZATION = 20.0, 90.0


def check_tracking(given: Mapping[str, Any], dimension: Dimension) -> None:
    """Raise ValidationException for a target tracking configuration that a target cannot have."""
    predefined, customized = given.get("PredefinedMetricSpecification"), given.get("CustomizedMetricSpecification")
    if (predefined is None) == (customized is None):
        raise invalid(
            "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be specified"
        )
    target = given.get("TargetValue")
    if not isinstance(target, int | float):
        raise invalid("TargetValue must be specified")
    if not 0 < target < 2.0**360:
        raise invalid(f"TargetValue must be above 0 and below 2^360: {target}")
    for member in ("ScaleOutCooldown", "ScaleInCooldown"):
        if given.get(member, 0) < 0:
            raise invalid(f"{member} must not be below 0")
    if predefined is not None:
        _check_predefined(predefined, target, dimension)
    else:
        _check_customized(customized or {})


def _check_predefined(given: Mapping[str, Any], target: float, dimension: Dimension) -> None:
    metric = given.get("PredefinedMetricType")
    if metric != dimension.predefined:
        raise invalid(
            f"Predefined metric type {metric} is not supported for scalable dimension {dimension.name}: it has "
            f"{dimension.predefined or 'none'}"
        )
    if "ResourceLabel" in given:
        raise invalid(f"ResourceLabel must not be specified for {metric}")
    if dimension.namespace == "dynamodb" and not _LEAST_UTILIZATION <= target <= _MOST_UTILIZATION:
        raise invalid(f"TargetValue of {metric} must be between {_LEAST_UTILIZATION} and {_MOST_UTILIZATION}: {target}")


def _check_customized(given: Mapping[str, Any]) -> None:
    alone = ("MetricName", "Namespace", "Statistic")
    if given.get("Metrics"):
        strange = [name for name in (*alone, "Dimensions", "Unit") if given.get(name)]
        if strange:
            raise invalid(f"{strange[0]} of CustomizedMetricSpecification cannot be specified together with Metrics")
        return
    missing = [name for name in alone if not given.get(name)]
    if missing:
        raise invalid(f"CustomizedMetricSpecification must contain {', '.join(missing)}, or Metrics")
