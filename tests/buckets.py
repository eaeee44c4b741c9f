"""Write into the bucket that the environment names."""

from __future__ import annotations

import os
from urllib.parse import quote
from urllib.request import Request, urlopen


def put(address: str, name: str, content: bytes = b"x", **headers: str) -> None:
    """Write an object, whose name may be one that pyarrow does not write."""
    place = quote(f"{address.removeprefix('s3://')}/{name}")
    headers = {"Content-Type": "application/octet-stream", **headers}
    request = Request(f"{os.environ['AWS_ENDPOINT_URL']}/{place}", content, headers, method="PUT")
    urlopen(request).close()
