"""A pipeline's activities as a chain: from the channel along `next` to the data store. Pure.

The order of the list says nothing. Source: the API reference, "PipelineActivity", and the user guide, "Creating a
pipeline".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kumoi.iot_sql import SqlError, compiled, parse_expression
from kumoi.services.iotanalytics.naming import invalid

KINDS = (
    *("channel", "lambda", "datastore", "addAttributes", "removeAttributes", "selectAttributes", "filter", "math"),
    *("deviceRegistryEnrich", "deviceShadowEnrich"),
)


class Activity(NamedTuple):
    """One activity: its kind (the member's name) and what was said of it."""

    kind: str
    settings: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name within the pipeline."""
        return str(self.settings["name"])


def read_activity(given: Mapping[str, Any]) -> Activity:
    """The one activity that a PipelineActivity is; InvalidRequestException when it is none or several."""
    if len(given) != 1:
        raise invalid("A pipeline activity holds exactly one activity; this one holds " + (", ".join(given) or "none."))
    ((kind, settings),) = given.items()
    activity = Activity(kind, settings)
    expression = settings.get(kind) if kind in ("filter", "math") else None
    if expression is not None:
        try:
            compiled(parse_expression(expression))
        except SqlError as error:
            raise invalid(f"The {kind} expression of activity {activity.name} is not valid: {error}.") from None
    return activity


def chain(given: Sequence[Mapping[str, Any]]) -> list[Activity]:
    """The activities in the order messages pass them; InvalidRequestException when they are no chain."""
    activities = [read_activity(one) for one in given]
    by_name = {activity.name: activity for activity in activities}
    if len(by_name) < len(activities):
        raise invalid("The names of a pipeline's activities must differ.")
    for kind in ("channel", "datastore"):
        if sum(activity.kind == kind for activity in activities) != 1:
            raise invalid(f"A pipeline has exactly one {kind} activity.")
    found = [next(activity for activity in activities if activity.kind == "channel")]
    while (following := found[-1].settings.get("next")) is not None:
        if following not in by_name:
            raise invalid(f"Activity {found[-1].name} goes on to {following}, which is not there.")
        if by_name[following] in found:
            raise invalid(f"The activities go in a circle at {following}.")
        found.append(by_name[following])
    if found[-1].kind != "datastore":
        raise invalid(f"The chain of activities ends at {found[-1].name}: it must end at the datastore activity.")
    if left := [activity.name for activity in activities if activity not in found]:
        raise invalid(f"No activity goes on to {', '.join(left)}.")
    return found
