"""The process of one deep JSONata expression: asked on standard input, it answers on standard output, both in JSON."""

from __future__ import annotations

import sys

from kumoi.services.stepfunctions.language.errors import EvaluationFailure
from kumoi.services.stepfunctions.language.json_text import dumps, loads
from kumoi.services.stepfunctions.language.jsonata_expression import MAX_DEPTH, NOTHING, evaluate_here
from kumoi.services.stepfunctions.language.recursion import DEEP


def main() -> None:
    """Answer: a `value`, nothing, or how it `failed`."""
    text, bindings, field, now, document = loads(sys.stdin.read())["given"]
    sys.setrecursionlimit(DEEP)
    try:
        found = evaluate_here(text, bindings, field, now, document, MAX_DEPTH + 1)
        answer = {} if found is NOTHING else {"value": found}
    except EvaluationFailure as failure:
        answer = {"failed": str(failure)}
    sys.stdout.write(dumps(answer))


if __name__ == "__main__":
    main()
