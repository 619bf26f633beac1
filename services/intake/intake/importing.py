"""Importing many submissions: each line is a submission of its own; a bad one is named and harms no other."""

import json
from collections.abc import AsyncIterator

from pydantic import ValidationError

from intake.forms import Submission
from intake.submitting import submit
from tierline.kit.auth import Principal
from tierline.kit.errors import Refused, Unavailable
from tierline.kit.lines import split
from tierline.kit.runtime import Runtime
from tierline.kit.trace_context import traceparent

LONGEST = 65_536


async def results(running: Runtime, who: Principal, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """One JSON line for each line that came: the receipt, or what is wrong with it."""
    number = 0
    async for line in split(chunks, LONGEST):
        number += 1
        if line.strip():
            result = await _one(running, who, line)
            yield json.dumps({"line": number, **result}).encode() + b"\n"


async def _one(running: Runtime, who: Principal, line: bytes) -> dict[str, object]:
    if len(line) > LONGEST:
        return {"error": f"a line may hold at most {LONGEST} bytes"}
    try:
        form = Submission.model_validate_json(line)
        # The reference of the sender's own system makes a repeated import harmless.
        key = f"import:{form.external_ref}" if form.external_ref else None
        # A trace of its own: thousands of lives in the one of the import would tell nothing.
        receipt, repeated = await submit(running, who, form, key, traceparent(None))
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)[:5]
        places = ["/".join(str(part) for part in item["loc"]) + ": " + item["msg"] for item in found]
        return {"error": "; ".join(places)}
    except Refused as error:
        return {"error": error.detail}
    except Unavailable:
        return {"error": "a part of the system is away; send this line again"}
    return {"id": receipt.id, "status_token": receipt.status_token, "repeated": repeated}
