"""The event pattern language: which JSON events a pattern lets pass.

One compiler for EventBridge's rules and archives, Lambda's filters and SNS's filter policies. `parsing.py` reads a
pattern into conditions (`conditions.py`) and refuses in AWS's words what is none; `matching.py` holds an event against
them. Rules: "Amazon EventBridge event patterns" and "Comparison operators for use in event patterns" of the
EventBridge user guide, "Lambda event filtering", "Amazon SNS subscription filter policies".
"""

from kumoi.event_pattern.conditions import PatternError
from kumoi.event_pattern.matching import Pattern
from kumoi.event_pattern.parsing import Dialect, compile_pattern

__all__ = ["Dialect", "Pattern", "PatternError", "compile_pattern"]
