"""Student data is taken out, and what a technician needs stays. Every person and number here is made up."""

import pytest
from hypothesis import strategies as st

from tierline.domain.privacy import DATE_OF_BIRTH, NAME, REMOVED, SSN, STUDENT_ID, redact

# `<...>` marks what has to go.
TAKEN_OUT = [
    ("his social is <900-12-3456>", {SSN}),
    ("<900-12-3456>, <900-12-3457>", {SSN}),
    ("SSN: <900 12 3456>", {SSN}),
    ("social security number <900123456>", {SSN}),
    ("en dashes: <900–12–3456>.", {SSN}),
    ("SSID <9900000011> cannot sign in", {STUDENT_ID}),
    ("ssid=<9900000011>;row=3", {STUDENT_ID}),
    ("SSID<9900000011>", {STUDENT_ID}),
    ("file <9900000011>_export.csv", {STUDENT_ID}),
    ("IDs: <9900000011>, <9900000012> and <9900000013>.", {STUDENT_ID}),
    ("2027,Math,<9900000011>,teacher@district.example", {STUDENT_ID}),
    ("<9900000011>@students.example", {STUDENT_ID}),
    ("student id <48213>", {STUDENT_ID}),
    ("Student numbers are <48213, 48214 and 48215>", {STUDENT_ID}),
    ("SSID: <990-000-0011>", {STUDENT_ID}),
    ("SSID <99 0000 0011> and a date 11/12/2026", {STUDENT_ID}),
    ("call up <9900000011> in the test administrator's screen", {STUDENT_ID}),
    ("phone of the parent unknown, student <5035550100>", {STUDENT_ID}),
    ("DOB <04/17/2015>", {DATE_OF_BIRTH}),
    ("dob: <4-7-15>", {DATE_OF_BIRTH}),
    ("d.o.b. <11.03.2012>", {DATE_OF_BIRTH}),
    ("born on <2012-11-03>", {DATE_OF_BIRTH}),
    ("born in Guatemala on <April 17, 2015>", {DATE_OF_BIRTH}),
    ("date of birth <17th of April 2015>", {DATE_OF_BIRTH}),
    ("Birth date:\n<17 Sept. 2015>", {DATE_OF_BIRTH}),
    ("birthdate <20150417>", {DATE_OF_BIRTH}),
    ("DOBs <04/17/2015>, <05/18/2015> and <06/19/2015>", {DATE_OF_BIRTH}),
    ("DOBs: Ada <04/17/2015>, Ben <05/18/2015>; <Cy Fictive> (<06/19/2015>)", {NAME, DATE_OF_BIRTH}),
    ("<04/17/2015> (DOB)", {DATE_OF_BIRTH}),
    ("<04/17/2015> is her birthday", {DATE_OF_BIRTH}),
    ("fecha de nacimiento <17/04/2015>", {DATE_OF_BIRTH}),
    ("tested 11/12/2026, born <09/02/2013>, tested 11/13/2026", {DATE_OF_BIRTH}),
    ("Student <Ada Made-Up>, SSID <9900000011>, DOB <04/17/2015>", {NAME, STUDENT_ID, DATE_OF_BIRTH}),
    ("for <Ada Lou Fictive> (<9900000011>)", {NAME, STUDENT_ID}),
    ("<Ñandú, Zoë> <9900000011>", {NAME, STUDENT_ID}),
    ("<Ada Fictive> who's born <04/17/2015>", {NAME, DATE_OF_BIRTH}),
    ("<Ada Fictive's> social security number is <900-12-3456>", {NAME, SSN}),
    ("SSID <9900000011> (<Ada Fictive>) is stuck", {NAME, STUDENT_ID}),
    ("nacida el <9 de mayo de 2013> en otro estado", {DATE_OF_BIRTH}),
    ("<Ada Fictive> (7th gr., <11/02/2013>) was absent", {NAME, DATE_OF_BIRTH}),
    ("my third grader <Ada Fictive> lost her place in the test", {NAME}),
    ("One student, <Ada Lou Fictive>, cannot go on with it", {NAME}),
    ("the boy's name is <Ben Made-Up> and he is out of time", {NAME}),
    ("<Ben Made-Up>, a student of mine, is out of the test", {NAME}),
    ("<Ben Made-Up>, grade 4, is out of the test", {NAME}),
    ("mi alumna <Zoë Ñandú> no puede entrar en la prueba", {NAME}),
]
KEPT = [
    "call 5035550100 after noon",
    "My cell is 5035550100",
    "phone: +1 5035550100",
    "5035550100 ext 12",
    "(503) 555-0100 or 503-555-0100 or 503.555.0100 or 555-0100",
    "school 01612590999146, building code 27661010, upload id 12044871",
    "session UTAH-ba10-17 and item I-200-99120",
    "trace 0192f0c1-7d2a-7c3e-9b1a-123456789012 hash ab1234567890 a1234567890b",
    "at 1764000000.123 seconds, 0.1234567890 of it",
    "2026-11-12 09:14:02 SSL_ERROR on 10.12.2026 and 11/12/2026",
    "Born in another state. The test on 11/12/2026 failed.",
    "the stubborn browser of 11/12/2026",
    "rows 310 42 2027 and version 100.12.2024",
    "part 12-900-12-3456-7 and 1900-12-34567",
    "Dana Example, room 12, 555-0100",
    "Chromebook OS 142.0.7444.59, 640 desktops, grade 7, question 11",
    "the ssid of our wireless network is GUEST-5GHZ",
    "the student Practice Test opens, and the student Sign In page too",
    "Student Kicked Out Of The Test Again",
    "our student teacher Dana Example has no account of her own",
    "Dana Example, grade 4 teacher, has no account of her own",
    "Thanks, Dana Example, 10/12/2026",
    "coordinator Dana Example (11/02/2013 was her first day) is away",
    "Windows Server 11/02/2013 is what we have",
    "",
]


@pytest.mark.parametrize(("marked", "kinds"), TAKEN_OUT)
def test_student_data_is_taken_out(marked: str, kinds: set[str]) -> None:
    expected, rest = "", marked
    while "<" in rest:
        before, _, rest = rest.partition("<")
        _, _, rest = rest.partition(">")
        expected += before + REMOVED
    text, found = redact(marked.replace("<", "").replace(">", ""))
    assert text == expected + rest
    assert found == tuple(sorted(kinds))


@pytest.mark.parametrize("text", KEPT)
def test_other_numbers_and_names_stay(text: str) -> None:
    assert redact(text) == (text, ())


PIECES = st.sampled_from(
    [
        "SSID",
        "9900000011",
        "900-12-3456",
        "04/17/2015",
        "born",
        "DOB",
        "Ada",
        "Fictive",
        "call",
        "ext",
        ", ",
        " ",
        ".",
        "\n",
    ]
)


def test_a_name_that_was_found_is_not_looked_at_again_without_end() -> None:
    text = "Yes, Pupil Zenobia Quackenbush, SSID 4815162342."
    assert redact(text)[0] == f"Yes, Pupil {REMOVED}, SSID {REMOVED}."
