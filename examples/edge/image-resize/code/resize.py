"""At origin-response: a picture as wide as `?width=` says, made once and kept by the cache.

The body of an answer from the origin is not part of the event, so the picture is read from the bucket. What a
function answers may have 1 MB; a larger picture is passed on as it is.
"""

import base64
import io
from urllib.parse import parse_qs, unquote

import boto3
from PIL import Image

LARGEST = 1_000_000
s3 = boto3.client("s3")


def handler(event, _context):
    """The response, with a smaller picture where one is wanted."""
    cf = event["Records"][0]["cf"]
    request, response = cf["request"], cf["response"]
    wanted = parse_qs(request["querystring"]).get("width", [""])[0]
    if response["status"] != "200" or not wanted.isdigit() or not 16 <= int(wanted) <= 2000:
        return response
    bucket = request["origin"]["s3"]["domainName"].split(".s3.")[0]
    content = s3.get_object(Bucket=bucket, Key=unquote(request["uri"]).lstrip("/"))["Body"].read()
    smaller = resized(content, int(wanted))
    if len(smaller) <= LARGEST:
        response["body"] = base64.b64encode(smaller).decode()
        response["bodyEncoding"] = "base64"
        response["headers"]["content-type"] = [{"key": "Content-Type", "value": "image/jpeg"}]
    return response


def resized(content, width):
    """A picture as JPEG, `width` pixels wide."""
    with Image.open(io.BytesIO(content)) as picture:
        size = (width, max(1, round(picture.height * width / picture.width)))
        out = io.BytesIO()
        picture.convert("RGB").resize(size).save(out, "JPEG", quality=85)
        return out.getvalue()
