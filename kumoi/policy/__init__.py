"""IAM's policy language: who may do what to which resource, under which conditions; pure.

`document.py` reads a policy's JSON and refuses what is none, `statements.py` holds it compiled, `conditions.py` has the
condition operators, `evaluation.py` weighs all policies that apply to a request. Why our own: no kept library evaluates
IAM's JSON (those there are compute permissions from account dumps, or lint). Rules: "IAM JSON policy elements
reference" and "Policy evaluation logic" of the IAM user guide.
"""

from kumoi.policy.document import PolicyError, compile_policy
from kumoi.policy.evaluation import Decision, Policies, decide
from kumoi.policy.statements import Caller, Policy, Request

__all__ = ["Caller", "Decision", "Policies", "Policy", "PolicyError", "Request", "compile_policy", "decide"]
