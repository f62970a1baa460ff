"""A Lambda function that makes a thumbnail: a picture in, a smaller one out, both base64 in JSON."""

import base64
import io
import logging

from PIL import Image

logger = logging.getLogger()
logger.setLevel(logging.INFO)


def handler(event, context):
    """`{"image": base64, "width": 320}` → `{"image": base64 JPEG, "width", "height", "bytes"}`."""
    picture = Image.open(io.BytesIO(base64.b64decode(event["image"])))
    width = int(event.get("width", 320))
    before = picture.size
    picture.thumbnail((width, width))
    out = io.BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=85)
    logger.info("resized %sx%s to %sx%s", *before, *picture.size)
    return {
        "image": base64.b64encode(out.getvalue()).decode(),
        "width": picture.width,
        "height": picture.height,
        "bytes": out.tell(),
    }
