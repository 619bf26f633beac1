"""Calls to other people's URLs: no way leads to our own network, and no one can hold us up or fill us up.

Nothing but loopback is ever contacted: where a name has a public address, the network that dials is a fake.
"""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpcore
import pytest

from tierline.kit.egress import MOST_OF_BODY, Answer, Egress, ForbiddenTarget, Unreachable

PUBLIC, PUBLIC6 = "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"
TLS = ssl.create_default_context()


def ok(body: bytes = b"", status: str = "200 OK", more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{more}\r\n".encode() + body


Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answers(*answers: bytes, heard: list[bytes] | None = None) -> Script:
    """A server that reads requests of a body `{}` and gives each the next answer."""
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while left:
            request = await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(2)
            if heard is not None:
                heard.append(request)
            writer.write(left.pop(0))
            await writer.drain()

    return serve


@asynccontextmanager
async def server(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[int, list[str]]]:
    """A server on loopback: its port, and a note of each connection."""
    came: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append("connection")
        try:
            await script(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield listening.sockets[0].getsockname()[1], came
    finally:
        listening.close()
        await asyncio.sleep(0.01)


class Dialled(httpcore.AsyncNetworkBackend):
    """Notes what is dialled. Nothing is, unless a port of loopback stands in for the whole world."""

    def __init__(self, instead: int | None = None, dead: Sequence[str] = ()) -> None:
        self.calls: list[tuple[str, int]] = []
        self._instead, self._dead = instead, dead

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *rest: Any, **named: Any
    ) -> httpcore.AsyncNetworkStream:
        self.calls.append((host, port))
        if self._instead is None or host in self._dead:
            raise httpcore.ConnectError("nobody is there")
        return await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", self._instead, timeout)


class Names:
    """A resolver that gives the next answer each time, and the last one for ever."""

    def __init__(self, *answers: Iterable[str]) -> None:
        self.answers, self.asked = [list(answer) for answer in answers], 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


@asynccontextmanager
async def egress(**options: Any) -> AsyncIterator[Egress]:
    made = Egress(**{"tls": TLS, **options})
    try:
        yield made
    finally:
        await made.close()


async def post(url: str, **options: Any) -> Answer:
    async with egress(**options) as out:
        return await out.post(url, b"{}", {"content-type": "application/json", "Host": "evil", "webhook-id": "m1"})


async def local(script: Script, **options: Any) -> Answer:
    async with server(script) as (port, _):
        return await post(f"http://127.0.0.1:{port}/hook?a=b", allow_private=True, **options)


async def test_a_name_that_turns_to_loopback_is_not_followed_there() -> None:
    names, dialled = Names([PUBLIC], ["127.0.0.1"]), Dialled()
    async with egress(resolve=names, network=dialled) as out:
        with pytest.raises(Unreachable):
            await out.post("https://a.example:8443/", b"{}", {})
        assert (names.asked, dialled.calls) == (1, [(PUBLIC, 8443)])
        with pytest.raises(ForbiddenTarget) as caught:
            await out.post("https://a.example:8443/", b"{}", {})
    assert "127" not in str(caught.value)
    assert dialled.calls == [(PUBLIC, 8443)]


async def test_the_next_address_is_tried_when_one_is_dead() -> None:
    async with server(answers(ok(status="204 No Content"))) as (port, _):
        dialled = Dialled(port, dead=[PUBLIC6])
        names = Names([PUBLIC6, PUBLIC6, PUBLIC])
        answer = await post("http://a.example:8080/", resolve=names, network=dialled, allow_private=True)
    assert answer.status == 204
    assert dialled.calls == [(PUBLIC6, 8080), (PUBLIC, 8080)]


async def test_a_kept_connection_serves_again_without_asking_the_name_again() -> None:
    heard: list[bytes] = []
    async with server(answers(ok(b"a"), ok(b"b"), heard=heard)) as (port, came):
        names = Names([PUBLIC], ["127.0.0.1"])
        async with egress(resolve=names, network=Dialled(port), allow_private=True) as out:
            for _ in range(2):
                assert (await out.post("http://a.example/", b"{}", {})).status == 200
        assert (names.asked, len(came), len(heard)) == (1, 1, 2)


async def test_what_is_sent() -> None:
    heard: list[bytes] = []
    answer = await local(answers(ok(b"x", more="Retry-After: 120\r\n"), heard=heard))
    assert (answer.status, answer.retry_after, answer.note) == (200, "120", "")
    assert 0 < answer.elapsed < 15
    (request,) = heard
    head, body = request.split(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert lines[0] == b"post /hook?a=b http/1.1"
    assert [line for line in lines if line.startswith(b"host: 127.0.0.1:")]
    assert b"evil" not in head
    assert {b"content-length: 2", b"content-type: application/json", b"webhook-id: m1"} <= set(lines)
    assert body == b"{}"


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    async with server(answers(ok())) as (port, came):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        assert (await local(answers(ok()))).status == 200
        assert came == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_is_not_followed(status: int) -> None:
    async with server(answers(ok())) as (port, came):
        more = f"location: http://127.0.0.1:{port}/\r\n"
        answer = await local(answers(ok(status=f"{status} Moved", more=more), ok(), ok()))
        assert (answer.status, came) == (status, [])
        assert "redirect" in answer.note


async def test_a_huge_body_is_left_unread() -> None:
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
        while sent < 1_000_000_000:
            writer.write(b"x" * 65536)
            await writer.drain()
            sent += 65536

    answer = await local(flood)
    assert answer.status == 200
    assert str(MOST_OF_BODY) in answer.note
    assert sent < 50_000_000


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n"])
async def test_a_server_that_drips_is_left_in_time(first: bytes) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        for letter in b"x: " + b"y" * 100:
            writer.write(bytes([letter]))
            await asyncio.sleep(0.05)

    began = asyncio.get_running_loop().time()
    with pytest.raises(Unreachable, match=r"0\.3 seconds|RemoteProtocolError"):
        await local(drip, timeout=0.3)
    assert asyncio.get_running_loop().time() - began < 1.5


async def test_a_resolver_that_never_answers_is_left_in_time() -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    with pytest.raises(Unreachable):
        await post("https://a.example/", resolve=never, timeout=0.1)


@pytest.mark.parametrize(
    "nonsense",
    [
        b"",
        b"\x00\xff" * 99,
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 300_000,
        b"HTTP/1.1 9 \r\n\r\n",
        ok(b"ab")[:-1],
    ],
)
async def test_nonsense_is_no_answer(nonsense: bytes) -> None:
    with pytest.raises(Unreachable):
        await local(answers(nonsense))


@pytest.mark.parametrize("error", [OSError("no such name"), UnicodeError("label too long")])
async def test_a_name_without_an_address_is_unreachable(error: Exception) -> None:
    async def fails(host: str, port: int) -> Sequence[str]:
        raise error

    with pytest.raises(Unreachable, match="cannot be resolved"):
        await post("https://a.example/", resolve=fails)
    with pytest.raises(Unreachable, match="no address"):
        await post("https://a.example/", resolve=Names([]))


async def test_a_closed_port_is_unreachable_and_the_systems_resolver_works() -> None:
    async with server(answers(ok())) as (port, _):
        assert (await post(f"http://localhost:{port}/", allow_private=True)).status == 200
    with pytest.raises(Unreachable):
        await post(f"http://127.0.0.1:{port}/", allow_private=True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for `a.example`, signed by itself."""
    place = tmp_path_factory.mktemp("tls")
    key, made = place / "key.pem", place / "certificate.pem"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=a.example",
            ),
            *("-addext", "subjectAltName=DNS:a.example", "-keyout", key, "-out", made),
        ],
        check=True,
        capture_output=True,
    )
    return key, made


async def test_tls_names_the_host_and_checks_its_certificate(certificate: tuple[Path, Path]) -> None:
    key, made = certificate
    theirs, ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cafile=str(made))
    theirs.load_cert_chain(made, key)
    named: list[str | None] = []
    theirs.sni_callback = lambda _socket, name, _context: named.append(name)
    heard: list[bytes] = []
    async with server(answers(*[ok()] * 9, heard=heard), theirs) as (port, _):
        dialled = Dialled(port)
        options: dict[str, Any] = {"resolve": Names([PUBLIC]), "network": dialled}
        assert (await post("https://a.example/", tls=ours, **options)).status == 200
        assert (named, dialled.calls) == (["a.example"], [(PUBLIC, 443)])
        assert b"host: a.example\r\n" in heard[0].lower()
        with pytest.raises(Unreachable, match=r"not valid for 'b\.example'"):
            await post("https://b.example/", tls=ours, **options)
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
            await post("https://a.example/", tls=None, **options)
        assert len(heard) == 1
