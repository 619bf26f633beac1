"""What an endpoint asks for: the running service behind a request, and who calls."""

from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from tierline.kit.auth import Principal
from tierline.kit.runtime import Runtime


async def runtime(request: Request) -> Runtime:
    """The running service behind a request. Async, like `caller`, so that no thread has to be woken for it."""
    found: Runtime = request.app.state.runtime
    return found


BEARER = HTTPBearer(auto_error=False, description="An API key")


async def caller(request: Request, _: Annotated[Any, Security(BEARER)] = None) -> Principal:
    """Who calls. Raises `Unauthenticated`."""
    running: Runtime = request.app.state.runtime
    running.keys.load()
    return running.keys.principal(request.headers.get("authorization"))


Running = Annotated[Runtime, Depends(runtime)]
Caller = Annotated[Principal, Depends(caller)]
