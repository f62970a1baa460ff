"""Clients others wrote: `aws s3 sync` both ways, s3fs, and the AWS SDK for JavaScript v3, unmodified."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

TREE = {
    "plain.txt": b"1",
    "dir/with space/a+b.txt": b"2",
    "dir/ü/\U0001f600.bin": b"3" * 100_000,
    "per%cent/#hash?.txt": b"",
    "dir/quote'\".txt": b"4",
    "large.bin": b"5" * (9 * 1024**2),
}


def run(command: list[str], kumoi: Any, **options: Any) -> str:
    environment = {**os.environ, **kumoi.environment, "AWS_PAGER": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False, **options)
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout


def files(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.fixture
def aws(kumoi: Any, aws_cli: Callable[..., str]) -> Callable[..., str]:
    return lambda *arguments: aws_cli(*arguments, environment=kumoi.environment)


def test_sync_both_ways(aws: Callable[..., str], s3: Any, bucket: str, tmp_path: Path) -> None:
    here, back = tmp_path / "here", tmp_path / "back"
    for name, content in TREE.items():
        path = here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert aws("s3", "sync", str(here), f"s3://{bucket}/tree").count("upload:") == len(TREE)
    assert aws("s3", "sync", str(here), f"s3://{bucket}/tree") == ""  # nothing changed
    aws("s3", "sync", f"s3://{bucket}/tree", str(back))
    assert files(back) == TREE
    (here / "plain.txt").unlink()
    aws("s3", "sync", str(here), f"s3://{bucket}/tree", "--delete")
    listed = aws("s3", "ls", "--recursive", f"s3://{bucket}/tree/")
    assert "plain.txt" not in listed
    assert "with space/a+b.txt" in listed
    aws("s3", "cp", f"s3://{bucket}/tree/large.bin", f"s3://{bucket}/copy.bin")
    aws("s3", "mv", f"s3://{bucket}/copy.bin", f"s3://{bucket}/moved.bin")
    assert s3.head_object(Bucket=bucket, Key="moved.bin")["ContentLength"] == 9 * 1024**2
    aws("s3", "rb", "--force", f"s3://{bucket}")


FSSPEC = """
import os, s3fs
bucket = os.environ["BUCKET"]
fs = s3fs.S3FileSystem(endpoint_url=os.environ["AWS_ENDPOINT_URL"])
fs.mkdir(bucket)
with fs.open(f"{bucket}/dir/a.txt", "wb") as out:
    out.write(b"hello")
with fs.open(f"{bucket}/dir/large.bin", "wb", block_size=5 * 2**20) as out:
    for number in range(12):
        out.write(bytes([number]) * 2**20)
assert sorted(fs.ls(f"{bucket}/dir")) == [f"{bucket}/dir/a.txt", f"{bucket}/dir/large.bin"]
assert fs.isdir(f"{bucket}/dir") and not fs.exists(f"{bucket}/none")
assert fs.cat(f"{bucket}/dir/a.txt") == b"hello"
with fs.open(f"{bucket}/dir/large.bin", "rb") as source:
    source.seek(5 * 2**20 - 1)
    assert source.read(2) == bytes([4, 5])
fs.touch(f"{bucket}/dir/")
fs.cp(f"{bucket}/dir/a.txt", f"{bucket}/b.txt")
fs.mv(f"{bucket}/b.txt", f"{bucket}/c.txt")
assert fs.glob(f"{bucket}/*.txt") == [f"{bucket}/c.txt"]
assert fs.info(f"{bucket}/dir/large.bin")["size"] == 12 * 2**20
fs.rm(bucket, recursive=True)
assert not fs.exists(bucket)
"""


def test_s3fs(kumoi: Any, tmp_path: Path) -> None:
    """In an environment of its own: s3fs holds botocore at versions that boto3 does not go with."""
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-compile", "s3fs"]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"pip could not install s3fs: {done.stderr[-300:]}")
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(FSSPEC).replace('os.environ["BUCKET"]', repr(f"fs-{kumoi.account}")))
    run([str(python), str(program)], kumoi)


def test_the_sdk_for_javascript(kumoi: Any, tmp_path: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    shutil.copytree(Path(__file__).parent / "node", tmp_path / "js")
    done = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund"], cwd=tmp_path / "js", capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"npm could not install the packages: {done.stderr[-300:]}")
    seen = json.loads(run(["node", "objects.mjs", f"js-{kumoi.account}"], kumoi, cwd=tmp_path / "js"))
    assert seen == {
        "crc32": "NhCmhg==",
        "body": "hello",
        "metadata": {"a": "b"},
        "streamed": [12 * 1024**2, True],
        "presigned": "hello",
        "listed": [["stream"], ["a b/"]],
        "error": "NoSuchKey",
        "deleted": 2,
    }
