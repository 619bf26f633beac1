"""Where Tierline never calls: evil URLs and addresses, one by one. Nothing at all is contacted here."""

import ssl
from collections.abc import Sequence
from typing import Any, NoReturn

import httpcore
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierline.kit.egress import Egress, ForbiddenTarget, judged, may_call

PUBLIC, PUBLIC6 = "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"


def words(text: str) -> list[str]:
    return text.split()


OWN = words("""
    127.0.0.1 127.8.9.10 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.254 192.168.0.1 100.64.0.1
    100.127.255.254 ::1 fc00::1 fdff::1
""")
NEVER = words("""
    0.0.0.0 0.1.2.3 169.254.169.254 169.254.0.1 192.0.0.1 192.0.0.192 192.0.2.1 192.31.196.1 192.52.193.1
    192.88.99.1 192.175.48.1 198.18.0.1 198.19.255.254 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255
    240.0.0.1 255.255.255.255 100.100.100.200 168.63.129.16 fd00:ec2::254 fd20:ce::254 :: ::ffff:127.0.0.1
    ::ffff:93.184.215.14 ::127.0.0.1 ::ffff:0:7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::7f00:1 100::1 2001::1
    2001:0:7f00:1:: 2001:2::1 2001:10::1 2001:db8::1 2002:7f00:1:: 2002:a9fe:a9fe::1 2620:4f:8000::1 3fff::1
    5f00::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1 2606:2800::5efe:7f00:1 2606:2800::200:5efe:a00:1
    2606:2800::1%1 4000::1 nonsense
""")
GOOD = words(f"{PUBLIC} {PUBLIC6} 8.8.8.8 172.32.0.1 100.128.0.1 192.0.1.1 2a00:1450::5efd:7f00:1")
SCHEMES = words(r"""
    http://a.example/ ftp://a.example/ file:///etc/passwd gopher://a.example/ //a.example/ a.example
    https:a.example https:///x https:// javascript:alert(1) data:,x unix:///x httpss://a.example
""")
USERS = words(r"""
    https://user@a.example/ https://user:pw@a.example/ https://@a.example/ https://a.example@127.0.0.1/
    https://a.example%40127.0.0.1/ https://a.example\@127.0.0.1/ https://127.0.0.1\.a.example/
    https://a.example:443@127.0.0.1/ https://a.example:pw#@127.0.0.1:22/@
""")
PORTS = words("""
    https://a.example:80/ https://a.example:22/ https://a.example:0/ https://a.example:65536/ https://a.example:-1/
    https://a.example:443:80/ https://a.example:x/
""")
NUMBERS = words("""
    https://2130706433/ https://0x7f000001/ https://0x7f.1/ https://017700000001/ https://0177.0.0.1/ https://127.1/
    https://127.0.1/ https://0/ https://127.0.0.1./ https://127.0.0.01/ https://0x/ https://256.0.0.1/
    https://1.2.3.4.5/ https://127。0。0。1/ https://１２７.0.0.1/ https://①②⑦.0.0.1/ https://a.0x7f/ https://[::1]/
    https://[::]/ https://[::ffff:7f00:1]/ https://[::ffff:127.0.0.1]/ https://[64:ff9b::7f00:1]/
    https://[fe80::1%25lo]/ https://[fe80::1%lo]/ https://[::1/ https://[]/ https://[v1.x]/ https://::1/
    https://[127.0.0.1]/ https://%31%32%37.0.0.1/
""")
NAMES = words("""
    https://localhost/ https://LOCALHOST/ https://x.localhost/ https://localhost./ https://%6cocalhost/
    https://postgres/ https://metadata.google.internal/ https://printer.local/ https://nas.lan/ https://x.home.arpa/
    https://-a.example/ https://a.example./ https://a..b/ https://xn--ü.example/ https://a*b.example/
""")
ODD = [
    "",
    "https://a.example/\r\nHost: b",
    "https://a.exa\tmple/",
    " https://a.example/",
    "https://a.example /",
]
ODD += [f"https://{'a' * 64}.example/", f"https://{'a.' * 130}example/", "https://a.example/" + "x" * 2048]
ODD += ["https://\udcff.example/", "https://a.example:4 43/"]
TLS = ssl.create_default_context()


class Nowhere(httpcore.AsyncNetworkBackend):
    """A network and a resolver that must not be used."""

    def __init__(self, *found: str) -> None:
        self.found, self.asked = found, 0

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.found

    async def connect_tcp(self, *given: Any, **named: Any) -> NoReturn:
        raise AssertionError("something was dialled")


async def refused(url: str, where: Nowhere) -> ForbiddenTarget:
    out = Egress(resolve=where.resolve, network=where, tls=TLS)
    with pytest.raises(ForbiddenTarget) as caught:
        await out.post(url, b"{}", {})
    await out.close()
    return caught.value


@pytest.mark.parametrize("address", OWN)
def test_our_own_addresses_are_for_demonstrations_only(address: str) -> None:
    assert not may_call(address)
    assert may_call(address, allow_private=True)


@pytest.mark.parametrize("address", NEVER)
def test_special_addresses_are_never_called(address: str) -> None:
    assert not may_call(address)
    assert not may_call(address, allow_private=True)


@pytest.mark.parametrize("address", GOOD)
def test_public_addresses_are_called(address: str) -> None:
    assert may_call(address)


@pytest.mark.parametrize("url", [*SCHEMES, *USERS, *PORTS, *NUMBERS, *NAMES, *ODD])
async def test_evil_urls_are_refused_before_anything_is_asked(url: str) -> None:
    where = Nowhere(PUBLIC)
    assert (await refused(url, where)).status == 422
    assert where.asked == 0
    with pytest.raises(ForbiddenTarget):
        Egress(tls=TLS).check(url)


@pytest.mark.parametrize("address", [*OWN, *(address for address in NEVER if ":" not in address)])
async def test_evil_addresses_in_a_url_are_refused(address: str) -> None:
    with pytest.raises(ForbiddenTarget):
        Egress(tls=TLS).check(f"https://[{address}]/" if ":" in address else f"https://{address}/")


@pytest.mark.parametrize(
    "url",
    ["https://a.example", "HTTPS://A.Example:8443/x?y=https://127.0.0.1/#@", "https://bücher.example/ü"],
)
def test_plain_urls_pass(url: str) -> None:
    Egress(tls=TLS).check(url)


@given(st.text() | st.text().map("https://{}".format) | st.text().map("https://a.example:{}".format))
@settings(max_examples=1000, deadline=None)
def test_any_text_is_judged_without_a_crash(url: str) -> None:
    try:
        target = judged(url)
    except ForbiddenTarget:
        return
    assert target.scheme == "https"
    assert may_call(target.host) or "." in target.host


@pytest.mark.parametrize("bad", [*OWN, *NEVER])
@pytest.mark.parametrize("place", [0, 1, 2])
async def test_one_bad_address_among_good_ones_forbids_all(bad: str, place: int) -> None:
    found = [PUBLIC, PUBLIC6]
    found.insert(place, bad)
    where = Nowhere(*found)
    assert bad not in str(await refused("https://a.example/", where))
    assert where.asked == 1
