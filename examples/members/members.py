"""Somebody signs in with the Google button of a page, without Google or a browser; an API knows who they are."""

import html
import json
import os
import re
import sys
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit

import boto3

STACK = "members"
SITE = "http://localhost:8000/"
HERE = Path(__file__).parent


class _Stay(urllib.request.HTTPRedirectHandler):
    """Hands the redirect to the page's own address back, as nothing need be there."""

    def redirect_request(self, request, fp, code, msg, headers, newurl):
        if newurl.startswith(SITE):
            return None
        return super().redirect_request(request, fp, code, msg, headers, newurl)


def deploy(**parameters: str) -> dict[str, str]:
    """Deploy the template; answers its outputs: the pool, the app, the domain of the sign-in pages, the API."""
    given = {"Runtime": f"python3.{sys.version_info.minor}", **parameters}
    stacks = boto3.client("cloudformation")
    stacks.create_stack(
        StackName=STACK,
        TemplateBody=(HERE / "template.yaml").read_text(),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
    )
    stacks.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
    (stack,) = stacks.describe_stacks(StackName=STACK)["Stacks"]
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


def configure(outputs: dict[str, str], folder: Path) -> None:
    """Tell the page where everything is."""
    platform = os.environ["AWS_ENDPOINT_URL"]
    told = {
        "endpoint": platform,
        "userPoolId": outputs["Pool"],
        "userPoolClientId": outputs["App"],
        "domain": f"{urlsplit(platform).netloc}/_kumoi/cognito-hosted-ui/{outputs['Domain']}",
        "api": f"{platform}/_kumoi/execute-api/{outputs['Api']}/me",
    }
    (folder / "config.json").write_text(json.dumps(told, indent=2))


def sign_in(outputs: dict[str, str], **claims: str) -> str:
    """Press the button, and say at the page that stands in for Google who it would say you are; the ID token."""
    pages = f"{os.environ['AWS_ENDPOINT_URL']}/_kumoi/cognito-hosted-ui/{outputs['Domain']}"
    browser = urllib.request.build_opener(_Stay, urllib.request.HTTPCookieProcessor(CookieJar()))
    asked = {"response_type": "code", "client_id": outputs["App"], "redirect_uri": SITE, "identity_provider": "Google"}
    with browser.open(f"{pages}/oauth2/authorize?{urlencode(asked)}") as page:
        url, body = page.url, page.read().decode()
    (token,) = re.findall(r'name="_csrf" value="([^"]*)"', body)
    try:
        browser.open(url, urlencode({"_csrf": html.unescape(token), **claims}).encode())
        raise SystemExit("the browser was not sent back to the page")
    except HTTPError as redirect:
        with redirect:
            code = parse_qs(urlsplit(redirect.headers["Location"]).query)["code"][0]
    form = {"grant_type": "authorization_code", "client_id": outputs["App"], "code": code, "redirect_uri": SITE}
    with browser.open(f"{pages}/oauth2/token", urlencode(form).encode()) as answer:
        return json.load(answer)["id_token"]


def ask(outputs: dict[str, str], token: str) -> dict:
    """What the API knows of who asks."""
    url = f"{os.environ['AWS_ENDPOINT_URL']}/_kumoi/execute-api/{outputs['Api']}/me"
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": token})) as answer:
        return json.load(answer)


def main() -> None:
    outputs = deploy()
    if (HERE / "dist").is_dir():
        configure(outputs, HERE / "dist")
    token = sign_in(outputs, email="ann@example.com", email_verified="true", name="Ann")
    print("the API says:", ask(outputs, token))
    users = boto3.client("cognito-idp").list_users(UserPoolId=outputs["Pool"])["Users"]
    print("users of the pool:", [(one["Username"], one["UserStatus"]) for one in users])


if __name__ == "__main__":
    if "AWS_ENDPOINT_URL" not in os.environ:
        raise SystemExit("run it as: kumoi run python examples/members/members.py")
    main()
