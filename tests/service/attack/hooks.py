"""What an attack must know that no description says: which tickets exist, what no one can guess, what stays at home."""

import os
from itertools import cycle
from typing import Any
from uuid import uuid4

import httpx
import schemathesis
from schemathesis import GenerationMode

URL, TICKETS = os.environ["ATTACK_URL"], cycle(os.environ["ATTACK_TICKETS"].split())
READER = httpx.Client(headers={"Authorization": f"Bearer {os.environ['ATTACK_KEY']}"}, trust_env=False)
NOWHERE = "http://127.0.0.1:9/"
WHERE_ELSE = {"callback_url", "url"}


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Aim at what is there: past the first refusals, into the decisions."""
    _keep_at_home(case.body)
    if case.meta is not None and case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    _leave_out_what_no_one_can_guess(case)
    if "ticket_id" in (case.path_parameters or {}) and case.method == "POST":
        ticket = next(TICKETS)
        case.path_parameters["ticket_id"] = ticket
        if "/cases/" in case.path:
            read = READER.get(f"{URL}/v1/cases/{ticket}")
            case.headers["If-Match"] = read.headers.get("etag", '"1"')


def _leave_out_what_no_one_can_guess(case: Any) -> None:
    """A cursor or a token that was never handed out, a member or a reason that no policy has, are rightly refused;
    and so is a key for submitting that another submission has used up."""
    if "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = uuid4().hex
    for name in ("cursor", "status_token"):
        (case.query or {}).pop(name, None)
    if isinstance(case.body, dict):
        if isinstance(case.body.get("reporter"), dict):
            case.body["reporter"]["email"] = "someone@school.example.org"  # a domain must be one that can have mail
        for name in ("member", "secret"):
            case.body.pop(name, None)
        if case.path.endswith("/decline"):
            case.body.pop("reason", None)
        if case.path.endswith("/resolve"):
            case.body.pop("method", None)


def _keep_at_home(body: Any) -> None:
    """No made-up address of somebody else is ever called."""
    for name in WHERE_ELSE.intersection(body) if isinstance(body, dict) else ():
        if "//" in str(body[name]):
            body[name] = NOWHERE
