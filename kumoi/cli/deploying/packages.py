"""From a file or a directory to the bytes of a package: the same content always makes the same bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

LEFT_OUT = frozenset(
    (
        *(".git", ".hg", ".venv", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".DS_Store"),
        *(".aws-sam", ".serverless", "cdk.out", ".chalice"),
    )
)
_MOMENT = (1980, 1, 1, 0, 0, 0)


def package(code: Path, below: Path | None = None) -> bytes:
    """A zip of a directory or a file (a zip is taken as it is), with what lies in `below` beside it."""
    if code.is_file() and zipfile.is_zipfile(code):
        return code.read_bytes()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        written: set[str] = set()
        roots: list[tuple[Path, Iterable[Path]]]
        roots = [(code.parent, [code])] if code.is_file() else [(code, files_of(code))]
        if below is not None:
            roots.append((below, files_of(below)))
        for root, files in roots:
            for path in files:
                name = path.relative_to(root).as_posix()
                if name not in written:
                    written.add(name)
                    _add(archive, path, name)
    return out.getvalue()


def files_of(directory: Path) -> Iterator[Path]:
    """The files below a directory in order, but for what no package needs."""
    for path in sorted(directory.iterdir()):
        if path.name in LEFT_OUT:
            continue
        if path.is_dir():
            yield from files_of(path)
        elif path.is_file():
            yield path


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    entry = zipfile.ZipInfo(name, _MOMENT)
    entry.external_attr = (0o755 if path.stat().st_mode & 0o100 else 0o644) << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, path.read_bytes(), compresslevel=1)
