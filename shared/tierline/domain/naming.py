"""A student who is named in prose, without a number: known by what is said right before or after the name.

Two or three capitalized words are a student's name where "student", "my third grader" or the like stands beside them,
or a full date in the years in which pupils are born. Staff are named too, with a title or a post: those stay. So do
the names of screens and programs, and headings in which every word is capitalized.
"""

import re
from collections.abc import Iterator

WORD = r"[A-ZÀ-ÖØ-ÞĆČĎĐĘĚĞİĽŁŃŇŐŒŘŚŞŠŤŮŰŹŻŽ][\w'’-]{0,30}[^\W\d_A-Z]"
PERSON = rf"(?P<name>{WORD}(?:(?:,\s?|\s){WORD}){{1,2}})"
GRADE = r"(?:\d{1,2}(?:st|nd|rd|th)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth)"
PUPIL = rf"(?:students?|pupils?|child|kid|boy|girl|son|daughter|{GRADE}[\s-]graders?|alumn[oa]|estudiante|niñ[oa])"
NOT_STAFF = r"(?!['’]?s?\s(?:teacher|tutor|council|services|records|advisor|success|support|lead|team))"
BEFORE = re.compile(
    rf"\b(?i:{PUPIL}{NOT_STAFF}(?:['’]s)?(?:\s?[,:(–-]\s?|\s)(?:(?:name|is|was|named|called|llamad[oa])[\s:]{{1,2}}){{0,2}}){PERSON}"
)
AFTER = re.compile(
    rf"{PERSON}(?i:\s?[,(–-]\s?|\s(?:is|was|es)\s)"
    rf"(?i:(?:(?:a|an|my|our|the|another|un|una|mi)\s)?(?:[a-z]{{2,12}}\s)?{PUPIL}\b{NOT_STAFF}"
    rf"|(?:in\s)?(?:{GRADE}\s(?:gr\b|grade\b)|gr(?:ade)?\.?\s\d)(?!\W{{0,2}}(?:teacher|team|lead|chair|level)))"
)
BORN_IN = range(2003, 2020)
BESIDE_DATE = re.compile(rf"{PERSON}[\s,;:(–-]{{1,3}}(?:[^()\n]{{0,12}}[\s,])?$")
STAFF = re.compile(
    r"\b(?:mr|mrs|ms|mx|dr|sra?|srta|coach|principal|teacher|proctor|coordinator|director|counsel\w{1,3}|tech|secretary|aide"
    r"|my name is|i am|this is|thanks|thank you|regards|gracias)\b[\s.,:(–-]{0,3}$",
    re.IGNORECASE,
)
# Words of screens, programs, places and papers that are capitalized too.
THINGS = frozenset(
    re.findall(
        r"\S+",
        "access account admin administration administrator agency apple app apps approval approvals assessment authoring "
        "balanced browser button center chrome chromebook classroom console coordinator data delivery desk digital "
        "district edge education elementary english error export exports firefox form google grade group groups hand high "
        "home id individual information interface interim internet item items kiosk language library login lookup mac "
        "macbook manager manual math middle mode monday tuesday wednesday thursday friday online page performance play "
        "portal practice printable printed profile report reporting reports resources responses results roster safari "
        "school score scores scoring screen secure server service session sessions settings sign single smarter spanish "
        "speech state student students summative support system task teachers test testing tests text tools training "
        "unified upload user users version viewing voice windows window",
    )
)
LOWER_CASE_WORD = re.compile(r"(?<!\w)[a-zà-ÿ]{2,}")
NEAR, LEAST_PROSE = 300, 3

Span = tuple[int, int]


def named_pupils(text: str) -> Iterator[Span]:
    """Where a text names a student in prose."""
    for pattern in (BEFORE, AFTER):
        for found in pattern.finditer(text):
            start, end = found.span("name")
            if _is_person(text, start, end) and _is_prose(text, start, end):
                yield start, end


def named_beside(text: str, start: int, date: str) -> Span | None:
    """The name right before a date at `start` that can be a pupil's day of birth."""
    if not any(int(year) in BORN_IN for year in re.findall(r"(?<!\d)\d{4}(?!\d)", date)):
        return None
    low = max(0, start - 110)
    found = BESIDE_DATE.search(text[low:start])
    if found is None or not _is_person(text, low + found.start("name"), low + found.end("name")):
        return None
    return low + found.start("name"), low + found.end("name")


def _is_person(text: str, start: int, end: int) -> bool:
    named = re.findall(r"[^\W\d_]+", text[start:end].casefold())
    return not THINGS.intersection(named) and not STAFF.search(text[max(0, start - 30) : start])


def _is_prose(text: str, start: int, end: int) -> bool:
    """Whether its line, near by, has words in small letters: a heading in which every word is capital names nobody."""
    before = text[max(0, start - NEAR) : start].rpartition("\n")[2]
    after = text[end : end + NEAR].partition("\n")[0]
    return len(LOWER_CASE_WORD.findall(before)) + len(LOWER_CASE_WORD.findall(after)) >= LEAST_PROSE
