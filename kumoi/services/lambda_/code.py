"""Deployment packages: checked, stored as blobs, unpacked once per content.

An unpacked package lies in an immutable directory named by its hash, shared by every version that has it. Archives
come from outside: paths that leave the directory, links, special files and unpacked sizes over the limit are refused.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import io
import os
import shutil
import stat
import zipfile
from collections.abc import Sequence
from pathlib import Path

from kumoi.blobs import Blobs
from kumoi.names import hex_id
from kumoi.services.lambda_.configuration import invalid
from kumoi.services.lambda_.records import Code, LayerRef
from kumoi.wire.errors import aws_error

MAX_ZIPPED = 52_428_800
MAX_UNZIPPED = 262_144_000

_BAD_ZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."


class CodeStore:
    """Packages by content. `directory` holds the unpacked ones; the zips lie in `blobs`."""

    def __init__(self, directory: Path, blobs: Blobs) -> None:
        self._directory = directory
        self._blobs = blobs
        self._unpacked: set[str] = set()
        self._unpacking: dict[str, asyncio.Task[Path]] = {}
        self._sizes: dict[str, int] = {}

    async def add(self, package: bytes) -> Code:
        """Check and store a zip; raises Lambda's errors for what it refuses."""
        if len(package) > MAX_ZIPPED:
            raise aws_error(
                "RequestEntityTooLargeException", f"Zipped size must be smaller than {MAX_ZIPPED} bytes", Type="User"
            )
        await asyncio.to_thread(check_package, package)
        digest = await asyncio.to_thread(lambda: hashlib.sha256(package).digest())
        blob = await self._blobs.put(package, hashes=())
        return Code(base64.b64encode(digest).decode(), len(package), blob.id)

    async def local(self, directory: str) -> Code:
        """Code that stays where it is: a directory of this machine, read anew when it changes (hot reload)."""
        path = Path(directory)
        if not path.is_absolute() or not await asyncio.to_thread(is_directory, path):
            raise invalid(f"Kumoi's hot reload needs an absolute path of a directory; {directory!r} is none.")
        digest = hashlib.sha256(str(path).encode()).digest()
        return Code(base64.b64encode(digest).decode(), 0, directory=str(path))

    async def package(self, code: Code) -> bytes:
        """The zip of stored code."""
        return await self._blobs.read(code.blob)

    async def unpacked(self, code: Code) -> Path:
        """The directory with the code's files, unpacked now if it is not there yet."""
        if code.directory:
            return Path(code.directory)
        path = self._directory / base64.b64decode(code.sha256).hex()
        if code.sha256 in self._unpacked:
            return path
        task = self._unpacking.get(code.sha256)
        if task is None:
            task = asyncio.create_task(self._unpack(code, path))
            self._unpacking[code.sha256] = task
            task.add_done_callback(lambda _: self._unpacking.pop(code.sha256, None))
        return await asyncio.shield(task)

    async def merged(self, layers: Sequence[LayerRef]) -> Path | None:
        """The directory that holds all layers, later ones over earlier ones, as /opt has them; None without layers.

        A single layer is used as it lies; so is one that is a local directory.
        """
        if not layers:
            return None
        if len(layers) == 1:
            return await self.unpacked(layers[0].code)
        paths = [await self.unpacked(layer.code) for layer in layers]
        contents = [
            f"{path} {await asyncio.to_thread(newest_change, path)}" if layer.code.directory else layer.code.sha256
            for layer, path in zip(layers, paths, strict=True)
        ]
        path = self._directory / f"opt-{hashlib.sha256(chr(0).join(contents).encode()).hexdigest()}"
        if not await asyncio.to_thread(path.is_dir):
            await asyncio.to_thread(merge, paths, path)
        return path

    def owns(self, directory: Path) -> bool:
        """Whether a directory was unpacked here, and not given by the user."""
        return directory.is_relative_to(self._directory)

    async def unzipped_size(self, code: Code) -> int:
        """Bytes of the files of stored code; 0 for what lies elsewhere."""
        if not code.blob:
            return 0
        if code.sha256 not in self._sizes:
            package = await self._blobs.read(code.blob)
            self._sizes[code.sha256] = await asyncio.to_thread(_unzipped_size, package)
        return self._sizes[code.sha256]

    async def _unpack(self, code: Code, path: Path) -> Path:
        if not await asyncio.to_thread(path.is_dir):
            package = await self._blobs.read(code.blob)
            await asyncio.to_thread(unpack, package, path)
        self._unpacked.add(code.sha256)
        return path


