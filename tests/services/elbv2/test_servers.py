"""HTTP servers behind a load balancer: requests, health, stickiness, WebSockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.sync.server import serve

pytestmark = pytest.mark.kumoi_clock


def states(client: Any, arn: str) -> dict[int, tuple[str, str]]:
    """State and reason of each target, by port."""
    said = client.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    return {
        one["Target"]["Port"]: (one["TargetHealth"]["State"], one["TargetHealth"].get("Reason", "")) for one in said
    }


def in_service(client: Any, arn: str) -> None:
    client.get_waiter("target_in_service").wait(TargetGroupArn=arn, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


def test_requests_reach_servers_in_turn(
    kumoi: Any, client: Any, balancer: Any, group: Any, server: Any, ask: Any, forward: Any
) -> None:
    arn = group(server("a"), server("b"))
    web = balancer(forward(arn))
    in_service(client, arn)
    headers = {"X-Forwarded-For": "10.0.0.9", "X-Amzn-Trace-Id": "Root=1-67891233-abcdef012345678912345678"}
    said = [ask(web, "/p%20q?a=1&a=%2F", "POST", body=b"body", headers=headers).json() for _ in range(4)]
    assert sorted(one["server"] for one in said) == ["a", "a", "b", "b"]
    first = said[0]
    assert (first["path"], first["body"]) == ("/p%20q?a=1&a=%2F", "body")
    got = first["headers"]
    assert (got["Host"], got["X-Forwarded-For"]) == (web["DNSName"], "10.0.0.9, 127.0.0.1")
    assert (got["X-Forwarded-Proto"], got["X-Forwarded-Port"]) == ("http", "80")
    assert got["X-Amzn-Trace-Id"].endswith(";Root=1-67891233-abcdef012345678912345678")
    assert got["X-Amzn-Trace-Id"].startswith("Self=1-")


def test_health_follows_the_checks(
    kumoi: Any, client: Any, balancer: Any, group: Any, server: Any, forward: Any, ask: Any
) -> None:
    one, two = server("one"), server("two")
    options = {"HealthCheckIntervalSeconds": 300, "HealthyThresholdCount": 3, "UnhealthyThresholdCount": 2}
    arn = group(one, two, HealthCheckPath="/health", Matcher={"HttpCode": "200-299"}, **options)
    assert states(client, arn)[one.port] == ("unused", "Target.NotInUse")
    web = balancer(forward(arn))
    in_service(client, arn)
    assert "/health" in one.asked
    one.status = 500
    kumoi.advance(330)  # half a minute past each check from now on: one begins later by what the others took
    assert states(client, arn)[one.port] == ("healthy", "")
    kumoi.advance(300)
    assert states(client, arn)[one.port] == ("unhealthy", "Target.ResponseCodeMismatch")
    assert {ask(web).json()["server"] for _ in range(4)} == {"two"}
    two.stop()
    kumoi.advance(600)
    assert states(client, arn)[two.port] == ("unhealthy", "Target.FailedHealthChecks")
    assert {ask(web).status for _ in range(4)} == {500, 502}  # none is healthy: all get requests
    one.status = 200
    kumoi.advance(600)
    assert states(client, arn)[one.port][0] == "unhealthy"
    kumoi.advance(300)
    assert states(client, arn)[one.port] == ("healthy", "")
    client.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": "127.0.0.1", "Port": two.port}])
    assert list(states(client, arn)) == [one.port]
    asked = len(one.asked)
    kumoi.advance(1800)
    assert len(one.asked) == asked + 6


def test_servers_that_are_not_there(client: Any, balancer: Any, group: Any, ask: Any, forward: Any) -> None:
    arn = group()
    created = client.create_target_group(Name="ip", TargetType="ip", Protocol="HTTP", Port=80, VpcId="vpc-1")
    arn = created["TargetGroups"][0]["TargetGroupArn"]
    web = balancer(forward(arn))
    assert (ask(web).status, b"503 Service Temporarily Unavailable" in ask(web).data) == (503, True)
    with socket.socket() as unused, socket.socket() as silent:
        unused.bind(("127.0.0.1", 0))
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        client.register_targets(TargetGroupArn=arn, Targets=[{"Id": "127.0.0.1", "Port": unused.getsockname()[1]}])
        assert (ask(web).status, b"502 Bad Gateway" in ask(web).data) == (502, True)
        client.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": "127.0.0.1"}])
        client.register_targets(TargetGroupArn=arn, Targets=[{"Id": "127.0.0.1", "Port": silent.getsockname()[1]}])
        attribute = {"Key": "idle_timeout.timeout_seconds", "Value": "1"}
        client.modify_load_balancer_attributes(LoadBalancerArn=web["LoadBalancerArn"], Attributes=[attribute])
        assert ask(web).status == 504


def test_stickiness_of_targets(client: Any, balancer: Any, group: Any, server: Any, ask: Any, forward: Any) -> None:
    a, b = server("a"), server("b")
    arn = group(a, b)
    web = balancer(forward(arn))
    sticky = [{"Key": "stickiness.enabled", "Value": "true"}]
    client.modify_target_group_attributes(TargetGroupArn=arn, Attributes=sticky)
    first = ask(web)
    cookies = first.headers.getlist("Set-Cookie")
    assert [one.partition("=")[0] for one in cookies] == ["AWSALB", "AWSALBCORS"]
    headers = {"Cookie": cookies[0].partition(";")[0]}
    assert {ask(web, headers=headers).json()["server"] for _ in range(4)} == {first.json()["server"]}
    application = [
        {"Key": "stickiness.type", "Value": "app_cookie"},
        {"Key": "stickiness.app_cookie.cookie_name", "Value": "session"},
    ]
    client.modify_target_group_attributes(TargetGroupArn=arn, Attributes=application)
    assert "Set-Cookie" not in ask(web).headers
    a.fields = b.fields = [("Set-Cookie", "session=1")]
    answer = ask(web)
    cookie = answer.headers.getlist("Set-Cookie")[1].partition(";")[0]
    assert cookie.startswith("AWSALBAPP-0=")
    assert {ask(web, headers={"Cookie": cookie}).json()["server"] for _ in range(4)} == {answer.json()["server"]}


def test_attributes_of_answers(client: Any, balancer: Any, group: Any, server: Any, ask: Any, forward: Any) -> None:
    web = balancer(forward(group(server())))
    attributes = [
        {"Key": "routing.http.response.server.enabled", "Value": "false"},
        {"Key": "routing.http.response.x_frame_options.header_value", "Value": "DENY"},
    ]
    client.modify_listener_attributes(ListenerArn=web["ListenerArn"], Attributes=attributes)
    headers = ask(web).headers
    assert ("Server" in headers, headers["X-Frame-Options"]) == (False, "DENY")
    mode = [{"Key": "routing.http.xff_header_processing.mode", "Value": "remove"}]
    client.modify_load_balancer_attributes(LoadBalancerArn=web["LoadBalancerArn"], Attributes=mode)
    assert "X-Forwarded-For" not in ask(web, headers={"X-Forwarded-For": "1.2.3.4"}).json()["headers"]


@pytest.fixture
def echo() -> Iterator[Any]:
    """A WebSocket server that echoes, with a subprotocol; closes with 4001 when told so."""

    def handler(peer: Any) -> None:
        for message in peer:
            if message == "bye":
                peer.close(4001, "as you wish")
                return
            if message == "flood":
                peer.send("x" * 65_536 for _ in range(10_000))
                return
            peer.send(message)

    def refuse(connection: Any, request: Any) -> Any:
        return connection.respond(404, "no room\n") if request.path == "/none" else None

    with serve(handler, "127.0.0.1", 0, subprotocols=["chat"], process_request=refuse) as server:  # type: ignore[list-item]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield type("Echo", (), {"port": server.socket.getsockname()[1]})
        server.shutdown()


def test_websockets_pass_through(kumoi: Any, client: Any, balancer: Any, group: Any, echo: Any, forward: Any) -> None:
    label = balancer(forward(group(echo)))["DNSName"].partition(".")[0]
    url = f"ws{kumoi.url.removeprefix('http')}/_kumoi/elb/{label}"
    with connect(f"{url}/room", subprotocols=["other", "chat"], open_timeout=60) as peer:  # type: ignore[list-item]
        assert peer.subprotocol == "chat"
        for message in ("hé", b"\x00\xff", "x" * 200_000, ""):
            peer.send(message)
            assert peer.recv(timeout=60) == message
        peer.send("bye")
        with pytest.raises(ConnectionClosed):
            peer.recv(timeout=60)
        assert (peer.close_code, peer.close_reason) == (4001, "as you wish")
    with connect(f"{url}/room", subprotocols=["chat"], open_timeout=60) as peer, pytest.raises(ConnectionClosed):  # type: ignore[list-item]
        peer.send("flood")
        peer.recv(timeout=60)
    assert peer.close_code == 1009
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{url}/none", open_timeout=60)
    assert (refused.value.response.status_code, refused.value.response.body) == (404, b"no room\n")


class Raw:
    """A server that answers each connection with what it is told, piece by piece, while `go` is set."""

    def __init__(self, *pieces: bytes) -> None:
        self.go = threading.Event()
        self.go.set()
        self.left = threading.Event()
        self.got = b""
        self._pieces = pieces
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                peer, _ = self._listening.accept()
            except OSError:
                return
            with peer:
                while not self._whole():
                    data = peer.recv(65536)
                    if not data:
                        self.left.set()
                        break
                    self.got += data
                for number, piece in enumerate(self._pieces):
                    if number:
                        self.go.wait(60)
                    peer.sendall(piece)

    def _whole(self) -> bool:
        """Whether a request has come: to its last chunk, where it may have any."""
        has_body = b"POST" in self.got or b"chunked" in self.got
        return b"\r\n\r\n" in self.got and (not has_body or self.got.endswith(b"0\r\n\r\n"))

    def close(self) -> None:
        self._listening.close()


@pytest.fixture
def raw(client: Any, balancer: Any, group: Any, forward: Any) -> Iterator[Any]:
    """A load balancer in front of a server that answers pieces, unchecked; both."""
    made: list[Raw] = []

    def make(*pieces: bytes) -> tuple[dict[str, Any], Raw]:
        server = Raw(*pieces)
        made.append(server)
        quiet = group(name="quiet", TargetType="ip", Protocol="HTTP", Port=server.port, VpcId="v")
        web = balancer(forward(quiet))
        client.register_targets(TargetGroupArn=quiet, Targets=[{"Id": "127.0.0.1"}])
        while states(client, quiet)[server.port][0] == "initial":
            pass
        server.got = b""
        return web, server

    yield make
    for server in made:
        server.close()


def test_answers_arrive_as_they_are_sent(raw: Any, ask: Any) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    web, server = raw(head + b"5\r\nfirst\r\n", b"6\r\nsecond\r\n0\r\n\r\n")
    server.go.clear()
    answer = ask(web, preload_content=False)
    assert answer.read(5) == b"first"  # the server waits with the rest
    server.go.set()
    assert answer.read() == b"second"


def test_requests_arrive_as_they_are_sent(raw: Any, ask: Any) -> None:
    web, server = raw(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok")
    answer = ask(web, "/up?x=1", "POST", body=iter([b"a" * 10, b"b" * 5]), chunked=True)
    assert (answer.status, answer.data) == (201, b"ok")
    head, _, body = server.got.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /up?x=1 HTTP/1.1\r\n")
    # What has arrived together may leave in one piece.
    assert body in (b"a\r\n" + b"a" * 10 + b"\r\n5\r\nbbbbb\r\n0\r\n\r\n", b"f\r\naaaaaaaaaabbbbb\r\n0\r\n\r\n")


def test_a_body_over_http_2_needs_no_length(raw: Any, kumoi: Any, curl: Any) -> None:
    web, server = raw(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok")
    asked = ["--http2-prior-knowledge", "-H", f"Host: {web['DNSName']}", "-T", "-", f"{kumoi.url}/up"]
    assert curl(*asked, sent=b"hello") == "ok|2 201"
    head, _, body = server.got.partition(b"\r\n\r\n")
    assert head.startswith(b"PUT /up HTTP/1.1\r\n")
    assert (b"Transfer-Encoding: chunked" in head, body) == (True, b"5\r\nhello\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    ("said", "status", "body"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, b"until the end"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.0 200 OK\r\nX-A: 1\r\nX-A: 2\r\n\r\n", 200, b""),
        (b"SSH-2.0-OpenSSH\r\n\r\n", 502, None),
        (b"HTTP/1.1 200 OK\r\nContent-Le", 502, None),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, 502, None),
        (b"", 502, None),
    ],
)
def test_what_servers_say(raw: Any, ask: Any, said: bytes, status: int, body: bytes | None) -> None:
    web, _ = raw(said)
    answer = ask(web)
    assert answer.status == status
    assert body is None or answer.data == body


def test_what_is_the_connections_own_goes_no_further(raw: Any, ask: Any) -> None:
    said = b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nok"
    web, server = raw(said)
    own = {"Connection": "keep-alive", "Keep-Alive": "1", "Proxy-Connection": "a", "TE": "trailers", "Trailer": "X-T"}
    answer = ask(web, headers={**own, "X-Forwarded-Proto": "https", "X-Forwarded-Port": "1", "X-B": "2"})
    assert (answer.data, answer.headers["x-a"]) == (b"ok", "1")
    assert not {"keep-alive", "upgrade"} & {name.lower() for name in answer.headers}
    fields = [line.partition(b": ") for line in server.got.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]]
    got = {name.decode().lower(): value.decode() for name, _, value in fields}
    assert len(fields) == len(got)
    assert not {"keep-alive", "proxy-connection", "te", "trailer"} & set(got)
    assert (got["connection"], got["x-forwarded-proto"], got["x-forwarded-port"]) == ("close", "http", "80")
    assert got["x-b"] == "2"


def test_a_head_without_end(raw: Any, ask: Any) -> None:
    web, _ = raw(b"HTTP/1.1 200 OK\r\n", *[b"X: " + b"x" * 60_000 + b"\r\n"] * 4)
    answer = ask(web)
    assert (answer.status, "larger than 128 KB" in answer.headers["x-kumoi-reason"]) == (502, True)


def test_an_answer_that_breaks_off(raw: Any, ask: Any) -> None:
    from urllib3.exceptions import HTTPError

    web, _ = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    with pytest.raises(HTTPError):
        _ = ask(web).data


def test_a_client_that_leaves_within_its_request(kumoi: Any, raw: Any) -> None:
    web, server = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    server.left.clear()
    address = ("127.0.0.1", int(kumoi.url.rpartition(":")[2]))
    body = b"x" * 400_000
    with socket.create_connection(address) as client:
        client.sendall(f"POST / HTTP/1.1\r\nHost: {web['DNSName']}\r\nContent-Length: 800000\r\n\r\n".encode() + body)
        while len(server.got) < 100_000:
            pass
    assert server.left.wait(60)
