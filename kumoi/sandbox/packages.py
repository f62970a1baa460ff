"""What lies in /var/runtime: the runtimes' own programs, and the SDKs that AWS bundles with its runtimes.

boto3 and what it needs are linked from Kumoi's own installation: pure Python, so that any interpreter from 3.10 on can
import them. The AWS SDK for JavaScript is linked from where npm has put it on this machine. A function that brings
its own copy gets that one.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

BUNDLED = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")
_SDK = ("boto3", "botocore")
_SOURCES = (".py",)


def link_packages(directory: Path, node_modules: Path | None) -> None:
    """Make `directory` hold a link to each bundled package, and to the runtimes' programs."""
    directory.mkdir(parents=True, exist_ok=True)
    here = Path(__file__).resolve().parent
    _link(directory / "_kumoi", here / "python")
    _link(directory / "bootstrap.py", here / "python" / "bootstrap.py")
    _link(directory / "_kumoi_node", here / "node")
    if node_modules is not None:
        _link(directory / "node_modules", node_modules)
    for name in BUNDLED:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        origin = Path(spec.origin)
        target = origin.parent if origin.name == "__init__.py" else origin
        _link(directory / target.name, target)


def _link(link: Path, target: Path) -> None:
    if link.is_symlink():
        link.unlink()
    link.symlink_to(target)


def wants_sdk(code: Path, opt: Path | None) -> bool:
    """Whether a function imports boto3 and leaves it to the runtime to provide it."""
    places = [code] if opt is None else [code, opt / "python"]
    if any((place / name).is_dir() for place in places for name in _SDK):
        return False
    return any(_mentions(path) for path in _sources(code))


def _sources(code: Path) -> list[Path]:
    """The function's own top modules: where an import of the SDK stands."""
    top = sorted(code.glob("*.py"))
    below = sorted(code.glob("*/*.py"))
    return [path for path in [*top, *below[:200]] if path.suffix in _SOURCES]


def _mentions(path: Path) -> bool:
    try:
        return b"boto" in path.read_bytes()
    except OSError:
        return False
