"""What Task states ask of others: Lambda, the optimized integrations, any operation of the SDK, HTTP endpoints."""

from kumoi.services.stepfunctions.integrations.task import Answer, TaskCall, TaskError

__all__ = ["Answer", "TaskCall", "TaskError"]
