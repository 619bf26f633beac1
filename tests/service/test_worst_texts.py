"""Text at its worst in every field that takes text: it comes back as it was sent, or is refused by name; never a 5xx."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx

from house import House

WORST = {
    "a lone surrogate": "x\ud800x",
    "surrogates the wrong way round": "x\udc00\ud800x",
    "a NUL": "x\x00x",
    "control characters": "x\x01\x08\x0b\x0c\x1b[31m\x7fx",
    "C1 controls": "x\x80\x85\x9fx",
    "line ends": "x\r\ny\rz\u2028a\u2029b",
    "right to left": "\u202egpj.exe\u202c \u2067abc\u2069",
    "combining": "Z" + "\u0300\u0323\u0334" * 40,
    "zero width": "x\u200b\u200c\u200d\u2060\ufeffx",
    "four bytes": "\U0001f9e8\U00020000\U0010fffd" * 20,
    "no characters": "x\ufffe\uffff\ufdd0\U0001fffex",
    "private": "x\ue000\U000f0000x",
    "composed": "caf\u00e9 \u212b \ufb01 \u1e9e",
    "decomposed": "cafe\u0301 A\u030a fi ss",
    "other digits": "\u0661\u0662\u0663 \uff11\uff12 \U0001d7d9",
    "a joined family": "\U0001f468\u200d\U0001f469\u200d\U0001f467\U0001f3fd",
    "tags": "x\U000e0041\U000e0042\U000e007fx",
    "a query": "x') OR 1=1; DROP TABLE tickets; -- $1 %s {} ${7*7} {{7*7}}",
    "a page": "<script>alert(1)</script><!-- x --> &amp; \"'`",
    "a search": 'title:x AND (NOT "y" OR [a TO z]^2 ~1 * ? \\ / +-:',
    "a path": "../../etc/passwd%00%2e%2e",
    "spaces of all kinds": "x\u00a0\u1680\u2003\u3000x",
    "long": "\u0149" * 299,
}
FIELDS: dict[str, Callable[[dict[str, Any], str], None]] = {
    "subject": lambda body, text: body.update(subject=text),
    "description": lambda body, text: body.update(description=text),
    "external_ref": lambda body, text: body.update(external_ref=text),
    "callback_url": lambda body, text: body.update(callback_url=f"http://127.0.0.1:9/{text}"),
    "name": lambda body, text: body["reporter"].update(name=text),
    "organization": lambda body, text: body["reporter"].update(organization=text),
    "email": lambda body, text: body["reporter"].update(email=f"{text}@school.example.org"),
    "role": lambda body, text: body["reporter"].update(role=text),
    "component": lambda body, text: body.update(component=text),
    "a field of no name": lambda body, text: body.update({text: text}),
}


def _raw(content: Any) -> bytes:
    """JSON in which whatever is not ASCII is escaped, lone surrogates too."""
    return json.dumps(content).encode()


async def _send(house: House, method: str, path: str, who: str, content: Any, **headers: str) -> httpx.Response:
    head = {**house.key(who), "Content-Type": "application/json", **headers}
    answer = await house.client.request(method, path, content=_raw(content), headers=head)
    assert answer.status_code < 500, f"{method} {path}: {answer.text[:300]}"
    assert answer.is_success or answer.headers["content-type"] == "application/problem+json", answer.text[:300]
    return answer


async def test_a_submission_comes_back_as_it_was_sent_or_is_refused(house: House) -> None:
    taken: list[tuple[str, dict[str, Any]]] = []
    for text in WORST.values():
        for field, change in FIELDS.items():
            body = house.body()
            change(body, text)
            answer = await _send(house, "POST", "/intake/v1/tickets", "client", body)
            assert answer.status_code in {201, 400, 422}, answer.text
            if answer.status_code == 201 and field in {"subject", "description", "name"}:
                taken.append((answer.json()["id"], body))
    assert len(taken) > len(WORST)
    for ticket, body in taken:
        case = (await house.case("tier1", ticket)).json()
        assert (case["subject"], case["description"]) == (body["subject"].strip(), body["description"].strip())
        assert case["reporter"]["name"] == body["reporter"]["name"].strip()


async def test_what_people_say_comes_back_as_they_said_it(house: House) -> None:
    ticket = await house.submit()
    said = []
    for text in WORST.values():
        reply = await _send(house, "POST", f"/intake/v1/tickets/{ticket}/replies", "client", {"text": text})
        said += [text.strip()] if reply.is_success else []
        version = (await house.case("tier1", ticket)).headers["etag"]
        path = f"/tier1/v1/cases/{ticket}/note"
        await _send(house, "POST", path, "tier1", {"text": text, "reason": text}, **{"If-Match": version})
    shown = (await house.ticket(ticket))["conversation"]
    assert [message["text"] for message in shown if message["author"] == "reporter"] == said
    assert len(said) > len(WORST) // 2
    assert all(fact["hash"] for fact in await house.timeline(ticket))


async def test_ids_searches_and_filters_take_any_text(house: House) -> None:
    for text in WORST.values():
        word = quote(text, errors="surrogatepass")
        for path, who in (
            (f"/tier1/v1/manuals/search?q={word}", "tier1"),
            (f"/tier2/v1/methods/search?q={word}", "tier2"),
            (f"/intake/v1/tickets?reporter={word}&cursor={word}", "client"),
            (f"/intake/v1/tickets?reporter={word}", "client"),
            (f"/intake/v1/tickets/{word}", "client"),
            (f"/intake/v1/tickets/{word}?status_token={word}", "client"),
            (f"/tier1/v1/cases?assignee={word}", "tier1"),
            (f"/tier1/v1/manuals/{word}", "tier1"),
            (f"/notifier/v1/deliveries?ticket_id={word}&status={word}", "operator"),
            (f"/tier3/v1/calls?vendor={word}", "tier3"),
            (f"/{word}", "client"),
        ):
            answer = await house.client.get(path, headers=house.key(who))
            assert answer.status_code < 500, f"{path}: {answer.text[:300]}"


async def test_what_is_written_into_libraries_comes_back_or_is_refused(house: House) -> None:
    for text in WORST.values():
        for service, kind, form in (
            ("tier1", "manuals", {"title": text, "body": text, "tags": [text], "source": text}),
            ("tier2", "methods", {"title": text, "steps": [text], "when_to_use": text, "notes": text}),
        ):
            path = f"/{service}/v1/{kind}/worst-text"
            put = await _send(house, "PUT", path, "operator", form)
            assert put.status_code in {200, 201, 400, 412, 422, 428}, put.text
            if put.is_success:
                read = (await house.client.get(path, headers=house.key("operator"))).json()
                assert read["title"] == text.strip()
                assert json.loads(_raw(read)) == read
                gone = {**house.key("operator"), "If-Match": put.headers["etag"]}
                assert (await house.client.delete(path, headers=gone)).status_code == 204
        line = _raw({"id": "worst-text", "title": text, "markdown": f"---\nid: worst-text\ntitle: {text}\n---\n{text}"})
        for path in ("/tier1/v1/manuals:import", "/tier2/v1/methods:import"):
            head = {**house.key("operator"), "Content-Type": "application/x-ndjson"}
            answer = await house.client.post(path, content=line, headers=head)
            assert answer.status_code == 200, answer.text
            assert json.loads(answer.text)["line"] == 1
    for kind in ("manuals", "methods"):
        service = "tier1" if kind == "manuals" else "tier2"
        read = await house.client.get(f"/{service}/v1/{kind}/worst-text", headers=house.key("operator"))
        if read.is_success:
            gone = {**house.key("operator"), "If-Match": read.headers["etag"]}
            assert (await house.client.delete(f"/{service}/v1/{kind}/worst-text", headers=gone)).status_code == 204


async def test_headers_that_are_no_text_are_refused(house: House) -> None:
    odd = (b"\xff\xfe", "\u202e".encode(), b"x" * 20_000, b"", b'"', b"W/\xe9", b'"' + b"9" * 400 + b'"')
    ticket = await house.submit()
    version = f"/tier1/v1/cases/{ticket}/claim"
    await house.case("tier1", ticket)
    for value in odd:
        for method, path, name in (
            ("POST", "/intake/v1/tickets", b"idempotency-key"),
            ("POST", version, b"if-match"),
            ("GET", f"/intake/v1/tickets/{ticket}", b"if-none-match"),
            ("GET", "/intake/v1/tickets", b"authorization"),
            ("GET", "/intake/v1/tickets", b"traceparent"),
        ):
            who = house.key("tier1" if path == version else "client")
            known = [(key.encode(), text.encode()) for key, text in who.items() if key.lower().encode() != name]
            content = _raw(house.body() if path.endswith("tickets") else {})
            head = [*known, (name, value), (b"content-type", b"application/json")]
            answer = await house.client.request(method, path, content=content, headers=head)
            assert answer.status_code < 500, f"{method} {path} {name!r}: {value!r}"
