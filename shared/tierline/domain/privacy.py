"""Take student data out of a text before it leaves for someone who must not have it.

What goes: social security numbers, students' numbers, dates of birth, and a name that stands right beside one
of these or is said to be a student's (`naming`). What stays: telephone numbers, codes of schools and sessions,
versions, times, and all other names. Where it is not sure, it takes out: a technician can ask again, but nobody
can call data back. A name that nothing says to be a student's is not found.

Every pattern repeats a bounded number of times, and context is looked for in a window of fixed size, so the
time grows with the length of the text and no faster.
"""

import re
from collections.abc import Iterator

from tierline.domain.naming import PERSON, WORD, named_beside, named_pupils

REMOVED = "[student data removed]"
SSN, STUDENT_ID, DATE_OF_BIRTH, NAME = "ssn", "student_id", "date_of_birth", "name"

Span = tuple[int, int, str]

DIGIT = re.compile(r"\d")

DASHED_SSN = re.compile(r"(?<![\d-])\d{3}([-‐‑–])\d{2}\1\d{4}(?![\d-])")
# Other writings of it are too common to be taken out without a word for it in front.
LABELLED_SSN = re.compile(
    r"\b(?:ssn|social(?:\ssecurity)?)\b[^\d\n]{0,20}(?P<number>\d{3}([ .]?)\d{2}\2\d{4})(?!\d)", re.IGNORECASE
)

# Ten digits in one piece, at most a label's letters before them: not the end of a hash or a longer number.
TEN_DIGITS = re.compile(r"(?:(?<![^\W_])|(?<=id)|(?<=no)|(?<=student))(?<!\d\.)\d{10}(?![^\W_]|\.\d)", re.IGNORECASE)
LABELLED_ID = re.compile(
    r"\b(?:ssid|sasid|suid|lasid|(?:student|pupil)(?:'s|s)?\s(?:state\s)?(?:id|number|no|identifier))s?\b"
    r"[^\w\n]{0,3}(?:(?:is|was|are|no|number)\b[^\w\n]{0,3})?"
    r"(?P<number>(?:\d{2,4}[ -]\d{3,4}[ -]\d{3,4}|\d{4,14})(?!\d)"
    r"(?:(?:\s?[,;/&]\s?(?:and\s)?|\sand\s)\d{4,14}(?![\d/-])){0,50})",
    re.IGNORECASE,
)
# No area code begins with 0 or 1, or has a 9 in its middle.
DIALLABLE = re.compile(r"[2-9][0-8]\d{8}")
PHONE_BEFORE = re.compile(
    r"(?:\+1\s?|\b(?:call|phone|telephone|tel|cell|mobile|fax|text|dial|reach|ring)\b[^\d\n]{0,25})$",
    re.IGNORECASE,
)
PHONE_AFTER = re.compile(r"\W{0,2}(?:ext\b|x\s?\d|extension|cell|mobile|phone|fax|tel\b)", re.IGNORECASE)
STUDENT = re.compile(r"\b(?:ssids?|students?|pupils?)\b", re.IGNORECASE)

MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
MES = r"(?:ene|feb|mar|abr|may|jun|jul|ago|sep|oct|nov|dic)[a-z]{1,7}"
DATE = re.compile(
    rf"(?<!\d)(?:\d{{1,2}}([/.-])\d{{1,2}}\1(?:\d{{4}}|\d{{2}})|\d{{4}}([/.-])\d{{1,2}}\2\d{{1,2}}"
    rf"|{MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?,?\s\d{{4}}|\d{{1,2}}(?:st|nd|rd|th)?\s(?:of\s)?{MONTH},?\s\d{{4}}"
    rf"|\d{{1,2}}\sde\s{MES}\s(?:de|del)\s\d{{4}}"
    r"|(?:19|20)\d{6}|\d{4}(?:19|20)\d{2})(?!\d)",
    re.IGNORECASE,
)
BIRTH = r"\b(?:d\.\s?o\.\s?b\b\.?|(?:dobs?|birth(?:day|date|s)?|born|b-?day|nacimiento|nacid[oa]|nació)\b)"
# The word for birth, then the date, or several: in the same sentence and near.
BIRTH_BEFORE = re.compile(BIRTH + r"(?:(?![.!?]\s)[\w\W]){0,30}$", re.IGNORECASE)
BIRTH_AFTER = re.compile(
    rf"[\s(\[,=-]{{0,3}}(?:(?:is|was|as)\s)?(?:(?:the|her|his|their)\s)?(?:date\sof\s)?{BIRTH}",
    re.IGNORECASE,
)

