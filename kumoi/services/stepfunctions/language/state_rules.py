"""What each type of state may hold, field by field: the checks of one state, told to a `Reporter`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from kumoi.services.stepfunctions.language import choice, intrinsics, jsonata_expression
from kumoi.services.stepfunctions.language.diagnostics import INVALID_RESOURCE, SCHEMA
from kumoi.services.stepfunctions.language.error_rules import ErrorRules
from kumoi.services.stepfunctions.language.errors import Invalid
from kumoi.services.stepfunctions.language.jsonata_expression import is_expression
from kumoi.services.stepfunctions.language.resources import parse_resource
from kumoi.services.stepfunctions.language.value_rules import json_path_like

_COMMON = "Type Comment QueryLanguage"
_PATHS = "InputPath OutputPath"
_WORK = "Next End Retry Catch Assign"
_MAP = "ItemProcessor Iterator ItemReader ItemBatcher ResultWriter Label"
_BOTH: dict[str, str] = {
    "Pass": "Next End Assign",
    "Task": f"{_WORK} Resource TimeoutSeconds HeartbeatSeconds Credentials",
    "Choice": "Choices Default Assign",
    "Wait": "Next End Assign Seconds Timestamp",
    "Succeed": "",
    "Fail": "Error Cause",
    "Parallel": f"{_WORK} Branches",
    "Map": f"{_WORK} {_MAP} ItemSelector MaxConcurrency ToleratedFailureCount ToleratedFailurePercentage",
}
_JSON_PATH: dict[str, str] = {
    "Pass": f"{_PATHS} Parameters Result ResultPath",
    "Task": f"{_PATHS} Parameters ResultSelector ResultPath TimeoutSecondsPath HeartbeatSecondsPath",
    "Choice": _PATHS,
    "Wait": f"{_PATHS} SecondsPath TimestampPath",
    "Succeed": _PATHS,
    "Fail": "ErrorPath CausePath",
    "Parallel": f"{_PATHS} Parameters ResultSelector ResultPath",
    "Map": f"{_PATHS} Parameters ResultSelector ResultPath ItemsPath MaxConcurrencyPath ToleratedFailureCountPath "
    "ToleratedFailurePercentagePath",
}
_JSONATA: dict[str, str] = {
    "Pass": "Output",
    "Task": "Arguments Output",
    "Choice": "Output",
    "Wait": "Output",
    "Succeed": "Output",
    "Fail": "",
    "Parallel": "Arguments Output",
    "Map": "Items Output",
}
FIELDS = {
    (kind, jsonata): frozenset(f"{_COMMON} {_BOTH[kind]} {(_JSONATA if jsonata else _JSON_PATH)[kind]}".split())
    for kind in _BOTH
    for jsonata in (False, True)
}
_LABEL = re.compile(r"[^\s?*<>{}\[\]:;,\\|^~$#%&`\"\x00-\x1f\x7f-\x9f/]{1,40}")
_MOST = 99_999_999
_FAIL_CALLS = ("Format", "JsonToString", "ArrayGetItem", "Base64Encode", "Base64Decode", "Hash", "UUID")


class StateRules(ErrorRules):
    """The checks of one state. Afterwards `targets` are the states it leads to, `flows` what is to be checked inside.

    Without `siblings` it does not matter where the state leads to.
    """

    def check(self) -> None:
        """Check the state."""
        kind = self.body.get("Type")
        if not isinstance(kind, str) or kind not in _BOTH:
            self._error(
                "These fields are required: [Type]"
                if kind is None
                else f"Value is not valid. Valid values: [{', '.join(_BOTH)}]",
                None if kind is None else "Type",
            )
            return
        self._fields(kind)
        self._transition(kind)
        self._assign(self.body, "")
        if self.jsonata:
            self._jsonata_values()
        else:
            self._json_path_values(kind)
        getattr(self, f"_{kind.lower()}")()
        for number, one in enumerate(self._list("Retry")):
            self._retrier(one, f"Retry[{number}]")
        self._all_last("Retry")
        for number, one in enumerate(self._list("Catch")):
            self._catcher(one, f"Catch[{number}]")
        self._all_last("Catch")

    def _fields(self, kind: str) -> None:
        allowed = FIELDS[kind, self.jsonata]
        other = FIELDS[kind, not self.jsonata]
        for field in self.body.keys() - allowed:
            if field in other:
                language = "JSONata" if self.jsonata else "JSONPath"
                self._error(f"Field '{field}' is not supported when QueryLanguage is {language}", field)
            else:
                self._error("Field is not supported", field)

    def _transition(self, kind: str) -> None:
        if kind in ("Succeed", "Fail", "Choice"):
            return
        following, end = self.body.get("Next"), self.body.get("End")
        if end is not None and not isinstance(end, bool):
            self._error("Expected value of type Boolean", "End")
        if (following is None) == (end is not True):
            self._error("A state must have exactly one of these fields: [Next, End]")
        if following is not None:
            self._target(following, "Next")

    def _json_path_values(self, kind: str) -> None:
        for field in ("InputPath", "OutputPath"):
            if self.body.get(field) is not None:
                self._path(self.body[field], field)
        if self.body.get("ResultPath") is not None:
            self._path(self.body["ResultPath"], "ResultPath", place=True)
        for field in ("Parameters", "ResultSelector", "ItemSelector"):
            if field in self.body:
                self._template(self.body[field], field)
                if kind == "Task" and field == "Parameters" and not isinstance(self.body[field], dict):
                    self._error("Expected value of type Object", field)

    # The types of states

    def _pass(self) -> None:
        """Nothing more."""
        if isinstance(self.body.get("Result"), str) and json_path_like(self.body["Result"]):
            self.report.warning("PASS_RESULT_IS_STATIC", "Result is not evaluated: use Parameters", f"{self.at}/Result")

    def _succeed(self) -> None:
        """Nothing more."""

    def _fail(self) -> None:
        for field in ("Error", "Cause"):
            if field in self.body and not isinstance(self.body[field], str):
                self._error("Expected value of type String", field)
            path = self.body.get(f"{field}Path")
            if path is None:
                continue
            if field in self.body:
                self._error(f"A state may have only one of these fields: [{field}, {field}Path]")
            self._expression(path, f"{field}Path")
            if isinstance(path, str) and intrinsics.is_call(path) and not path[7:].startswith(_FAIL_CALLS):
                self._error("The intrinsic function is not allowed here", f"{field}Path")

    def _wait(self) -> None:
        names = [name for name in ("Seconds", "SecondsPath", "Timestamp", "TimestampPath") if name in self.body]
        if len(names) != 1:
            wanted = "[Seconds, Timestamp]" if self.jsonata else "[Seconds, SecondsPath, Timestamp, TimestampPath]"
            self._error(f"A Wait state must have exactly one of these fields: {wanted}")
        self._number("Seconds", 0, _MOST)
        stamp = self.body.get("Timestamp")
        if stamp is not None and not (self.jsonata and is_expression(stamp)) and choice.timestamp(stamp) is None:
            self._error("String does not match RFC3339 timestamp", "Timestamp")
        for field in ("SecondsPath", "TimestampPath"):
            if field in self.body:
                self._path(self.body[field], field)

    def _choice(self) -> None:
        rules = self.body.get("Choices")
        if not isinstance(rules, list) or not rules:
            self._error("These fields are required: [Choices]" if rules is None else "Choices must not be empty")
            rules = []
        for number, rule in enumerate(rules):
            field = f"Choices[{number}]"
            if not isinstance(rule, dict):
                self._error("Expected value of type Object", field)
                continue
            if "Next" in rule:
                self._target(rule["Next"], f"{field}/Next")
            else:
                self._error("These fields are required: [Next]", field)
            self._assign(rule, f"{field}/")
            if self.jsonata:
                self._condition(rule, field)
            else:
                self._rule(rule, field, {"Next", "Comment", "Assign"}, 0)
        if "Default" in self.body:
            self._target(self.body["Default"], "Default")

    def _condition(self, rule: dict[str, Any], field: str) -> None:
        for name in rule.keys() - {"Condition", "Next", "Comment", "Assign", "Output"}:
            self._error("Field is not supported", f"{field}/{name}")
        condition = rule.get("Condition")
        if not isinstance(condition, bool) and not is_expression(condition):
            self._error("Condition must be a JSONata expression or a boolean", field)

    def _rule(self, rule: Any, field: str, extra: set[str], depth: int) -> None:
        if not isinstance(rule, dict) or depth > 30:
            self._error("Expected value of type Object", field)
            return
        named = [name for name in ("And", "Or", "Not") if name in rule]
        operators = sorted(choice.OPERATORS & rule.keys())
        if len(named) + len(operators) != 1:
            self._error("A choice rule must have exactly one operator", field)
            return
        for name in rule.keys() - extra - {*named, *operators, "Variable", "Comment"}:
            self._error("Field is not supported", f"{field}/{name}")
        if operators:
            self._comparison(rule, operators[0], field)
        elif named == ["Not"]:
            self._rule(rule["Not"], f"{field}/Not", set(), depth + 1)
        else:
            inner = rule[named[0]]
            if not isinstance(inner, list) or not inner:
                self._error("Value must be a non-empty array", f"{field}/{named[0]}")
                return
            for number, one in enumerate(inner):
                self._rule(one, f"{field}/{named[0]}[{number}]", set(), depth + 1)

    def _comparison(self, rule: dict[str, Any], operator: str, field: str) -> None:
        if "Variable" not in rule:
            self._error("These fields are required: [Variable]", field)
        else:
            self._path(rule["Variable"], f"{field}/Variable")
        operand, kind = rule[operator], choice.operand_kind(operator)
        at = f"{field}/{operator}"
        if kind == "path":
            self._path(operand, at)
        elif kind == "timestamp":
            if choice.timestamp(operand) is None:
                self._error("String does not match RFC3339 timestamp", at)
        elif jsonata_expression.type_name(operand) != kind:
            self._error(f"Expected value of type {kind.capitalize()}", at)
        elif operator == "StringMatches":
            self._try(lambda: choice.matcher(operand), at)

    def _try(self, make: Callable[[], Any], field: str) -> None:
        try:
            make()
        except Invalid as error:
            self._error(str(error), field)

    def _task(self) -> None:
        resource = self.body.get("Resource")
        if not isinstance(resource, str):
            self._error("These fields are required: [Resource]")
            return
        parsed = None if self.jsonata and is_expression(resource) else parse_resource(resource)
        if parsed is None:
            self._error(
                f"The resource provided {resource} is not recognized. The value is not a valid resource ARN, or the "
                "resource is not available in this region.",
                "Resource",
            )
        elif self.report.express and (parsed.waits or parsed.kind == "activity"):
            pattern = parsed.pattern or "activity"
            self._error(f"Express state machine does not support '{pattern}' service integration ", "Resource", SCHEMA)
        for field in ("TimeoutSeconds", "HeartbeatSeconds"):
            self._number(field, 1, _MOST)
            if f"{field}Path" in self.body:
                self._path(self.body[f"{field}Path"], f"{field}Path")
                if field in self.body:
                    self._error(f"A state may have only one of these fields: [{field}, {field}Path]")
        timeout, heartbeat = self.body.get("TimeoutSeconds"), self.body.get("HeartbeatSeconds")
        if type(timeout) is int and type(heartbeat) is int and heartbeat >= timeout:
            self._error("HeartbeatSeconds must be smaller than TimeoutSeconds", "HeartbeatSeconds")
        credentials = self.body.get("Credentials")
        if credentials is not None:
            if not isinstance(credentials, dict) or not credentials.keys() <= {"RoleArn", "RoleArn.$"}:
                self._error("Expected an object with RoleArn", "Credentials")
            elif not self.jsonata:
                self._template(credentials, "Credentials")

    def _parallel(self) -> None:
        branches = self.body.get("Branches")
        if not isinstance(branches, list) or not branches:
            self._error("These fields are required: [Branches]" if branches is None else "Branches must not be empty")
            return
        self.flows = [(f"{self.at}/Branches[{number}]", branch) for number, branch in enumerate(branches)]

    def _map(self) -> None:
        given = [name for name in ("ItemProcessor", "Iterator") if name in self.body]
        if len(given) != 1:
            self._error("These fields are required: [ItemProcessor]")
            return
        processor = self.body[given[0]]
        self.flows = [(f"{self.at}/{given[0]}", processor)]
        distributed = self._processor(processor, given[0])
        if "Parameters" in self.body and "ItemSelector" in self.body:
            self._error("A state may have only one of these fields: [Parameters, ItemSelector]")
        for field, most, whole in (
            ("MaxConcurrency", _MOST, True),
            ("ToleratedFailureCount", _MOST, True),
            ("ToleratedFailurePercentage", 100, False),
        ):
            self._number(field, 0, most, whole=whole)
            if f"{field}Path" in self.body:
                self._path(self.body[f"{field}Path"], f"{field}Path")
                if field in self.body:
                    self._error(f"A state may have only one of these fields: [{field}, {field}Path]")
        if "ItemsPath" in self.body:
            self._path(self.body["ItemsPath"], "ItemsPath")
        items = self.body.get("Items")
        if self.jsonata and items is not None and not is_expression(items) and not isinstance(items, list | dict):
            self._error("Items must be a JSONata expression, an array or an object", "Items")
        self._distributed(distributed)

    def _processor(self, processor: Any, field: str) -> bool:
        config = processor.get("ProcessorConfig", {}) if isinstance(processor, dict) else {}
        if not isinstance(config, dict):
            self._error("Expected value of type Object", f"{field}/ProcessorConfig")
            return False
        mode = config.get("Mode", "INLINE")
        if mode not in ("INLINE", "DISTRIBUTED"):
            self._error("Value is not valid. Valid values: [INLINE, DISTRIBUTED]", f"{field}/ProcessorConfig/Mode")
        if mode == "DISTRIBUTED" and config.get("ExecutionType") not in ("STANDARD", "EXPRESS"):
            self._error("These fields are required: [ExecutionType]", f"{field}/ProcessorConfig")
        if mode == "DISTRIBUTED" and self.report.express:
            self._error("Express state machine does not support Distributed Map", f"{field}/ProcessorConfig/Mode")
        return bool(mode == "DISTRIBUTED")

    def _distributed(self, distributed: bool) -> None:
        for field in (
            "ItemReader",
            "ItemBatcher",
            "ResultWriter",
            "Label",
            "ToleratedFailureCount",
            "ToleratedFailurePercentage",
        ):
            if field in self.body and not distributed:
                self._error("Field is supported by Distributed Map only", field)
        label = self.body.get("Label")
        if label is not None and (not isinstance(label, str) or not _LABEL.fullmatch(label)):
            self._error("Label must be 1 to 40 characters long and free of special ones", "Label", "INVALID_LABEL_NAME")
        for field, actions in (
            ("ItemReader", ("s3:getObject", "s3:listObjectsV2")),
            ("ResultWriter", ("s3:putObject",)),
        ):
            block = self.body.get(field)
            if block is None:
                continue
            if not isinstance(block, dict):
                self._error("Expected value of type Object", field)
                continue
            resource = block.get("Resource")
            if resource not in [f"arn:aws:states:::{action}" for action in actions] and (
                resource is not None or field == "ItemReader"
            ):
                self._error(
                    f"The resource provided {resource} is not recognized.", f"{field}/Resource", INVALID_RESOURCE
                )
            if not self.jsonata and "Parameters" in block:
                self._template(block["Parameters"], f"{field}/Parameters")
        batcher = self.body.get("ItemBatcher")
        if batcher is not None:
            if not isinstance(batcher, dict):
                self._error("Expected value of type Object", "ItemBatcher")
            elif not self.jsonata and "BatchInput" in batcher:
                self._template(batcher["BatchInput"], "ItemBatcher/BatchInput")
