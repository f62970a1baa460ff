"""The Python runtime as a program of its own, for functions whose AWS_LAMBDA_EXEC_WRAPPER starts it.

A wrapper gets this file's path to run, as it does at AWS (/var/runtime/bootstrap.py).
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys


def _main() -> None:
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_kumoi")
    spec = importlib.util.spec_from_file_location(
        "_kumoi", os.path.join(here, "__init__.py"), submodule_search_locations=[here]
    )
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["_kumoi"] = package
    spec.loader.exec_module(package)
    del sys.path[0]  # where this file lies
    importlib.import_module("_kumoi.runtime").serve(json.loads(os.environ.pop("_KUMOI_RUNTIME")))


_main()