# A name next to what was found, with no more than a label between them.
LABEL = rf"(?i:(?:student\s)?(?:ssid|ssn|ids?|number|no|#|social(?:\ssecurity)?|date\sof\s(?=birth)|{BIRTH}))"
NAME_BEFORE = re.compile(
    rf"{PERSON}[\s,;:(\[–-]{{1,3}}(?i:(?:who(?:'s|’s|\sis|\swas)?|with|is|was|and|his|her|their)\s)?"
    rf"(?:{LABEL}[^\w\n]{{0,3}}(?i:(?:number|is|was|on)[^\w\n]{{0,3}}){{0,2}})?$"
)
NAME_AFTER = re.compile(rf"[\s,:(\[–-]{{1,3}}{PERSON}")
NOT_NAMES = re.compile(r"(?:(?:Students?|Pupil|Child|Kid|Boy|Girl|For|The|And|Name)[\s,]+)+")
# Between the dates of a list: a comma, "and", and at most the next one's name.
LIST_GAP = re.compile(rf"[\s,;/&)]{{1,3}}(?:and\s)?(?:{WORD}[\s,:(]{{1,2}}){{0,3}}")


def redact(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without student data, and the kinds of what was taken out, in alphabetical order."""
    spans: list[Span] = []
    if DIGIT.search(text):  # all of these begin with a number: many texts need no closer look
        spans = [*_ssns(text), *_ids(text), *_births(text)]
        spans += list(_names(text, spans))  # a list first: what is found must not be looked at again, without end
    spans += [(start, end, NAME) for start, end in named_pupils(text)]
    parts, done = [], 0
    for start, end, _ in sorted(spans):
        if start >= done:
            parts += [text[done:start], REMOVED]
        done = max(done, end)
    return "".join([*parts, text[done:]]), tuple(sorted({kind for _, _, kind in spans}))


def student_data_in(*texts: str) -> tuple[str, ...]:
    """The kinds of student data that these texts hold, in alphabetical order."""
    return tuple(sorted({kind for text in texts for kind in redact(text)[1]}))


def _ssns(text: str) -> Iterator[Span]:
    for found in DASHED_SSN.finditer(text):
        yield (*found.span(), SSN)
    for found in LABELLED_SSN.finditer(text):
        yield (*found.span("number"), SSN)


def _ids(text: str) -> Iterator[Span]:
    for found in LABELLED_ID.finditer(text):
        yield (*found.span("number"), STUDENT_ID)
    for found in TEN_DIGITS.finditer(text):
        if not _is_phone(text, found.start(), found.end()):
            yield (*found.span(), STUDENT_ID)


def _is_phone(text: str, start: int, end: int) -> bool:
    if not DIALLABLE.fullmatch(text, start, end):
        return False
    before = text[max(0, start - 40) : start]
    called = PHONE_BEFORE.search(before)
    if called:
        return not STUDENT.search(called.group())
    return bool(PHONE_AFTER.match(text, end))


def _births(text: str) -> Iterator[Span]:
    earlier, listed = 0, False
    for found in DATE.finditer(text):
        start, end = found.span()
        before = text[max(earlier, start - 45) : start]
        listed = bool((listed and LIST_GAP.fullmatch(before)) or BIRTH_BEFORE.search(before) or _born_after(text, end))
        earlier = end
        if listed or named_beside(text, start, found.group()):
            yield start, end, DATE_OF_BIRTH


def _born_after(text: str, end: int) -> bool:
    """Is a word for birth said right after the date, and not of another date that follows it?"""
    found = BIRTH_AFTER.match(text, end)
    if not found:
        return False
    near = text[found.end() : found.end() + 20 + len(REMOVED)]
    return REMOVED not in near and not DATE.search(near[:20])


def _names(text: str, spans: list[Span]) -> Iterator[Span]:
    for start, end, _ in spans:
        low = max(0, start - 130)
        before, after = NAME_BEFORE.search(text[low:start]), NAME_AFTER.match(text, end)
        if before:
            title = NOT_NAMES.match(before.group("name"))
            skip = title.end() if title else 0
            yield low + before.start("name") + skip, low + before.end("name"), NAME
        elif after:
            yield (*after.span("name"), NAME)
