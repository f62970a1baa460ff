"""Bringing a stack to a template, and taking it away: change sets, and what happens while they are carried out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from uuid import uuid4

import click
from botocore.exceptions import ClientError

from kumoi.cli.deploying.artifacts import Artifacts

POLL_SECONDS = 0.1
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
SETTLED = ("_COMPLETE", "_FAILED")


class Plan(NamedTuple):
    """What a change set would do: its id, the stack's, whether that was begun for it, and the changes."""

    change_set: str
    stack: str
    begun: bool
    changes: list[dict[str, Any]]


class Deployer:
    """Deploys to one platform."""

    def __init__(self, client: Any, artifacts: Artifacts) -> None:
        self._client = client
        self._artifacts = artifacts
        self.url = str(client.meta.endpoint_url)

    def plan(
        self, name: str, template: Mapping[str, Any], parameters: Mapping[str, str], tags: Mapping[str, str]
    ) -> Plan | None:
        """What a template would change of a stack; None when that is nothing. ClickException when it is refused."""
        before = self.find(name)
        stored = self._artifacts.store(json.dumps(template).encode(), ".template")
        new = before is None or before["StackStatus"] == "REVIEW_IN_PROGRESS"
        declared = template.get("Parameters") or {}
        unknown = [key for key in parameters if key not in declared]
        if unknown:
            raise click.UsageError(f"the template has no parameter {', '.join(unknown)}.")
        kept = () if new or before is None else {one["ParameterKey"] for one in before.get("Parameters", [])}
        given: list[dict[str, Any]] = [
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ]
        given += [
            {"ParameterKey": key, "UsePreviousValue": True} for key in declared if key not in parameters and key in kept
        ]
        made = self._client.create_change_set(
            StackName=name,
            ChangeSetName=f"kumoi-{uuid4().hex[:12]}",
            ChangeSetType="CREATE" if new else "UPDATE",
            TemplateURL=stored.url(self._artifacts.region),
            Parameters=given,
            Capabilities=CAPABILITIES,
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )
        told = self._client.describe_change_set(ChangeSetName=made["Id"])
        plan = Plan(made["Id"], made["StackId"], before is None, told.get("Changes", []))
        if told["Status"] == "FAILED":
            self.drop(plan)
            if "didn't contain changes" in told.get("StatusReason", ""):
                return None
            raise click.ClickException(told.get("StatusReason", "the change set failed."))
        return plan

    def clear(self, name: str) -> None:
        """Delete what is left of a stack that could not be made: nothing else can become of it."""
        before = self.find(name)
        if before is not None and before["StackStatus"] in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED"):
            for _ in self.delete(before["StackId"]):
                pass

    def drop(self, plan: Plan) -> None:
        """Throw a plan away, and the stack that was begun for it."""
        self._client.delete_change_set(ChangeSetName=plan.change_set)
        if plan.begun:
            self._client.delete_stack(StackName=plan.stack)

    def carry_out(self, plan: Plan) -> Iterator[dict[str, Any]]:
        """Carry a plan out; each event as it happens."""
        return self._events(plan.stack, lambda: self._client.execute_change_set(ChangeSetName=plan.change_set))

    def delete(self, stack_id: str) -> Iterator[dict[str, Any]]:
        """Delete a stack; each event as it happens."""
        return self._events(stack_id, lambda: self._client.delete_stack(StackName=stack_id))

    def find(self, name: str) -> dict[str, Any] | None:
        """The stack of a name or id; None when there is none."""
        try:
            return dict(self._client.describe_stacks(StackName=name)["Stacks"][0])
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise

    def _events(self, stack_id: str, act: Callable[[], Any]) -> Iterator[dict[str, Any]]:
        seen = {one["EventId"] for one in self._new_events(stack_id, frozenset())}
        with ThreadPoolExecutor(1) as acting:
            begun = acting.submit(act)
            while True:
                over = begun.done() and self._settled(stack_id)
                for event in reversed(self._new_events(stack_id, seen)):
                    seen.add(event["EventId"])
                    yield event
                if over:
                    break
                time.sleep(POLL_SECONDS)
            begun.result()

    def _settled(self, stack_id: str) -> bool:
        stack = self.find(stack_id)
        return stack is None or stack["StackStatus"].endswith(SETTLED)

    def _new_events(self, stack_id: str, seen: Collection[str]) -> list[dict[str, Any]]:
        """The events that were not seen yet, the newest first."""
        found: dict[str, dict[str, Any]] = {}  # a page may tell again what came while the one before was read
        for page in self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id):
            for event in page["StackEvents"]:
                if event["EventId"] in seen:
                    return list(found.values())
                found.setdefault(event["EventId"], event)
        return list(found.values())
