"""`--auth enforce`: signatures in messages are verified; policies say who may subscribe, publish and use sources."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

SDL = """
type Query { hello: String }
type Mutation { add(text: String): M }
type M { text: String }
type Subscription { onAdd: M @aws_subscribe(mutations: ["add"]) onOther: M @aws_subscribe(mutations: ["add"]) }
"""
IAM = [{"authType": "AWS_IAM"}]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A platform that enforces policies."""
    data = str(tmp_path_factory.mktemp("enforce"))
    kumoi = [sys.executable, "-m", "kumoi"]
    up = [*kumoi, "up", "-d", "--ephemeral", "--port", "0", "--auth", "enforce", "--data", data]
    subprocess.run(up, check=True, stdout=subprocess.DEVNULL)
    yield json.loads((Path(data) / "platform.json").read_text())["url"]
    subprocess.run([*kumoi, "down", "--data", data], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[Callable[..., Any]]:
    """A client of an account's root."""
    with ExitStack() as stack:

        def make(service: str, account: str = "test") -> Any:
            keys = {"aws_access_key_id": account, "aws_secret_access_key": "test"}
            made = boto3.client(service, endpoint_url=url, region_name="us-east-1", **keys)
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture(scope="module")
def reader(client: Callable[[str], Any]) -> Credentials:
    """The key of a user who may subscribe to `onAdd`, connect to Event APIs, and subscribe there."""
    iam = client("iam")
    iam.create_user(UserName="reader")
    actions = ["appsync:EventConnect", "appsync:EventSubscribe"]
    allowed = {"Effect": "Allow", "Action": "appsync:GraphQL", "Resource": "arn:aws:appsync:*:*:apis/*/fields/onAdd"}
    statements = [allowed, {"Effect": "Allow", "Action": actions, "Resource": "*"}]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName="reader", PolicyName="reads", PolicyDocument=policy)
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


def signed(keys: Credentials, path: str, body: str) -> dict[str, str]:
    request = AWSRequest("POST", f"https://localhost:4566{path}", data=body, headers={"host": "localhost:4566"})
    SigV4Auth(keys, "appsync", "us-east-1").add_auth(request)
    return dict(request.headers.items())


class Peer:
    """A connection; keep-alives are passed over."""

    def __init__(self, url: str, path: str, subprotocol: str, headers: dict[str, str]) -> None:
        encoded = base64.urlsafe_b64encode(json.dumps(headers).encode()).decode().rstrip("=")
        offered = [Subprotocol(subprotocol), Subprotocol(f"header-{encoded}")]
        self._opening = connect(f"{url.replace('http://', 'ws://')}{path}", subprotocols=offered, open_timeout=60)

    def ask(self, **message: Any) -> dict[str, Any]:
        with suppress(ConnectionClosed):
            self.socket.send(json.dumps(message))
        while True:
            got: dict[str, Any] = json.loads(self.socket.recv(timeout=60))
            if got["type"] != "ka":
                return got

    def __enter__(self) -> Peer:
        self.socket = self._opening.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def test_subscriptions(url: str, client: Callable[[str], Any], reader: Credentials) -> None:
    appsync = client("appsync")
    api = appsync.create_graphql_api(name="x", authenticationType="AWS_IAM")["graphqlApi"]["apiId"]
    appsync.start_schema_creation(apiId=api, definition=SDL.encode())
    path = f"/graphql/{api}"
    forged = Credentials(reader.access_key, "x" * 40)
    with Peer(url, f"{path}/realtime", "graphql-ws", signed(forged, f"{path}/connect", "{}")) as peer:
        assert peer.ask(type="connection_init")["type"] == "connection_error"
    with Peer(url, f"{path}/realtime", "graphql-ws", signed(reader, f"{path}/connect", "{}")) as peer:
        assert peer.ask(type="connection_init")["type"] == "connection_ack"

        def start(field: str, keys: Credentials, body: str | None = None) -> dict[str, Any]:
            data = json.dumps({"query": f"subscription {{ {field} {{ text }} }}", "variables": {}})
            extensions = {"authorization": signed(keys, path, body or data)}
            return peer.ask(type="start", id=field, payload={"data": data, "extensions": extensions})

        assert start("onAdd", forged)["payload"]["errors"][0]["errorType"] == "UnauthorizedException"
        assert start("onAdd", reader, "another")["payload"]["errors"][0]["errorType"] == "UnauthorizedException"
        assert start("onOther", reader)["payload"]["errors"][0]["errorType"] == "Unauthorized"
        assert start("onAdd", reader)["type"] == "start_ack"


