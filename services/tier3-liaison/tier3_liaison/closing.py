"""Who hears that a vendor's endpoint has closed, or is open again: the liaison of each component concerned, by mail. Pure.

A closing is named by its vendor and its moment, so each liaison is told of it once, however often it is decided.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from tier3_liaison.liaisons import Named, liaison_of
from tier3_liaison.registry import Endpoint
from tierline.domain.policy import Liaison, Policies
from tierline.domain.words import Component
from tierline.kit.corridor import Call

LANE = "mail"
News = Literal["vendor.closed", "vendor.opened"]


class Place(NamedTuple):
    """A component of a member."""

    member: str
    component: Component

    @property
    def key(self) -> str:
        """As liaisons who were put in place are kept."""
        return f"{self.member}/{self.component}"


def places(policies: Policies) -> list[Place]:
    """Every place there is."""
    return [Place(member, component) for member in policies for component in Component]


def mails(
    endpoint: Endpoint, news: News, policies: Policies, named: Mapping[str, Named], waiting: Mapping[Place, int]
) -> list[tuple[str, Call]]:
    """A mail to each liaison whose components this vendor stands behind, or who has a case that waits for it.

    `endpoint` is the closed one, `waiting` says how many calls to it wait for each place.
    """
    assert endpoint.disabled_at is not None
    closing = f"{endpoint.slug}-{endpoint.disabled_at:%Y%m%dT%H%M%S%f}"
    told = []
    for liaison, theirs in _concerned(endpoint.slug, policies, named, waiting):
        whose = hashlib.sha256(liaison.email.lower().encode()).hexdigest()[:12]
        body = {
            "type": news,
            "vendor": endpoint.slug,
            "name": liaison.name,
            "why": endpoint.disabled_why,
            "since": f"{endpoint.disabled_at:%Y-%m-%d %H:%M} UTC",
            "places": [f"{place.component}, {policies[place.member].name}" for place in theirs],
            "waiting": sum(waiting.get(place, 0) for place in theirs),
            "thread": f"{closing}-{whose}",
        }
        call_id = f"{closing}-{news.partition('.')[2]}-{whose}"
        about = {"type": news, "vendor": endpoint.slug, "member": ""}
        # A key of its own for each of them: an address that refuses mail keeps no one else waiting.
        told.append((f"{endpoint.slug}/{whose}", Call(call_id, LANE, liaison.email, body, about)))
    return told


def _concerned(
    vendor: str, policies: Policies, named: Mapping[str, Named], waiting: Iterable[Place]
) -> list[tuple[Liaison, list[Place]]]:
    waits, found = set(waiting), dict[str, tuple[Liaison, list[Place]]]()
    for place in places(policies):
        liaison = liaison_of(policies[place.member], place.component, named.get(place.key))
        if liaison is not None and (liaison.vendor == vendor or place in waits):
            found.setdefault(liaison.email.lower(), (liaison, []))[1].append(place)
    return list(found.values())
