"""A shop in two versions: the same code, of another colour."""

import json
import os


def handler(event, context):
    """Answer a request of a load balancer: its health check, or a customer's."""
    colour = os.environ["COLOUR"]
    if event["path"] == "/health":
        return {"statusCode": 200, "body": "well"}
    body = json.dumps({"colour": colour, "path": event["path"]})
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": body}