def test_events(url: str, client: Callable[[str], Any], reader: Credentials) -> None:
    appsync = client("appsync")
    modes = ("authProviders", "connectionAuthModes", "defaultPublishAuthModes", "defaultSubscribeAuthModes")
    api = appsync.create_api(name="x", eventConfig=dict.fromkeys(modes, IAM))["api"]["apiId"]
    appsync.create_channel_namespace(apiId=api, name="chat")
    with Peer(url, f"/event/{api}/realtime", "aws-appsync-event-ws", signed(reader, f"/event/{api}", "{}")) as peer:
        assert peer.ask(type="connection_init")["type"] == "connection_ack"
        body = json.dumps({"channel": "/chat/a"}, separators=(",", ":"))
        authorization = signed(reader, "/event", body)
        answer = peer.ask(type="subscribe", id="1", channel="/chat/a", authorization=authorization)
        assert answer["type"] == "subscribe_success"
        authorization = signed(reader, f"/_kumoi/appsync-api/{api}/event", body)
        answer = peer.ask(type="subscribe", id="by path", channel="/chat/a", authorization=authorization)
        assert answer["type"] == "subscribe_success"
        body = json.dumps({"channel": "/chat/a", "events": ["1"]}, separators=(",", ":"))
        message = {"type": "publish", "id": "2", "channel": "/chat/a", "events": ["1"]}
        assert peer.ask(**message, authorization=signed(reader, "/event", body))["type"] == "publish_error"
        root = Credentials("test", "test")
        assert peer.ask(**message, authorization=signed(root, "/event", body))["type"] in ("publish_success", "data")


RAW = "type Query { raw(request: AWSJSON!): AWSJSON }"
PROGRAMS = {
    "requestMappingTemplate": "$util.toJson($ctx.args.request)",
    "responseMappingTemplate": "#if($ctx.error) $util.error($ctx.error.message, $ctx.error.type) #end"
    "$util.toJson($ctx.result)",
}
Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def raw(url: str, client: Callable[..., Any]) -> Ask:
    """Send a request to a new data source, with an API key."""
    appsync = client("appsync")
    api = appsync.create_graphql_api(name="raw", authenticationType="API_KEY")["graphqlApi"]["apiId"]
    key = appsync.create_api_key(apiId=api)["apiKey"]["id"]
    appsync.start_schema_creation(apiId=api, definition=RAW.encode())
    appsync.create_data_source(apiId=api, name="none", type="NONE")
    place = {"apiId": api, "typeName": "Query", "fieldName": "raw"}
    appsync.create_resolver(**place, dataSourceName="none", **PROGRAMS)

    def ask(source: dict[str, Any], **given: Any) -> dict[str, Any]:
        name = f"source{len(appsync.list_data_sources(apiId=api)['dataSources'])}"
        appsync.create_data_source(apiId=api, name=name, **source)
        appsync.update_resolver(**place, dataSourceName=name, **PROGRAMS)
        asked = json.dumps({"version": "2018-05-29", **given})
        query = {"query": "query($r: AWSJSON!) { raw(request: $r) }", "variables": {"r": asked}}
        request = urllib.request.Request(f"{url}/graphql/{api}", json.dumps(query).encode(), {"x-api-key": key})
        with urllib.request.urlopen(request) as answer:
            told: dict[str, Any] = json.loads(answer.read())
        return told["errors"][0] if told.get("errors") else json.loads(told["data"]["raw"])

    return ask


