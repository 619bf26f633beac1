"""Take out of a text what tells who people are: student data, and beside it the reporter's name and any address or number.

For those who have no need to know who wrote: vendors, and product owners who read wishes. Pure; every pattern repeats a
bounded number of times, so the time grows with the length of the text and no faster.
"""

import re

from tierline.domain.privacy import redact

SOMEONE = "[name removed]"
CONTACT = "[contact removed]"
EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
PHONE = re.compile(r"(?<![\w-])(?:\+?1[ .-]?)?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w-])")
SHORTEST_NAME = 3


def without_people(text: str, reporter: str) -> tuple[str, tuple[str, ...]]:
    """The text without student data, contacts, and the reporter's name; and the kinds of what was taken out."""
    kept, kinds = redact(text)
    found = set(kinds)
    for kind, pattern, instead in (("email", EMAIL, CONTACT), ("phone", PHONE, CONTACT)):
        kept, count = pattern.subn(instead, kept)
        found |= {kind} if count else set()
    named = _name(reporter)
    if named is not None:
        kept, count = named.subn(SOMEONE, kept)
        found |= {"reporter_name"} if count else set()
    return kept, tuple(sorted(found))


def _name(reporter: str) -> re.Pattern[str] | None:
    """The whole name in any writing, and each part of it as it is written with a capital."""
    parts = [part for part in re.split(r"[\s,.]+", reporter) if len(part) >= SHORTEST_NAME and part[0].isupper()]
    whole = " ".join(reporter.split())
    if len(whole) < SHORTEST_NAME:
        return None
    choices = [f"(?i:{re.escape(whole)})", *map(re.escape, sorted(parts, key=len, reverse=True))]
    return re.compile(rf"(?<!\w)(?:{'|'.join(choices)})(?!\w)")
