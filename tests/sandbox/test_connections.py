"""Connections that functions hold to a database: read from the kernel's tables, and warned of on the hop."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from kumoi.cli.connection import Connection
from kumoi.sandbox.connections import addresses, established

TABLE = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:A5C2 0100007F:1538 01 00000000:00000000 00:00000000 00000000 2000001        0 2 1 0 20 0 0 10 -1
"""
TABLE_6 = """  sl  local_address                         remote_address                        st tx_queue rx_queue
   0: 0000000000000000FFFF00000100007F:A5C4 0000000000000000FFFF00000100007F:1538 01 0:0 00:0 0 2000002 0 3 1 0 20 0 0
   1: 00000000000000000000000001000000:A5C6 00000000000000000000000001000000:0CEA 01 0:0 00:0 0 1000 0 3 1 0 20 0 0
"""


def test_the_kernels_tables_are_read(tmp_path: Path) -> None:
    (tmp_path / "tcp").write_text(TABLE)
    (tmp_path / "tcp6").write_text(TABLE_6)
    found = list(established([tmp_path / "tcp", tmp_path / "tcp6", tmp_path / "none"]))
    assert found == [(("127.0.0.1", 5432), 2_000_001), (("127.0.0.1", 5432), 2_000_002), (("::1", 3306), 1000)]


def test_names_become_addresses() -> None:
    assert list(addresses("127.0.0.1:5432")) == [("127.0.0.1", 5432)]
    assert list(addresses("[::1]:3306")) == [("::1", 3306)]


HOLDER = """
import os, socket
database = socket.create_connection(("127.0.0.1", int(os.environ["PORT"])))
def handler(event, context):
    return database.recv(1).decode()
"""


class FakeDatabase:
    """A server that takes connections, keeps them, and answers once it has `wanted`."""

    def __init__(self) -> None:
        self.wanted = 1
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._taken: list[socket.socket] = []
        self._thread = threading.Thread(target=self._take)
        self._thread.start()

    def _take(self) -> None:
        while True:
            try:
                self._taken.append(self._server.accept()[0])
            except OSError:
                return
            if len(self._taken) >= self.wanted:
                for one in self._taken:
                    one.sendall(b"x")

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()
        for one in self._taken:
            one.close()


@pytest.fixture
def database() -> Iterator[FakeDatabase]:
    server = FakeDatabase()
    yield server
    server.close()


def test_a_hop_warns_when_functions_use_up_a_database(
    tmp_path: Path, zipped: Callable[[dict[str, str]], bytes], database: FakeDatabase
) -> None:
    port = database.port
    command = [sys.executable, "-m", "kumoi"]
    up = [*command, "up", "-d", "--ephemeral", "--port", "0", "--data", str(tmp_path)]
    subprocess.run([*up, "--database", f"127.0.0.1:{port}=2"], check=True, capture_output=True)
    try:
        connection = Connection.find(tmp_path)
        functions = boto3.client(
            "lambda",
            endpoint_url=connection.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(max_pool_connections=4),
        )
        functions.create_function(
            FunctionName="holder",
            Runtime="python3.12",
            Role="arn:aws:iam::000000000000:role/lambda",
            Handler="app.handler",
            Timeout=60,
            Code={"ZipFile": zipped({"app.py": HOLDER})},
            Environment={"Variables": {"PORT": str(port)}},
        )
        functions.get_waiter("function_active_v2").wait(FunctionName="holder")

        def invoke(_number: int) -> None:
            assert json.load(functions.invoke(FunctionName="holder")["Payload"]) == "x"

        def warnings() -> list[str]:
            hops = connection.ask("GET", "hops", limit="1000")["hops"]
            return [hop["warning"] for hop in hops if hop["operation"] == "Invoke"]

        invoke(0)
        assert warnings() == [""]
        database.wanted = 2
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(invoke, range(2)))
        said = [warning for warning in warnings() if warning]
        assert said
        assert f"hold 2 connections to 127.0.0.1:{port}, which takes 2" in said[0]
        functions.close()
    finally:
        subprocess.run([*command, "down", "--data", str(tmp_path)], check=True, capture_output=True)


def test_what_is_no_database_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kumoi", "up", "--database", "nonsense"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "HOST:PORT=MOST" in done.stderr
