"""Devices with certificates, where policies are enforced: paho over TLS, and what their policies let them do."""

from __future__ import annotations

import datetime
import json
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPSConnection
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

ACCOUNT, REGION = "411111111111", "us-east-1"
HERE = f"arn:aws:iot:{REGION}:{ACCOUNT}"
THING = "${iot:Connection.Thing.ThingName}"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a platform that enforces policies."""
    data = str(tmp_path_factory.mktemp("enforce"))
    kumoi = [sys.executable, "-m", "kumoi"]
    up = [*kumoi, "up", "-d", "--ephemeral", "--port", "0", "--auth", "enforce", "--data", data]
    subprocess.run(up, check=True, stdout=subprocess.DEVNULL)
    yield json.loads((Path(data) / "platform.json").read_text())["url"]
    subprocess.run([*kumoi, "down", "--data", data], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def client(platform: str) -> Iterator[Callable[..., Any]]:
    made = {}

    def make(service: str, account: str = ACCOUNT) -> Any:
        if (service, account) not in made:
            made[service, account] = boto3.client(
                service,
                endpoint_url=platform,
                region_name=REGION,
                aws_access_key_id=account,
                aws_secret_access_key="test",
                config=Config(retries={"total_max_attempts": 1}),
            )
        return made[service, account]

    yield make
    for one in made.values():
        one.close()


@pytest.fixture(scope="module")
def iot(client: Callable[..., Any]) -> Any:
    return client("iot")


def allowing(*statements: tuple[str, str], **condition: Any) -> str:
    """A policy that allows actions on resources of the account."""
    listed = [
        {"Effect": "Allow", "Action": f"iot:{action}", "Resource": f"{HERE}:{resource}", **condition}
        for action, resource in statements
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": listed})


PER_THING = allowing(
    ("Connect", f"client/{THING}"),
    ("Publish", f"topic/farm/{THING}/*"),
    ("Subscribe", f"topicfilter/farm/{THING}/#"),
    ("Subscribe", "topicfilter/news/+"),
    ("Receive", f"topic/farm/{THING}/*"),
    ("Receive", "topic/news/good"),
)


@pytest.fixture(scope="module")
def policy(iot: Any) -> str:
    iot.create_policy(policyName="per-thing", policyDocument=PER_THING)
    return "per-thing"


@pytest.fixture
def device(platform: str, device_type: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Connect with a certificate and its key (PEM), behind TLS."""
    made = []

    def make(
        client_id: str,
        certificate: str | None = None,
        key: str = "",
        alpn: str | None = None,
        url: str = platform,
        **more: Any,
    ) -> Any:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if alpn is not None:
            context.set_alpn_protocols([alpn])
        if certificate is not None:
            (tmp_path / "device.pem").write_text(certificate + key)
            context.load_cert_chain(tmp_path / "device.pem")
        made.append(device_type(url, ACCOUNT, client_id, tls_set_context=(context,), **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def pump(iot: Any, policy: str) -> dict[str, Any]:
    """The thing `pump` and its certificate."""
    made: dict[str, Any] = iot.create_keys_and_certificate(setAsActive=True)
    iot.create_thing(thingName="pump")
    iot.attach_thing_principal(thingName="pump", principal=made["certificateArn"])
    iot.attach_policy(policyName=policy, target=made["certificateArn"])
    return made


def pair(made: dict[str, Any]) -> tuple[str, str]:
    return made["certificatePem"], made["keyPair"]["PrivateKey"]


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as error:
        call()
    return str(error.value.response["Error"]["Code"])


def signed(name: str, ca: tuple[x509.Certificate, Any] | None = None, *, is_ca: bool = False) -> tuple[Any, Any]:
    """A certificate and its key, of its own or of a CA."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(ca[0].subject if ca else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .sign(ca[1] if ca else key, hashes.SHA256())
    )
    return certificate, key


def pem(certificate: Any) -> str:
    return str(certificate.public_bytes(Encoding.PEM).decode())


def key_pem(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


@pytest.mark.parametrize(("version", "alpn"), [(4, None), (5, "x-amzn-mqtt-ca"), (5, "mqtt")])
def test_a_device_does_what_its_policy_allows(
    device: Any, client: Any, pump: dict[str, Any], version: int, alpn: str | None
) -> None:
    one = device("pump", *pair(pump), alpn=alpn, version=version)
    one.connect()
    denied = 0x87 if version == 5 else 0x80
    assert one.subscribe("farm/pump/#", "farm/#", "news/+", "$share/g/farm/#") == [1, denied, 1, denied]
    one.publish("farm/pump/level", b"7")
    assert one.get().payload == b"7"
    data = client("iot-data")
    data.publish(topic="news/bad", qos=1, payload=b"nobody may hear it")
    data.publish(topic="news/good", qos=1, payload=b"heard")
    assert one.get().payload == b"heard"
    one.client.publish("farm/other/level", b"7", 1)
    reason = one.ended.get(timeout=60)
    assert version == 4 or reason.value == 0x87


def test_a_client_that_shows_nothing_or_is_another_thing_is_refused(device: Any, pump: dict[str, Any]) -> None:
    assert device("pump").refusal() == 0x87
    assert device("valve", *pair(pump)).refusal() == 0x87


def test_a_certificate_that_is_not_active_is_refused_and_its_connections_end(
    device: Any, iot: Any, policy: str
) -> None:
    made = iot.create_keys_and_certificate()
    iot.create_thing(thingName="gate")
    iot.attach_thing_principal(thingName="gate", principal=made["certificateArn"])
    iot.attach_policy(policyName=policy, target=made["certificateArn"])
    assert device("gate", *pair(made)).refusal() == 0x87
    iot.update_certificate(certificateId=made["certificateId"], newStatus="ACTIVE")
    one = device("gate", *pair(made), version=5)
    one.connect()
    iot.update_certificate(certificateId=made["certificateId"], newStatus="REVOKED")
    assert one.ended.get(timeout=60).value == 0x87
    assert device("gate", *pair(made)).refusal() == 0x87


def test_a_certificate_that_is_revoked_while_its_device_comes_in_lets_nobody_in(kumoi: Any, device: Any) -> None:
    iot, where = kumoi.client("iot"), f"{kumoi.url}/_kumoi/faults"
    made = iot.create_keys_and_certificate(setAsActive=True)
    slow = {"service": "iot-data", "operation": "MqttConnect", "account": kumoi.account}
    body = json.dumps({**slow, "action": "delay", "delay_ms": 300}).encode()
    with urlopen(Request(where, body), timeout=60) as answer:
        fault = json.load(answer)["id"]

    def struck() -> bool:
        with urlopen(where, timeout=60) as answer:
            return any(one["struck"] for one in json.load(answer)["faults"] if one["id"] == fault)

    try:
        one = device("door", *pair(made), url=kumoi.url)
        one.client.connect(one.host, one.port)
        one.client.loop_start()
        deadline = monotonic() + 60
        while not struck():
            assert monotonic() < deadline, "it did not ask to connect"
        iot.update_certificate(certificateId=made["certificateId"], newStatus="REVOKED")
        one.ended.get(timeout=60)
    finally:
        urlopen(Request(f"{where}?id={fault}", method="DELETE"), timeout=60).close()


def test_a_policy_that_changes_counts_for_who_is_connected(device: Any, client: Any, iot: Any) -> None:
    made = iot.create_keys_and_certificate(setAsActive=True)
    both = (("Connect", "client/lamp"), ("Subscribe", "topicfilter/light"), ("Publish", "topic/light"))
    iot.create_policy(policyName="lamp", policyDocument=allowing(*both, ("Receive", "topic/light")))
    iot.attach_policy(policyName="lamp", target=made["certificateArn"])
    one = device("lamp", *pair(made))
    one.connect()
    assert one.subscribe("light") == [1]
    one.publish("light", b"on")
    assert one.get().payload == b"on"
    iot.create_policy_version(policyName="lamp", policyDocument=allowing(both[0], both[1], both[2]), setAsDefault=True)
    client("iot-data").publish(topic="light", qos=1, payload=b"unheard")
    iot.set_default_policy_version(policyName="lamp", policyVersionId="1")
    client("iot-data").publish(topic="light", qos=1, payload=b"heard")
    assert one.get().payload == b"heard"
    iot.detach_policy(policyName="lamp", target=made["certificateArn"])
    one.client.publish("light", b"off", 1)
    one.ended.get(timeout=60)


def test_what_waits_for_a_device_and_what_it_leaves_pass_its_policy(device: Any, client: Any, iot: Any) -> None:
    hears = (("Subscribe", "topicfilter/*"), ("Connect", "client/*"))
    made = {}
    for name, receives in (("mill", "topic/open/*"), ("watcher", "topic/*")):
        made[name] = iot.create_keys_and_certificate(setAsActive=True)
        iot.create_policy(policyName=name, policyDocument=allowing(*hears, ("Receive", receives)))
        iot.attach_policy(policyName=name, target=made[name]["certificateArn"])
    data = client("iot-data")
    for topic in ("closed/kept", "open/kept"):
        data.publish(topic=topic, qos=1, retain=True, payload=topic.encode())
    watcher = device("watcher", *pair(made["watcher"]))
    watcher.connect()
    watcher.subscribe("closed/will", "$aws/events/presence/disconnected/mill")
    mill = device("mill", *pair(made["mill"]), clean=False, will_set=("closed/will", b"gone", 1))
    mill.connect()
    mill.subscribe("closed/#", "open/#")
    assert mill.get().payload == b"open/kept"
    mill.drop()
    assert watcher.get().topic == "$aws/events/presence/disconnected/mill"
    for topic in ("closed/queued", "open/queued"):
        data.publish(topic=topic, qos=1, payload=topic.encode())
    again = device("mill", *pair(made["mill"]), clean=False)
    assert again.connect()
    assert again.get().payload == b"open/queued"


def test_a_certificate_counts_where_it_is_active(device: Any, client: Any, iot: Any) -> None:
    certificate, key = signed("twice")
    asked = {"certificatePem": pem(certificate)}
    client("iot", "111111111111").register_certificate_without_ca(**asked)
    made = iot.register_certificate_without_ca(**asked, status="ACTIVE")
    iot.create_policy(policyName="twice", policyDocument=allowing(("Connect", "client/twice")))
    iot.attach_policy(policyName="twice", target=made["certificateArn"])
    device("twice", pem(certificate), key_pem(key)).connect()


def test_groups_types_attributes_and_subjects_speak_in_policies(device: Any, iot: Any) -> None:
    subject, key = signed("barn-7")
    made = iot.register_certificate_without_ca(certificatePem=pem(subject), status="ACTIVE")
    iot.create_thing_type(thingTypeName="sensor")
    iot.create_thing(thingName="s7", thingTypeName="sensor", attributePayload={"attributes": {"Barn": "north"}})
    iot.create_thing_group(thingGroupName="farm")
    iot.create_thing_group(thingGroupName="barn", parentGroupName="farm")
    iot.add_thing_to_thing_group(thingGroupName="barn", thingName="s7")
    text = allowing(
        ("Connect", "client/${iot:ClientId}"),
        ("Publish", "topic/${iot:Connection.Thing.ThingTypeName}/${iot:Connection.Thing.Attributes[Barn]}"),
        ("Publish", "topic/${iot:Certificate.Subject.CommonName}"),
        ("Subscribe", "topicfilter/*"),
        ("Receive", "topic/*"),
        Condition={"Bool": {"iot:Connection.Thing.IsAttached": "true"}},
    )
    iot.create_policy(policyName="group", policyDocument=text)
    iot.attach_policy(policyName="group", target=f"{HERE}:thinggroup/farm")
    assert device("s7", pem(subject), key_pem(key)).refusal() == 0x87
    iot.attach_thing_principal(thingName="s7", principal=made["certificateArn"])
    assert device("s8", pem(subject), key_pem(key)).refusal() == 0x87
    one = device("s7", pem(subject), key_pem(key))
    one.connect()
    one.subscribe("sensor/+", "barn-7")
    one.publish("sensor/north", b"1")
    one.publish("barn-7", b"2")
    assert [one.get().payload, one.get().payload] == [b"1", b"2"]
    effective = iot.get_effective_policies(principal=made["certificateArn"], thingName="s7")["effectivePolicies"]
    assert [found["policyName"] for found in effective] == ["group"]
    iot.remove_thing_from_thing_group(thingGroupName="barn", thingName="s7")
    one.client.publish("barn-7", b"3", 1)
    one.ended.get(timeout=60)


def test_certificates_of_a_registered_ca_connect_and_register_by_themselves(
    device: Any, client: Any, iot: Any, policy: str
) -> None:
    ca = signed("Farm CA", is_ca=True)
    wrong = pem(signed("whatever", ca)[0])
    given = {"caCertificate": pem(ca[0]), "setAsActive": True, "allowAutoRegistration": True}
    assert refused(lambda: iot.register_ca_certificate(**given)) == "InvalidRequestException"
    asked = {**given, "verificationCertificate": wrong}
    assert refused(lambda: iot.register_ca_certificate(**asked)) == "RegistrationCodeValidationException"
    proof = signed(iot.get_registration_code()["registrationCode"], ca)[0]
    authority = iot.register_ca_certificate(**{**given, "verificationCertificate": pem(proof)})["certificateId"]

    known, key = signed("known", ca)
    made = iot.register_certificate(certificatePem=pem(known), caCertificatePem=pem(ca[0]), status="ACTIVE")
    assert (
        iot.describe_certificate(certificateId=made["certificateId"])["certificateDescription"]["caCertificateId"]
        == authority
    )
    iot.create_policy(policyName="known", policyDocument=allowing(("Connect", "client/*")))
    iot.attach_policy(policyName="known", target=made["certificateArn"])
    device("known", pem(known), key_pem(key)).connect()

    sqs = client("sqs")
    url = sqs.create_queue(QueueName="registered")["QueueUrl"]
    action = {"sqs": {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/r", "queueUrl": url}}
    sql = "SELECT * FROM '$aws/events/certificates/registered/+'"
    client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    send = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
    client("iam").put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=json.dumps(send))
    iot.create_topic_rule(ruleName="registered", topicRulePayload={"sql": sql, "actions": [action]})
    stranger, key = signed("stranger", ca)
    assert device("stranger", pem(stranger), key_pem(key)).refusal() == 0x87
    (told,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    event = json.loads(told["Body"])
    assert (event["caCertificateId"], event["certificateStatus"]) == (authority, "PENDING_ACTIVATION")
    iot.update_certificate(certificateId=event["certificateId"], newStatus="ACTIVE")
    iot.attach_policy(policyName="known", target=f"{HERE}:cert/{event['certificateId']}")
    device("stranger", pem(stranger), key_pem(key)).connect()
    listed = iot.list_certificates_by_ca(caCertificateId=authority)["certificates"]
    assert {one["certificateId"] for one in listed} == {made["certificateId"], event["certificateId"]}
    iot.update_ca_certificate(certificateId=authority, newStatus="INACTIVE")
    late, key = signed("late", ca)
    assert device("late", pem(late), key_pem(key)).refusal() == 0x87
    assert iot.list_certificates_by_ca(caCertificateId=authority)["certificates"] == listed
    foreign, key = signed("foreign")
    assert device("foreign", pem(foreign), key_pem(key)).is_cut_off()


def test_a_device_publishes_and_keeps_its_shadow_over_https(
    platform: str, client: Any, iot: Any, tmp_path: Path, device: Any
) -> None:
    made = iot.create_keys_and_certificate(setAsActive=True)
    may = (("Publish", "topic/https/*"), ("GetThingShadow", "thing/https"), ("UpdateThingShadow", "thing/https"))
    iot.create_policy(policyName="https", policyDocument=allowing(*may))
    iot.attach_policy(policyName="https", target=made["certificateArn"])
    (tmp_path / "https.pem").write_text("".join(pair(made)))

    def ask(method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(tmp_path / "https.pem")
        context.set_alpn_protocols(["x-amzn-http-ca"])
        with closing(HTTPSConnection(urlsplit(platform).netloc, context=context, timeout=60)) as connection:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")

    assert ask("POST", "/topics/https%2Fa?qos=1&retain=true", b"kept")[0] == 403  # not to be retained
    assert ask("POST", "/topics/https%2Fa?qos=1", b"said")[0] == 200
    assert ask("POST", "/topics/other", b"said")[0] == 403
    assert ask("POST", "/things/https/shadow", b'{"state": {"reported": {"on": true}}}')[0] == 200
    assert ask("GET", "/things/https/shadow")[1]["state"] == {"reported": {"on": True}}
    assert ask("GET", "/things/pump/shadow")[0] == 403
    iot.update_certificate(certificateId=made["certificateId"], newStatus="INACTIVE")
    assert ask("POST", "/topics/https%2Fa?qos=1", b"said")[0] == 403


TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "iot.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)


EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}})
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": "cognito-identity.amazonaws.com"},
        },
    }
)


@pytest.fixture(scope="module")
def pool(client: Callable[..., Any]) -> str:
    """An identity pool with a role that may do everything in IoT, signed in or not."""
    role = client("iam").create_role(RoleName="app", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    client("iam").put_role_policy(RoleName="app", PolicyName="iot", PolicyDocument=EVERYTHING)
    identities = client("cognito-identity")
    made = identities.create_identity_pool(
        IdentityPoolName="p", AllowUnauthenticatedIdentities=True, DeveloperProviderName="dev"
    )["IdentityPoolId"]
    identities.set_identity_pool_roles(IdentityPoolId=made, Roles={"authenticated": role, "unauthenticated": role})
    return str(made)


@pytest.fixture
def browser(platform: str, client: Callable[..., Any], pool: str, device_type: Any) -> Iterator[Callable[..., Any]]:
    """A client over a WebSocket that is signed for an identity of the pool, a user who has signed in or a guest."""
    made = []

    def make(client_id: str, user: str | None) -> tuple[Any, str, Any]:
        identities, logins = client("cognito-identity"), {}
        if user is None:
            identity = identities.get_id(IdentityPoolId=pool)["IdentityId"]
        else:
            answer = identities.get_open_id_token_for_developer_identity(IdentityPoolId=pool, Logins={"dev": user})
            identity, logins = answer["IdentityId"], {"cognito-identity.amazonaws.com": answer["Token"]}
        found = identities.get_credentials_for_identity(IdentityId=identity, Logins=logins)["Credentials"]
        keys = found["AccessKeyId"], found["SecretKey"]
        request = AWSRequest("GET", f"{platform}/mqtt")
        SigV4QueryAuth(Credentials(*keys), "iotdevicegateway", REGION).add_auth(request)
        token = quote(found["SessionToken"], safe="")
        path = f"/mqtt?{urlsplit(request.url).query}&X-Amz-Security-Token={token}"
        more = {"transport": "websockets", "version": 5, "ws_set_options": (path,)}
        made.append(device_type(platform, ACCOUNT, client_id, **more))
        data = boto3.client(
            "iot-data",
            endpoint_url=platform,
            region_name=REGION,
            aws_access_key_id=keys[0],
            aws_secret_access_key=keys[1],
            aws_session_token=found["SessionToken"],
        )
        return made[-1], identity, data

    yield make
    for one in made:
        one.close()


def test_an_identity_that_has_signed_in_needs_a_policy_of_iots_beside_its_role(iot: Any, browser: Any) -> None:
    refused_one, identity, data = browser("ann", "ann")
    assert refused_one.refusal() == 0x87
    assert refused(lambda: data.publish(topic="app/x", payload=b"1")) == "ForbiddenException"
    document = allowing(
        ("Connect", "client/${iot:ClientId}"),
        ("Publish", "topic/app/${cognito-identity.amazonaws.com:sub}/*"),
        ("Subscribe", "topicfilter/app/*"),
        ("Receive", "topic/app/${iot:Connection.Thing.ThingName}/*"),
    )
    iot.create_policy(policyName="app", policyDocument=document)
    iot.attach_policy(policyName="app", target=identity)
    iot.create_thing(thingName="ann")
    iot.attach_thing_principal(thingName="ann", principal=identity)
    one, _, _ = browser("ann", "ann")
    one.connect()
    assert one.subscribe("app/#", "other/#") == [1, 0x87]
    data.publish(topic=f"app/{identity}/x", qos=1, payload=b"allowed, and not to be received")
    assert refused(lambda: data.publish(topic="app/ann/x", payload=b"1")) == "ForbiddenException"
    iot.create_policy(policyName="more", policyDocument=allowing(("Publish", "topic/app/ann/*")))
    iot.attach_policy(policyName="more", target=identity)
    data.publish(topic="app/ann/x", qos=1, payload=b"heard")
    assert one.get().payload == b"heard"
    iot.detach_policy(policyName="app", target=identity)
    assert refused(lambda: data.publish(topic=f"app/{identity}/x", payload=b"1")) == "ForbiddenException"


def test_a_guest_needs_its_role_alone(browser: Any) -> None:
    one, _, data = browser("guest", None)
    one.connect()
    assert one.subscribe("guests/#") == [1]
    data.publish(topic="guests/x", qos=1, payload=b"1")
    assert one.get().payload == b"1"


def test_a_claim_lets_devices_be_provisioned_by_its_template_alone(device: Any, client: Any, iot: Any) -> None:
    role = client("iam").create_role(RoleName="provisioning", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    client("iam").put_role_policy(RoleName="provisioning", PolicyName="iot", PolicyDocument=EVERYTHING)
    thing = {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": {"Ref": "Serial"}}}
    own = {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}}
    body = {
        "Parameters": {"Serial": {"Type": "String"}},
        "Resources": {"t": thing, "c": {"Type": "AWS::IoT::Certificate", "Properties": own}},
    }
    for name in ("fleet", "other"):
        iot.create_provisioning_template(
            templateName=name, templateBody=json.dumps(body), provisioningRoleArn=role, enabled=True
        )
    made = iot.create_provisioning_claim(templateName="fleet")
    one = device("new", *pair(made), version=5)
    one.connect()
    topics = ("certificates/create", "provisioning-templates/fleet/provision", "provisioning-templates/other/provision")
    assert one.subscribe(*(f"$aws/{topic}/json/+" for topic in topics), "#") == [1, 1, 0x87, 0x87]
    one.publish("$aws/certificates/create/json", b"{}")
    created = json.loads(one.get().payload)
    asked = {"certificateOwnershipToken": created["certificateOwnershipToken"], "parameters": {"Serial": "s1"}}
    one.publish("$aws/provisioning-templates/fleet/provision/json", json.dumps(asked))
    assert json.loads(one.get().payload) == {"deviceConfiguration": {}, "thingName": "s1"}
    itself = device("s1", created["certificatePem"], created["privateKey"], version=5)
    assert itself.refusal() == 0x87  # it is known, and no policy hangs on it
    client("iam").delete_role_policy(RoleName="provisioning", PolicyName="iot")
    asked["parameters"] = {"Serial": "s2"}
    one.publish("$aws/provisioning-templates/fleet/provision/json", json.dumps(asked))
    assert json.loads(one.get().payload)["errorCode"] == "ResourceRegistrationFailure"
    one.client.publish("$aws/provisioning-templates/other/provision/json", json.dumps(asked), 1)
    assert one.ended.get(timeout=60).value == 0x87
