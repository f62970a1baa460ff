"""What is no snapshot, or a hostile one, is refused with a word on why, and leaves nothing."""

from __future__ import annotations

import contextlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kumoi.snapshots import BadSnapshot, unpack
from kumoi.snapshots.archive import read_manifest
from kumoi.snapshots.contents import holdings
from kumoi.snapshots.exchange import exchange, prepare, recover, take_back
from kumoi.state.schema import open_connection


def state(extra: str = "") -> bytes:
    connection = open_connection(None, "normal")
    connection.execute(extra)
    content = connection.serialize("main")
    connection.close()
    return content


def archive(holding: dict[str, bytes], members: tuple[tarfile.TarInfo, ...] = (), **manifest: Any) -> io.BytesIO:
    told = {
        "format": 1,
        "kumoi": "0",
        "taken": 0.0,
        "region": "us-east-1",
        "files": len(holding),
        "bytes": sum(map(len, holding.values())),
    }
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as out:
        for name, content in {"manifest.json": msgspec.json.encode(told | manifest), **holding}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            out.addfile(member, io.BytesIO(content))
        for member in members:
            out.addfile(member)
    made.seek(0)
    return made


STATE = {"state/kumoi.db": state()}


def link(name: str, kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, "/etc/passwd"
    return member


def headed(kind: bytes, size: int) -> io.BytesIO:
    """An archive with a member that heads another, large."""
    member = tarfile.TarInfo("blobs/x")
    member.type, member.size = kind, size
    return io.BytesIO(archive(STATE, (member,), files=2).getvalue() + b"a" * size)


HOSTILE: list[tuple[io.BytesIO, str]] = [
    (io.BytesIO(b"no archive" * 1000), "not a snapshot"),
    (io.BytesIO(b""), "not a snapshot"),
    (archive({**STATE, "../outside": b""}), "no place"),
    (archive({**STATE, "/etc/outside": b""}), "no place"),
    (archive({**STATE, "blobs/../../outside": b""}), "no place"),
    (archive({**STATE, "blobs//x": b""}), "no place"),
    (archive({**STATE, "tls/ca.pem": b""}), "no place"),
    (archive({**STATE, "blobs/" + "x" * 300: b""}), "no place"),
    (archive({**STATE, "blobs/a": b"", "blobs/a/b": b""}), "twice"),
    (archive(STATE, (link("blobs/x", tarfile.SYMTYPE),), files=2), "not a regular file"),
    (archive(STATE, (link("blobs/x", tarfile.LNKTYPE),), files=2), "not a regular file"),
    (archive(STATE, (link("blobs/x", tarfile.CHRTYPE),), files=2), "not a regular file"),
    (archive({**STATE, "blobs/x": b"more"}, files=1), "more than its manifest"),
    (archive({**STATE, "blobs/x": b"more"}, bytes=10), "more than its manifest"),
    (archive(STATE, bytes=10**18), "the disk has"),
    (archive(STATE, bytes=-1), "no sense"),
    (archive(STATE, files=10**12), "no sense"),
    (archive(STATE, format=2), "format 2"),
    (archive(STATE, files="many"), "manifest cannot be read"),
    (headed(tarfile.XHDTYPE, 5 << 20), "too large"),
    (headed(tarfile.GNUTYPE_LONGNAME, 5 << 20), "too large"),
    (archive({"blobs/x": b""}), "no state"),
    (archive({"state/kumoi.db": b"not a database" * 100}), "the state cannot be read"),
    (archive({"state/kumoi.db": state("CREATE TRIGGER t AFTER INSERT ON rows BEGIN DELETE FROM rows; END")}), "other"),
    (archive({"state/kumoi.db": state("CREATE VIEW sqlitestats AS SELECT * FROM rows")}), "other tables"),
    (archive({"state/kumoi.db": state("DROP TABLE timers")}), "other tables"),
    (archive({"state/kumoi.db": state("PRAGMA user_version = 99")}), "newer Kumoi.*99.*2.*load it with that one"),
    (archive({"state/kumoi.db": state("PRAGMA user_version = 0")}), "data version 0.*1 to 2"),
    (archive({"state/kumoi.db": STATE["state/kumoi.db"][:-100]}), "not as long"),
    (archive({"state/kumoi.db": STATE["state/kumoi.db"][:-8192]}), "the state"),
]


@pytest.mark.parametrize(("content", "said"), HOSTILE, ids=range(len(HOSTILE)))
def test_it_is_refused(content: io.BytesIO, said: str, tmp_path: Path) -> None:
    with pytest.raises(BadSnapshot, match=said):
        unpack(content, tmp_path / "in" / "target")
    assert {path.name for path in tmp_path.iterdir()} <= {"in"}


def test_the_state_of_an_older_kumoi_is_taken(tmp_path: Path) -> None:
    unpack(archive({"state/kumoi.db": state("PRAGMA user_version = 1")}), tmp_path / "target")


def test_a_state_that_unpacks_to_more_than_the_file_is_not_looked_into(tmp_path: Path) -> None:
    sparse = tarfile.TarInfo("state/kumoi.db")
    sparse.pax_headers = {"GNU.sparse.map": "0,0", "GNU.sparse.size": str(10**15)}
    path = tmp_path / "hostile.kumoi"
    for member in (sparse, link("state/kumoi.db", tarfile.SYMTYPE)):
        path.write_bytes(archive({}, (member,), files=1).getvalue())
        with pytest.raises(BadSnapshot, match="holds no state"):
            holdings(path)


@pytest.mark.parametrize("look", [read_manifest, holdings])
def test_what_heads_the_manifest_or_a_member_is_bounded(tmp_path: Path, look: Callable[[Path], object]) -> None:
    path = tmp_path / "hostile.kumoi"
    longest = tarfile.TarInfo("x")
    longest.type, longest.size = tarfile.XHDTYPE, 5 << 20
    path.write_bytes(longest.tobuf() + b"a" * longest.size)
    with pytest.raises(BadSnapshot, match="too large"):
        look(path)
    if look is holdings:
        path.write_bytes(headed(tarfile.GNUTYPE_LONGNAME, 5 << 20).getvalue())
        with pytest.raises(BadSnapshot, match="too large"):
            look(path)


def test_one_that_is_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = archive({**STATE, "blobs/a": b"x" * 5000}).getvalue()
    for number, size in enumerate(range(100, len(whole) - 10_240, 9973)):
        with pytest.raises(BadSnapshot):
            unpack(io.BytesIO(whole[:size]), tmp_path / str(number))


def test_an_exchange_holds_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies at each step; the next one finds all of the new, or all of the old."""
    moves = 0

    def fill(data: Path) -> None:
        for place in ("state", "blobs"):
            (data / place).mkdir(parents=True)
            (data / place / "file").write_text("old")
            (data / "incoming" / place).mkdir(parents=True)
            (data / "incoming" / place / "file").write_text("new")

    renamed = Path.rename

    def rename(self: Path, target: Path) -> Path:
        nonlocal moves
        if moves == 0:
            raise KeyboardInterrupt
        moves -= 1
        return renamed(self, target)

    for step in range(6):
        data = tmp_path / str(step)
        fill(data)
        prepare(data, ("state", "blobs", "sns"))
        moves = step
        with monkeypatch.context() as patch:
            patch.setattr(Path, "rename", rename)
            try:
                exchange(data)
            except KeyboardInterrupt:
                pass
            else:
                assert step == 6
        recover(data)
        found = {path.parent.name: path.read_text() for path in data.rglob("file")}
        assert found == {"state": "new", "blobs": "new"}
        assert {path.name for path in data.iterdir()} == {"state", "blobs", "sns"}
    data = tmp_path / "unready"
    fill(data)
    recover(data)
    assert {path.read_text() for path in data.rglob("file")} == {"old"}


def test_an_exchange_is_taken_back(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state/file").write_text("old")
    (tmp_path / "incoming/state").mkdir(parents=True)
    (tmp_path / "incoming/state/file").write_text("new")
    prepare(tmp_path, ("state",))
    exchange(tmp_path)
    assert (tmp_path / "state/file").read_text() == "new"
    take_back(tmp_path)
    assert (tmp_path / "state/file").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_an_exchange_that_stops_half_way_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk fails at each step, and the process dies as it goes back: all is as it was."""
    renamed = Path.rename
    left = 0

    def rename(self: Path, target: Path) -> Path:
        nonlocal left
        if left == 0:
            raise OSError
        left -= 1
        return renamed(self, target)

    for step in range(4):
        for until in range(6):
            data = tmp_path / f"{step}-{until}"
            for place in ("state", "blobs"):
                for root, content in ((data, "old"), (data / "incoming", "new")):
                    (root / place).mkdir(parents=True)
                    (root / place / "file").write_text(content)
            prepare(data, ("state", "blobs"))
            with monkeypatch.context() as patch:
                patch.setattr(Path, "rename", rename)
                left = step
                with pytest.raises(OSError):
                    exchange(data)
                left = until
                with contextlib.suppress(OSError):
                    take_back(data)
            recover(data)
            found = {path.parent.name: path.read_text() for path in data.rglob("file")}
            assert found == {"state": "old", "blobs": "old"}, (step, until)
            assert {path.name for path in data.iterdir()} == {"state", "blobs"}
