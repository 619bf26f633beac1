"""Lines of JSON, in and out as streams: an import of any size in flat memory, answered line by line as it is read."""

from collections.abc import AsyncIterator

from fastapi.responses import PlainTextResponse, StreamingResponse
from starlette.types import Receive, Scope, Send


class Lines(StreamingResponse):
    """Answers while the request is still being read: nobody else may listen to it meanwhile."""

    media_type = "application/x-ndjson"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send line by line."""
        await self.stream_response(send)


class WholeLines(PlainTextResponse):
    """Lines that are there already."""

    media_type = "application/x-ndjson"


async def split(chunks: AsyncIterator[bytes], longest: int) -> AsyncIterator[bytes]:
    """The lines of a stream. One that is longer than `longest` is cut behind one byte more, so that it can be told."""
    rest = b""
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line[: longest + 1]
        rest = rest[: longest + 1]  # the rest of a line that is too long is not kept
    if rest:
        yield rest
