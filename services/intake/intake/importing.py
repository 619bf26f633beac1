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

LONGEST = 65_536


async def results(
    running: Runtime, who: Principal, chunks: AsyncIterator[bytes], traceparent: str | None
) -> AsyncIterator[bytes]:
    """One JSON line for each line that came: the receipt, or what is wrong with it."""
    number = 0
    async for line in split(chunks, LONGEST):
        number += 1
        if line.strip():
            result = await _one(running, who, line, traceparent)
            yield json.dumps({"line": number, **result}).encode() + b"\n"


async def _one(running: Runtime, who: Principal, line: bytes, traceparent: str | None) -> dict[str, object]:
    if len(line) > LONGEST:
        return {"error": f"a line may hold at most {LONGEST} bytes"}
    try:
        form = Submission.model_validate_json(line)
        # The reference of the sender's own system makes a repeated import harmless.
        key = f"import:{form.external_ref}" if form.external_ref else None
        receipt, repeated = await submit(running, who, form, key, traceparent)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)[:5]
        places = ["/".join(str(part) for part in item["loc"]) + ": " + item["msg"] for item in found]
        return {"error": "; ".join(places)}
    except Refused as error:
        return {"error": error.detail}
    except Unavailable:
        return {"error": "a part of the system is away; send this line again"}
    return {"id": receipt.id, "status_token": receipt.status_token, "repeated": repeated}
