"""What may go wrong while a state runs: an error that Retry and Catch may match, or one that ends the execution."""

from __future__ import annotations

ALL = "States.ALL"
BRANCH_FAILED = "States.BranchFailed"
DATA_LIMIT = "States.DataLimitExceeded"
HEARTBEAT_TIMEOUT = "States.HeartbeatTimeout"
INTRINSIC_FAILURE = "States.IntrinsicFailure"
ITEM_READER_FAILED = "States.ItemReaderFailed"
NO_CHOICE = "States.NoChoiceMatched"
PARAMETER_PATH = "States.ParameterPathFailure"
QUERY_EVALUATION = "States.QueryEvaluationError"
RESULT_PATH = "States.ResultPathMatchFailure"
RESULT_WRITER_FAILED = "States.ResultWriterFailed"
RUNTIME = "States.Runtime"
TASK_FAILED = "States.TaskFailed"
TIMEOUT = "States.Timeout"
TOLERATED = "States.ExceedToleratedFailureThreshold"


class StateError(Exception):
    """A state fails with `error` and `cause`. `located` says that the cause is to name the state it happened in."""

    def __init__(self, error: str, cause: str | None, *, located: bool = False) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause
        self.located = located


class EvaluationFailure(StateError):
    """A JSONata expression could not be evaluated; `location` is the field it stands in."""

    def __init__(self, cause: str, location: str) -> None:
        super().__init__(QUERY_EVALUATION, cause, located=True)
        self.location = location


class Invalid(ValueError):
    """A text of a definition is not what it should be."""


def runtime(cause: str) -> StateError:
    """States.Runtime: nothing retries or catches it by States.ALL."""
    return StateError(RUNTIME, cause, located=True)
