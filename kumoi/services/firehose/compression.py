"""How objects are compressed, and what that adds to their names; pure.

Source: "Configure Amazon S3 object name format" of the developer guide. Snappy is left out: nothing here speaks it.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Mapping

EXTENSIONS: Mapping[str, str] = {"UNCOMPRESSED": "", "GZIP": ".gz", "ZIP": ".zip"}
_LEVEL = 6


def compressed(content: bytes, form: str, name: str) -> bytes:
    """Content in one of the formats of `EXTENSIONS`; `name` is what a ZIP archive calls it. Blocks."""
    if form == "GZIP":
        return gzip.compress(content, _LEVEL, mtime=0)
    if form == "ZIP":
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
        return made.getvalue()
    return content
