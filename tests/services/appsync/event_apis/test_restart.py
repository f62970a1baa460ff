"""What an Event API is, and where domain names lead, survives kill -9; clients connect again."""

from __future__ import annotations

import base64
import json
import urllib.request
from typing import Any

from websockets.sync.client import connect
from websockets.typing import Subprotocol

KEY = [{"authType": "API_KEY"}]


def test_apis_outlive_a_crash(killable: Any) -> None:
    killable.start()
    client = killable.client("appsync")
    modes = ("authProviders", "connectionAuthModes", "defaultPublishAuthModes", "defaultSubscribeAuthModes")
    api = client.create_api(name="live", eventConfig=dict.fromkeys(modes, KEY))["api"]["apiId"]
    client.create_channel_namespace(
        apiId=api, name="chat", codeHandlers="export const onPublish = (ctx) => ctx.events;"
    )
    key = client.create_api_key(apiId=api)["apiKey"]["id"]
    arn = "arn:aws:acm:us-east-1:000000000000:certificate/00000000-0000-0000-0000-000000000000"
    client.create_domain_name(domainName="live.example.com", certificateArn=arn)
    client.associate_api(domainName="live.example.com", apiId=api)
    killable.kill()
    killable.start()
    header = base64.urlsafe_b64encode(json.dumps({"x-api-key": key}).encode()).decode().rstrip("=")
    offered = [Subprotocol("aws-appsync-event-ws"), Subprotocol(f"header-{header}")]
    address = f"{killable.url.replace('http://', 'ws://')}/event/{api}/realtime"
    with connect(address, subprotocols=offered, open_timeout=60) as peer:
        message = {"type": "subscribe", "id": "1", "channel": "/chat/a", "authorization": {"x-api-key": key}}
        peer.send(json.dumps(message))
        assert json.loads(peer.recv(timeout=60)) == {"type": "ka"}
        assert json.loads(peer.recv(timeout=60)) == {"id": "1", "type": "subscribe_success"}
        body = json.dumps({"channel": "/chat/a", "events": ['"again"']}).encode()
        headers = {"host": "live.example.com", "x-api-key": key, "content-type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(f"{killable.url}/event", data=body, headers=headers)) as got:
            assert json.load(got)["failed"] == []
        assert json.loads(peer.recv(timeout=60)) == {"id": "1", "type": "data", "event": '"again"'}