def is_directory(path: Path) -> bool:
    """Whether there is a directory; a path that cannot be one is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def check_package(package: bytes) -> None:
    """Raise InvalidParameterValueException for an archive that Lambda, or common sense, refuses."""
    with _opened(package) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MAX_UNZIPPED:
            raise invalid(f"Unzipped size must be smaller than {MAX_UNZIPPED} bytes")
        for entry in archive.infolist():
            _check_entry(entry)


def unpack(package: bytes, path: Path) -> None:
    """Unpack a checked archive to `path`, all or nothing: files 0644 or 0755, directories 0755, as Lambda has them."""
    staging = path.with_name(f".{path.name}.{hex_id(8)}")
    try:
        with _opened(package) as archive:
            staging.mkdir(parents=True)
            room = MAX_UNZIPPED
            for entry in archive.infolist():
                _check_entry(entry)
                room -= _extract(archive, entry, staging / entry.filename, room)
        staging.chmod(0o755)
        with contextlib.suppress(FileExistsError, OSError):
            staging.rename(path)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    if not path.is_dir():
        raise OSError(f"could not unpack to {path}")


def merge(sources: Sequence[Path], path: Path) -> None:
    """Lay directories over one another into `path`, all or nothing; files are hard links where that is possible."""
    staging = path.with_name(f".{path.name}.{hex_id(8)}")
    try:
        staging.mkdir(parents=True)
        for source in sources:
            _lay(source, staging)
        staging.chmod(0o755)
        with contextlib.suppress(FileExistsError, OSError):
            staging.rename(path)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    if not path.is_dir():
        raise OSError(f"could not merge layers to {path}")


def _lay(source: Path, target: Path) -> None:
    """Lay a directory's entries over another's: directories meet, anything else takes the place of what was there."""
    for entry in source.iterdir():
        over = target / entry.name
        if entry.is_dir() and not entry.is_symlink():
            if over.is_symlink() or not over.is_dir():
                over.unlink(missing_ok=True)
                over.mkdir()
                over.chmod(0o755)
            _lay(entry, over)
            continue
        if over.is_dir() and not over.is_symlink():
            shutil.rmtree(over)
        over.unlink(missing_ok=True)
        try:
            over.hardlink_to(entry)
        except OSError:
            shutil.copy2(entry, over, follow_symlinks=False)


def _unzipped_size(package: bytes) -> int:
    with _opened(package) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, room: int) -> int:
    """Write one entry; its size in bytes. Trusts no declared size: an archive bomb stops at `room`."""
    if entry.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with archive.open(entry) as source, target.open("wb") as destination:
        while piece := source.read(1 << 18):
            written += len(piece)
            if written > room:
                raise invalid(f"Unzipped size must be smaller than {MAX_UNZIPPED} bytes")
            destination.write(piece)
    executable = (entry.external_attr >> 16) & 0o111
    target.chmod(0o755 if executable else 0o644)
    return written


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    mode = entry.external_attr >> 16
    if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or "\0" in name or ":" in name[:2]:
        raise invalid(f"{_BAD_ZIP} (The entry {name!r} leaves the package.)")
    if mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_IFMT(mode) == 0):
        raise invalid(f"{_BAD_ZIP} (The entry {name!r} is a link or a special file.)")
    if entry.flag_bits & 0x1:
        raise invalid(f"{_BAD_ZIP} (The entry {name!r} is encrypted.)")


def _opened(package: bytes) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(io.BytesIO(package))
    except (zipfile.BadZipFile, ValueError, OSError):
        raise invalid(_BAD_ZIP) from None
    if not archive.infolist():
        raise invalid("Uploaded file must be a non-empty zip")
    return archive


def newest_change(directory: Path) -> float:
    """When anything below `directory` last changed (epoch seconds): how hot reload notices an edit."""
    newest = directory.stat().st_mtime
    for root, _, files in os.walk(directory):
        for name in files:
            with contextlib.suppress(FileNotFoundError):
                newest = max(newest, os.stat(os.path.join(root, name)).st_mtime)  # noqa: PTH116, PTH118  (hot path)
        newest = max(newest, os.stat(root).st_mtime)  # noqa: PTH116
    return newest
