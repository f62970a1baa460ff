"""The AWS CLI, unmodified, for many commands: it is imported once (a second each time otherwise) and forked for each.

A command is a line of JSON on stdin: its arguments, environment and directory, and the files that take its output and
its errors. What it exits with comes back as a line.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any

import awscli
import awscli.clidriver


def run(command: dict[str, Any]) -> int | None:
    """What the script `aws` does, in the place of this process."""
    os.environ.clear()
    os.environ.update(command["environment"])
    os.chdir(command["directory"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for descriptor, name in ((1, "output"), (2, "errors")):
        os.dup2(os.open(command[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    importlib.reload(awscli)  # reads AWS_DATA_PATH and adds its own
    sys.argv = ["aws", *command["arguments"]]
    return awscli.clidriver.main()


for line in sys.stdin:
    child = os.fork()
    if child == 0:
        sys.exit(run(json.loads(line)))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
