"""One attempt of a task, as an integration gets it, and what it may come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from kumoi.doorway import Principal, Trace
from kumoi.names import Arn
from kumoi.services.stepfunctions.language.resources import Resource


class TaskError(Exception):
    """The attempt failed."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call answered; `job` names what a .sync task has to wait for."""

    output: Any
    job: str | None = None


@dataclass(frozen=True, slots=True)
class TaskCall:
    """An attempt. `key` is the same whenever this attempt is made again after a crash: a UUID of the event's."""

    resource: Resource
    request: Any
    key: str
    execution: str
    machine: str
    account: str
    region: str
    role: str
    trace: Trace
    durable: bool = True
    foreign: bool = False

    @property
    def caller(self) -> Principal:
        """The role that the task acts in: the machine's, or with Credentials (`foreign`) that one, in its account."""
        name = self.execution.split(":")[7]
        account = (Arn.parse(self.role).account or self.account) if self.foreign else self.account
        return Principal.of_role(account, self.role or "role/states", name, f"stepfunctions:{self.machine}")

    @property
    def target_region(self) -> str:
        """Where the call goes: the machine's region unless the resource names another."""
        return self.resource.arn.split(":")[3] or self.region


def key_of(execution: str, event: int) -> str:
    """The key of an attempt that began with an event."""
    return str(uuid5(NAMESPACE_URL, f"{execution}/{event}"))