def http(service: str) -> dict[str, Any]:
    """A source that signs requests to a service."""
    signing = {"signingRegion": "us-east-1", "signingServiceName": service}
    authorization = {"authorizationType": "AWS_IAM", "awsIamConfig": signing}
    endpoint = f"https://{service}.us-east-1.amazonaws.com"
    return {"type": "HTTP", "httpConfig": {"endpoint": endpoint, "authorizationConfig": authorization}}


def test_sources_without_a_role_may_do_nothing(raw: Ask, client: Callable[..., Any]) -> None:
    """AppSync itself is no way around policies for those who may make data sources, but pass no role."""
    form = {"headers": {"content-type": "application/x-www-form-urlencoded"}}
    made = {**form, "body": "Action=CreateUser&Version=2010-05-08&UserName=intruder"}
    assert raw(http("iam"), method="POST", resourcePath="/", params=made)["errorType"] == "UnauthorizedException"
    assert "intruder" not in [one["UserName"] for one in client("iam").list_users()["Users"]]
    cluster = {"dbClusterIdentifier": "c", "awsSecretStoreArn": "s", "awsRegion": "us-east-1"}
    rds = {"relationalDatabaseSourceType": "RDS_HTTP_ENDPOINT", "rdsHttpEndpointConfig": cluster}
    source: dict[str, Any] = {"type": "RELATIONAL_DATABASE", "relationalDatabaseConfig": rds}
    assert raw(source, statements=["select 1"])["errorType"] == "UnauthorizedException"
    table = {"tableName": "things", "awsRegion": "us-east-1", "useCallerCredentials": True}
    source = {"type": "AMAZON_DYNAMODB", "dynamodbConfig": table}
    assert raw(source, operation="Scan")["errorType"] == "UnauthorizedException", "nobody signed"


def test_requests_are_signed_in_the_role_of_a_source(raw: Ask, client: Callable[..., Any]) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "appsync.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = client("iam").create_role(RoleName="asks", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    query = {"Action": "GetCallerIdentity", "Version": "2011-06-15", "more": "a b/\u00fc&c"}
    told = raw({**http("sts"), "serviceRoleArn": role}, method="GET", resourcePath="/", params={"query": query})
    assert told["statusCode"] == 200 and ":assumed-role/asks/" in told["body"]
    path = "/2015-03-31/functions/a%3A1"
    told = raw({**http("lambda"), "serviceRoleArn": role}, method="GET", resourcePath=path)
    assert told["statusCode"] == 403 and ":assumed-role/asks/" in told["body"], "the role may not"
    client("s3").create_bucket(Bucket="signed-for")
    client("s3").put_object(Bucket="signed-for", Key="a b/\u00fc", Body=b"read")
    allowed = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::signed-for/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    client("iam").put_role_policy(RoleName="asks", PolicyName="reads", PolicyDocument=document)
    told = raw({**http("s3"), "serviceRoleArn": role}, method="GET", resourcePath="/signed-for/a b/\u00fc")
    assert (told["statusCode"], told["body"]) == (200, "read")


def test_the_explorer_knows_where_users_sign_in_but_no_keys(url: str, client: Callable[..., Any]) -> None:
    appsync, cognito = client("appsync", "111122223333"), client("cognito-idp", "111122223333")
    pool = cognito.create_user_pool(PoolName="p")["UserPool"]["Id"]
    web = cognito.create_user_pool_client(UserPoolId=pool, ClientName="web")["UserPoolClient"]["ClientId"]
    users = {"userPoolId": pool, "awsRegion": "us-east-1"}
    more = {"authenticationType": "AMAZON_COGNITO_USER_POOLS", "userPoolConfig": users}
    api = appsync.create_graphql_api(
        name="people", authenticationType="API_KEY", additionalAuthenticationProviders=[more]
    )["graphqlApi"]["apiId"]
    appsync.create_api_key(apiId=api)
    with urllib.request.urlopen(f"{url}/_kumoi/appsync-access/{api}") as answer:
        told = json.loads(answer.read())
    assert (told["client"], told["keys"]) == (web, [])
