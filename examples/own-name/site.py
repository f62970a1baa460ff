"""A site under its own name: a hosted zone, a certificate that DNS validates, a distribution; fetched over TLS."""

import os
import socket
import ssl
import sys
import uuid
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

import boto3

STACK = "own-name"
DOMAIN = "site.example.com"
TEMPLATE = Path(__file__).with_name("template.yaml")


def hosted_zone() -> str:
    """The id of the domain's hosted zone, made where there is none."""
    route53 = boto3.client("route53")
    for zone in route53.list_hosted_zones_by_name(DNSName=DOMAIN, MaxItems="1")["HostedZones"]:
        if zone["Name"] == f"{DOMAIN}.":
            return zone["Id"].removeprefix("/hostedzone/")
    made = route53.create_hosted_zone(Name=DOMAIN, CallerReference=str(uuid.uuid4()))
    return made["HostedZone"]["Id"].removeprefix("/hostedzone/")


def deploy() -> dict[str, str]:
    """Deploy the template and a page; answers its outputs."""
    stacks = boto3.client("cloudformation")
    given = {"Domain": DOMAIN, "Zone": hosted_zone()}
    stacks.create_stack(
        StackName=STACK,
        TemplateBody=TEMPLATE.read_text(),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
    )
    stacks.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
    (stack,) = stacks.describe_stacks(StackName=STACK)["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    page = f"<h1>Welcome to {DOMAIN}</h1>"
    boto3.client("s3").put_object(Bucket=outputs["Pages"], Key="index.html", Body=page, ContentType="text/html")
    return outputs


def fetch(name: str, authority: str) -> tuple[int, str, str]:
    """Status and body of the page under a name, and who issued its certificate: `authority` (PEM) has to vouch for it.

    The connection goes to Kumoi, as DNS would say; the name and the handshake are the site's.
    """
    where = urlsplit(os.environ["AWS_ENDPOINT_URL"])
    context = ssl.create_default_context(cadata=authority)
    connection = HTTPSConnection(name)
    plain = socket.create_connection((where.hostname, where.port))
    connection.sock = context.wrap_socket(plain, server_hostname=name)
    issuer = dict(pair for group in connection.sock.getpeercert()["issuer"] for pair in group)
    connection.request("GET", "/")
    answer = connection.getresponse()
    try:
        return answer.status, answer.read().decode(), issuer["commonName"]
    finally:
        connection.close()


def main() -> None:
    outputs = deploy()
    chain = boto3.client("acm").get_certificate(CertificateArn=outputs["Certificate"])["CertificateChain"]
    for name in (DOMAIN, f"www.{DOMAIN}"):
        status, body, issuer = fetch(name, chain)
        print(f"https://{name}/ answers {status}: {body} (a certificate of the {issuer})")
    answer = boto3.client("route53").test_dns_answer(HostedZoneId=hosted_zone(), RecordName=DOMAIN, RecordType="A")
    print(f"DNS says that {DOMAIN} is {answer['RecordData'][0]}")


if __name__ == "__main__":
    if "AWS_ENDPOINT_URL" not in os.environ:
        sys.exit("run it as: kumoi run python examples/own-name/site.py")
    main()
