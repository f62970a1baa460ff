"""Reading experiment files, which may come from anywhere: bounded in size and depth, without aliases, tags or paths.

YAML and JSON; what cannot be an experiment is refused with the place of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import yaml

from kumoi.experiments.chaostoolkit import converted
from kumoi.experiments.files import bounded
from kumoi.experiments.model import BadExperiment, Experiment

MOST_BYTES = 1 << 20
MOST_NODES = 50_000
MOST_DEPTH = 40
LONGEST_NUMBER = 100


def read_experiment(path: Path) -> Experiment:
    """The experiment in a file; BadExperiment says what is wrong with it."""
    return parse_experiment(bounded(path, MOST_BYTES), name=path.stem)


def parse_experiment(content: bytes, name: str = "experiment") -> Experiment:
    """The experiment that YAML or JSON describes."""
    found = _parsed(content)
    if not isinstance(found, dict):
        raise BadExperiment("an experiment is a mapping")
    if _of_chaostoolkit(found):
        try:
            found = converted(found)
        except (AttributeError, TypeError, ValueError) as error:
            raise BadExperiment(f"not an experiment of chaostoolkit: {error}") from None
    try:
        experiment = msgspec.convert({"title": name, **found}, Experiment)
    except msgspec.ValidationError as error:
        raise BadExperiment(str(error)) from None
    experiment.check()
    return experiment


def _of_chaostoolkit(found: dict[str, Any]) -> bool:
    """Whether it is chaostoolkit's: activities there have a provider."""
    method = found.get("method")
    activities = method if isinstance(method, list) else []
    return "steady-state-hypothesis" in found or any(isinstance(one, dict) and "provider" in one for one in activities)


def _parsed(content: bytes) -> Any:
    try:
        return yaml.load(content, _Loader)  # noqa: S506  (a safe loader, made safer)
    except yaml.YAMLError as error:
        raise BadExperiment(f"not YAML: {' '.join(str(error).split())[:300]}") from None
    except (ValueError, RecursionError) as error:
        raise BadExperiment(f"not YAML: {str(error)[:300]}") from None


_TEXT = "tag:yaml.org,2002:str"


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """Plain values alone: no tag, no alias (a few lines of them stand for gigabytes), not too many, not too deep.

    Nor a number of any length: one in base 60 (`1:30`) takes time by the square of it.
    """

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._nodes = 0
        self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise BadExperiment("aliases are not taken: write the value out")
        if self.peek_event().tag is not None:
            raise BadExperiment("tags are not taken: write the value as it is")
        self._nodes += 1
        self._depth += 1
        if self._nodes > MOST_NODES:
            raise BadExperiment(f"more than {MOST_NODES} values")
        if self._depth > MOST_DEPTH:
            raise BadExperiment(f"deeper than {MOST_DEPTH} levels")
        try:
            node = super().compose_node(parent, index)
        finally:
            self._depth -= 1
        if node.tag != _TEXT and isinstance(node, yaml.ScalarNode) and len(node.value) > LONGEST_NUMBER:
            raise BadExperiment(f"a number is longer than {LONGEST_NUMBER} characters")
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        keys = [key.value for key, _ in node.value]
        twice = {str(key) for key in keys if keys.count(key) > 1} if len(keys) < 1000 else set()
        if twice:
            raise BadExperiment(f"{', '.join(sorted(twice))} is there twice")
        if "<<" in keys:
            raise BadExperiment("merge keys are not taken: write the values out")
        return super().construct_mapping(node, deep)
