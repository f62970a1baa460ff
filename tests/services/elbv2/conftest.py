from __future__ import annotations

import http.server
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import urllib3

RUNTIME = f"python3.{sys.version_info.minor}"


@pytest.fixture
def client(kumoi: Any) -> Any:
    return kumoi.client("elbv2")


@pytest.fixture
def function(kumoi: Any, zipped: Callable[[dict[str, str]], bytes]) -> Callable[..., str]:
    """Create a function that runs `body`; answers its ARN. Load balancers may invoke it."""

    def make(body: str = "return event", name: str = "f", **options: Any) -> str:
        source = "import json, time\n\ndef handler(event, context):\n    " + body.replace("\n", "\n    ") + "\n"
        parameters = {
            "Runtime": RUNTIME,
            "Role": "arn:aws:iam::000000000000:role/r",
            "Handler": "app.handler",
            **options,
        }
        lambda_ = kumoi.client("lambda")
        code = {"ZipFile": zipped({"app.py": source})}
        arn = lambda_.create_function(FunctionName=name, Code=code, **parameters)["FunctionArn"]
        lambda_.add_permission(
            FunctionName=name,
            StatementId="elb",
            Action="lambda:InvokeFunction",
            Principal="elasticloadbalancing.amazonaws.com",
        )
        return str(arn)

    return make


class Server:
    """An HTTP server that answers what it was asked; `status` and `fields` can be set."""

    def __init__(self, name: str) -> None:
        self.status = 200
        self.fields: list[tuple[str, str]] = []
        self.asked: list[str] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(length).decode()
                outer.asked.append(self.path)
                said = {"server": name, "path": self.path, "headers": dict(self.headers.items()), "body": body}
                self.send_response(outer.status)
                for field, value in outer.fields:
                    self.send_header(field, value)
                content = json.dumps(said).encode()
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Callable[[str], Server]]:
    """Start an HTTP server with a name."""
    with ExitStack() as running:

        def start(name: str = "a") -> Server:
            made = Server(name)
            running.callback(made.stop)
            return made

        yield start


@pytest.fixture
def balancer(client: Any) -> Callable[..., dict[str, Any]]:
    """A load balancer with a listener on port 80; the answers of both creations together."""

    def make(actions: list[dict[str, Any]], name: str = "web", **listener: Any) -> dict[str, Any]:
        made = client.create_load_balancer(Name=name, Subnets=["subnet-1", "subnet-2"])["LoadBalancers"][0]
        given = {"Protocol": "HTTP", "Port": 80, **listener}
        answer = client.create_listener(LoadBalancerArn=made["LoadBalancerArn"], DefaultActions=actions, **given)
        return {**made, **answer["Listeners"][0]}

    return make


@pytest.fixture
def group(client: Any) -> Callable[..., str]:
    """A target group with targets: functions' ARNs or servers; answers its ARN."""

    def make(*targets: Any, name: str = "targets", **options: Any) -> str:
        if targets and isinstance(targets[0], str):
            given: dict[str, Any] = {"TargetType": "lambda", **options}
            wanted = [{"Id": one} for one in targets]
        else:
            given = {"TargetType": "ip", "Protocol": "HTTP", "Port": 80, "VpcId": "vpc-1", **options}
            wanted = [{"Id": "127.0.0.1", "Port": one.port} for one in targets]
        arn = client.create_target_group(Name=name, **given)["TargetGroups"][0]["TargetGroupArn"]
        if wanted:
            client.register_targets(TargetGroupArn=arn, Targets=wanted)
        return str(arn)

    return make


@pytest.fixture
def ask(kumoi: Any) -> Iterator[Callable[..., Any]]:
    """Request a load balancer by its DNS name."""
    with urllib3.PoolManager(retries=False) as pool:

        def request(balancer: dict[str, Any], path: str = "/", method: str = "GET", **given: Any) -> Any:
            headers = {"Host": balancer["DNSName"], **given.pop("headers", {})}
            return pool.request(method, f"{kumoi.url}{path}", headers=headers, redirect=False, **given)

        yield request


def forward(arn: str) -> list[dict[str, Any]]:
    return [{"Type": "forward", "TargetGroupArn": arn}]


@pytest.fixture(name="forward")
def forward_fixture() -> Callable[[str], list[dict[str, Any]]]:
    """The actions that forward to a target group."""
    return forward
