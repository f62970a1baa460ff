"""Starts a zygote: `python -I -S __main__.py FD`, FD being the socket to Kumoi."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys


def _main() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    spec = importlib.util.spec_from_file_location(
        "_kumoi", os.path.join(here, "__init__.py"), submodule_search_locations=[here]
    )
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["_kumoi"] = package
    spec.loader.exec_module(package)
    importlib.import_module("_kumoi.fork_handlers").keep_aside()
    importlib.import_module("_kumoi.zygote").main(int(sys.argv[1]))


_main()
