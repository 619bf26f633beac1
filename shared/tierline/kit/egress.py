"""Safe calls to URLs that other people chose: a POST that cannot be turned against our own network.

A URL is read once, by one parser, and judged before anything is done. A name is resolved once per connection,
every address that comes back is judged, and the connection goes to exactly such an address: a name that
answers differently the second time gains nothing. TLS still checks the certificate against the name. A
connection that is kept open for the next call was judged when it was opened. Redirects, proxies of the
environment, cookies and compressed bodies play no part. `allow_private` is for demonstrations.

It needs the network's own rules beside it: from outside, a NAT64 prefix of an operator's own looks public.
"""

import asyncio
import re
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

import httpcore
import httpx

from tierline.kit.errors import Refused, Unavailable
from tierline.kit.trace_context import CURRENT

TIMEOUT = 15.0
MOST_OF_BODY = 64 * 1024
PORTS = frozenset({443, 8443})
LONGEST_URL = 2048

# Ours alone: loopback, private networks, carrier-grade NAT.
OWN = tuple(
    ip_network(block)
    for block in (
        *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"),
        *("::1/128", "fc00::/7"),
    )
)
# Nobody's: this network, link-local and metadata services, protocol assignments, documentation, 6to4 relays,
# benchmarks, multicast, reserved, broadcast; of IPv6 also Teredo, ORCHID, 6to4 and documentation.
NEVER = tuple(
    ip_network(block)
    for block in (
        *(
            "0.0.0.0/8",
            "169.254.0.0/16",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
        ),
        *("192.88.99.0/24", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
        *("224.0.0.0/4", "240.0.0.0/4", "100.100.100.200/32", "168.63.129.16/32"),
        *("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
        *("fd00:ec2::254/128", "fd20:ce::254/128"),
    )
)
# All that is public in IPv6. Outside lie mapped and compatible IPv4, NAT64, link- and site-local, multicast.
GLOBAL_UNICAST = IPv6Network("2000::/3")
OWN_NAMES = re.compile(r"[^.]+|(.+\.)?(localhost|local|localdomain|internal|intranet|lan|home|corp|private|home\.arpa)")
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
USER = re.compile(r"[^/?#]*//[^/?#]*@")
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
SET_BY_US = frozenset({"host", "content-length", "transfer-encoding", "connection"})

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Finds the addresses of a name for a port. Raises OSError when there is none."""


class ForbiddenTarget(Refused):
    """The URL leads, or could lead, to where we never call. The message tells no address that was found."""

    status, slug, title = 422, "forbidden-target", "This URL cannot be called"


class Unreachable(Unavailable):
    """No complete answer came. Whether the other side acted on the request is unknown."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said. `note` is for people; nothing of the body is kept."""

    status: int
    retry_after: str | None
    elapsed: float
    note: str


class Egress:
    """One pool of safe connections. Tests replace `network` and `resolve`; `tls` may trust another root."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        timeout: float = TIMEOUT,
        resolve: Resolve | None = None,
        network: httpcore.AsyncNetworkBackend | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allow_private = allow_private
        self._timeout = timeout
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls or httpx.create_ssl_context(trust_env=False),
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=10.0,
            network_backend=_Guard(allow_private, resolve or by_system, network or httpcore.AnyIOBackend()),
        )

    def check(self, url: str) -> None:
        """Judge a URL as far as its text tells, without asking the network: for the moment it is typed in.

        Raises:
            ForbiddenTarget: with the reason.
        """
        judged(url, self._allow_private)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send the body, and read the answer for as long as it stays small and quick.

        Raises:
            ForbiddenTarget: the URL, or an address of its name, is not one to call. Nothing was sent.
            Unreachable: no connection, no trust in its certificate, or no answer in time.
        """
        target = judged(url, self._allow_private)
        place = httpcore.URL(scheme=target.raw_scheme, host=target.raw_host, port=target.port, target=target.raw_path)
        sent = [(b"host", target.netloc), (b"content-length", str(len(body)).encode())]
        for name, value in headers.items():
            if name.lower() not in SET_BY_US:
                sent.append((name.encode(), value.encode()))
        if (context := CURRENT.get()) is not None:
            sent.append((b"traceparent", context.encode()))
        began = time.monotonic()
        try:
            async with (
                asyncio.timeout(self._timeout),
                self._pool.stream("POST", place, headers=sent, content=body) as response,
            ):
                note = await _read(response)
                told = {name.lower(): value.decode("latin-1") for name, value in response.headers}
                return Answer(response.status, told.get(b"retry-after"), time.monotonic() - began, note)
        except TimeoutError as error:
            raise Unreachable(f"no answer within {self._timeout:g} seconds") from error
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise Unreachable(f"{type(error).__name__}: {error}"[:200]) from error

    async def close(self) -> None:
        """Let go of every connection."""
        await self._pool.aclose()


async def _read(response: httpcore.Response) -> str:
    """Read what there is of the body, so that the connection can serve again; give up on a long one."""
    size = 0
    async with aclosing(response.aiter_stream()) as parts:  # type: ignore[type-var]
        async for part in parts:
            size += len(part)
            if size > MOST_OF_BODY:
                return f"the rest of the answer, beyond {MOST_OF_BODY} bytes, was not read"
    return "a redirect, which is not followed" if 300 <= response.status < 400 else ""


def judged(url: str, allow_private: bool = False) -> httpx.URL:
    """The URL in parts, if it is one to call as far as its text tells.

    Raises:
        ForbiddenTarget: with the reason.
    """
    if len(url) > LONGEST_URL or not url.isprintable() or " " in url or "\\" in url:
        raise ForbiddenTarget("A URL to call has no spaces, backslashes or invisible characters, and is not long")
    try:
        target = httpx.URL(url)
        host = target.raw_host.decode("ascii")
    except (httpx.InvalidURL, ValueError) as error:
        raise ForbiddenTarget("This is not a URL that can be called") from error
    if target.scheme != "https" and not (allow_private and target.scheme == "http"):
        raise ForbiddenTarget("Only https is called")
    if USER.match(url):
        raise ForbiddenTarget("A URL to call holds no user name or password")
    if target.port is not None and target.port not in PORTS and not allow_private:
        raise ForbiddenTarget("Only the ports 443 and 8443 are called")
    _judge_host(host, allow_private)
    return target


def _judge_host(host: str, allow_private: bool) -> None:
    literal = _literal(host)
    if literal is not None:
        _judge_address(host, allow_private)
        return
    labels = host.split(".")
    if len(host) > 253 or not all(map(LABEL.fullmatch, labels)) or NUMBER.fullmatch(labels[-1]):
        raise ForbiddenTarget("The host is neither a plain name nor a plain address")
    if OWN_NAMES.fullmatch(host) and not allow_private:
        raise ForbiddenTarget("The host is a name of our own network")


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _judge_address(address: str, allow_private: bool) -> None:
    if not may_call(address, allow_private):
        raise ForbiddenTarget("The host has an address that is not public")


def may_call(address: str, allow_private: bool = False) -> bool:
    """Is this an address to connect to? By our own lists: `is_global` lets some dangerous ones through."""
    found = _literal(address)
    if found is None or any(found in network for network in NEVER):
        return False
    if any(found in network for network in OWN):
        return allow_private
    if isinstance(found, IPv4Address):
        return True
    if found.scope_id is not None or found not in GLOBAL_UNICAST:
        return False
    # ISATAP carries an IPv4 address behind a fixed mark.
    mark, low = (int(found) >> 32) & 0xFDFF_FFFF, int(found) & 0xFFFF_FFFF
    return mark != 0x5EFE or may_call(str(IPv4Address(low)))


async def by_system(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(place[4][0]) for place in found]


class _Guard(httpcore.AsyncNetworkBackend):
    """Dials names for the pool: resolve once, judge every address, connect to one of those."""

    MOST_ADDRESSES = 4
    PER_ADDRESS = 5.0

    def __init__(self, allow_private: bool, resolve: Resolve, network: httpcore.AsyncNetworkBackend) -> None:
        self._allow_private = allow_private
        self._resolve = resolve
        self._network = network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception = httpcore.ConnectError("the name has no address")
        for address in (await self._addresses(host, port))[: self.MOST_ADDRESSES]:
            try:
                return await self._network.connect_tcp(address, port, self.PER_ADDRESS, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _addresses(self, host: str, port: int) -> list[str]:
        try:
            found = [host] if _literal(host) else list(dict.fromkeys(await self._resolve(host, port)))
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("the name cannot be resolved") from error
        for address in found:
            _judge_address(address, self._allow_private)
        return found

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise ForbiddenTarget("Sockets of this machine are not called")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)
