"""From pieces to a response: whole with an ETag where they are few, streamed where they are many, gzip on wish."""

from collections.abc import Iterable, Iterator
from itertools import chain

import xxhash
from isal import isal_zlib
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

__all__ = ["answer", "next_page"]

_WHOLE_BYTES = 4 << 20  # an answer up to this length is made before it is sent: it can be compared with an ETag
_GZIP_BYTES = 1024
_GZIP_LEVEL = 1  # of isal: three times as fast as zlib's 1, for the same size


def next_page(request: Request, cursor: str | None) -> dict[str, str]:
    """The header that names the page after this one, as seen from this one: proxies may know it by another address."""
    if cursor is None or request.method != "GET":
        return {}
    return {"Link": f'<?{request.url.include_query_params(cursor=cursor).query}>; rel="next"'}


def answer(
    request: Request,
    pieces: Iterable[bytes],
    media_type: str,
    *,
    max_age: int = 15,
    headers: dict[str, str] | None = None,
) -> Response:
    """The response to ``request``.

    What goes wrong before ``_WHOLE_BYTES`` of it were made is an error with a status; later it cuts the connection, so
    that nobody takes half an answer for a whole one.

    Args:
        request: what was asked.
        pieces: of the body, made one after the other while they are sent.
        media_type: of the body.
        max_age: seconds for which the answer may be shown again without asking.
        headers: more of them.
    """
    told = {"Cache-Control": f"private, max-age={max_age}", "Vary": "Accept, Accept-Encoding", **(headers or {})}
    packed = "gzip" in request.headers.get("accept-encoding", "").lower()
    begun, size = [], 0
    left = iter(pieces)
    for piece in left:
        begun.append(piece)
        size += len(piece)
        if size > _WHOLE_BYTES:
            return _streamed(chain(begun, left), media_type, told, packed=packed)
    return _whole(request, b"".join(begun), media_type, told, packed=packed)


def _whole(request: Request, body: bytes, media_type: str, headers: dict[str, str], *, packed: bool) -> Response:
    etag = f'W/"{xxhash.xxh3_128_hexdigest(body)}"'
    headers["ETag"] = etag
    known = [one.strip() for one in request.headers.get("if-none-match", "").split(",")]
    if etag in known or "*" in known:
        return Response(None, 304, headers)
    if packed and len(body) >= _GZIP_BYTES and not media_type.startswith("image/png"):
        headers["Content-Encoding"] = "gzip"
        body = b"".join(_gzipped((body,)))
    return Response(body, 200, headers, media_type=media_type)


def _streamed(pieces: Iterator[bytes], media_type: str, headers: dict[str, str], *, packed: bool) -> Response:
    if packed:
        headers["Content-Encoding"] = "gzip"
        pieces = _gzipped(pieces)
    return StreamingResponse(pieces, 200, headers, media_type=media_type)  # pieces are made in a thread


def _gzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    packer = isal_zlib.compressobj(_GZIP_LEVEL, isal_zlib.DEFLATED, 31)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()
