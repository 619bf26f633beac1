"""What an endpoint asks for: the running service behind a request, and who calls."""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from tierline.kit.auth import Principal
from tierline.kit.runtime import Runtime


async def runtime(request: Request) -> Runtime:
    """The running service behind a request. Async, so that no thread has to be woken for it."""
    found: Runtime = request.app.state.runtime
    return found


class ApiKey(SecurityBase):
    """Who calls, by the key that a request bears: what the documents name and what every request asks, in one step."""

    def __init__(self) -> None:
        self.model, self.scheme_name = HTTPBearer(description="An API key"), "HTTPBearer"

    async def __call__(self, request: Request) -> Principal:
        """Raises `Unauthenticated`."""
        running: Runtime = request.app.state.runtime
        running.keys.load()
        return running.keys.principal(request.headers.get("authorization"))


caller = ApiKey()
Running = Annotated[Runtime, Depends(runtime)]
Caller = Annotated[Principal, Security(caller)]
