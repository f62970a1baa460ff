import json
import os


def handler(event, context):
    name = (event.get("queryStringParameters") or event).get("name", "nobody")
    return {"statusCode": 200, "body": json.dumps(f"{os.environ['GREETING']}, {name}")}
