from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from kumoi.services.lambda_.code import check_package, newest_change, unpack
from kumoi.wire.errors import AwsError


def archive_of(name: str, mode: int, content: bytes = b"x") -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as out:
        entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
        entry.external_attr = mode << 16
        out.writestr(entry, content)
    return raw.getvalue()


def test_a_package_is_unpacked_as_lambda_has_it(tmp_path: Path) -> None:
    unpack(archive_of("bin/run", stat.S_IFREG | 0o700), tmp_path / "code")
    assert (tmp_path / "code/bin/run").read_bytes() == b"x"
    assert stat.S_IMODE((tmp_path / "code/bin/run").stat().st_mode) == 0o755
    assert os.listdir(tmp_path) == ["code"]


def test_unpacking_again_changes_nothing(tmp_path: Path, zipped: Callable[[dict[str, str]], bytes]) -> None:
    package = zipped({"app.py": "1"})
    unpack(package, tmp_path / "code")
    unpack(package, tmp_path / "code")
    assert (tmp_path / "code/app.py").read_text() == "1"


@pytest.mark.parametrize(
    ("package", "message"),
    [
        (b"not a zip", "Could not unzip uploaded file"),
        (b"PK\x05\x06" + bytes(18), "non-empty zip"),
        (archive_of("../escape", stat.S_IFREG | 0o644), "leaves the package"),
        (archive_of("a/../../escape", stat.S_IFREG | 0o644), "leaves the package"),
        (archive_of("/etc/passwd", stat.S_IFREG | 0o644), "leaves the package"),
        (archive_of("a\\..\\..\\escape", stat.S_IFREG | 0o644), "leaves the package"),
        (archive_of("link", stat.S_IFLNK | 0o777, b"/etc/passwd"), "link or a special file"),
        (archive_of("fifo", stat.S_IFIFO | 0o644), "link or a special file"),
    ],
)
def test_hostile_archives_are_refused(package: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(AwsError, match=message):
        check_package(package)
    with pytest.raises(AwsError):
        unpack(package, tmp_path / "code")
    assert not list(tmp_path.iterdir())


def test_an_archive_bomb_stops_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kumoi.services.lambda_.code.MAX_UNZIPPED", 1000)
    bomb = archive_of("big", stat.S_IFREG | 0o644, bytes(100_000))
    with pytest.raises(AwsError, match="Unzipped size must be smaller than 1000 bytes"):
        check_package(bomb)
    with pytest.raises(AwsError, match="Unzipped size"):
        unpack(bomb, tmp_path / "code")
    assert not list(tmp_path.iterdir())


def test_an_edit_anywhere_below_is_noticed(tmp_path: Path) -> None:
    module = tmp_path / "deep" / "module.py"
    module.parent.mkdir()
    module.write_text("1")
    os.utime(module, (2_000_000_000, 2_000_000_000))
    assert newest_change(tmp_path) == 2_000_000_000
