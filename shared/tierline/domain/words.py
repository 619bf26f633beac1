"""The words of Tierline, one per thing. What they mean is told in the docs; every API, event and screen uses these."""

from enum import StrEnum


class Component(StrEnum):
    """A system of Table 6 of the state procedures manual."""

    TEST_DELIVERY_SYSTEM = "test-delivery-system"
    INTERIM_SYSTEM = "interim-system"
    PAPER_PENCIL_SUMMATIVE = "paper-pencil-summative"
    DATA_WAREHOUSE_REPORTING = "data-warehouse-reporting"
    DIGITAL_LIBRARY = "digital-library"
    SINGLE_SIGN_ON = "single-sign-on"
    ITEM_AUTHORING = "item-authoring"


class Desk(StrEnum):
    """Who can hold a ticket, in the order in which an unresolved one climbs."""

    TIER1 = "tier1"
    TIER2 = "tier2"
    TIER3 = "tier3"
    STATE = "state"


TIERS = (Desk.TIER1, Desk.TIER2, Desk.TIER3)


class Provider(StrEnum):
    """Who staffs a desk."""

    STATE = "state"
    CONSORTIUM = "consortium"
    VENDOR = "vendor"
    NOT_APPLICABLE = "not_applicable"


class Status(StrEnum):
    """What the reporter sees of a ticket."""

    OPEN = "open"
    WAITING_ON_REPORTER = "waiting_on_reporter"
    WAITING_ON_VENDOR = "waiting_on_vendor"
    RESOLVED = "resolved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"


HELD = frozenset({Status.OPEN, Status.WAITING_ON_REPORTER, Status.WAITING_ON_VENDOR})
ENDED = frozenset(Status) - HELD


class Impact(StrEnum):
    """How hard the problem hits, as the reporter says."""

    STUDENT_CANNOT_TEST = "student_cannot_test"
    USER_CANNOT_WORK = "user_cannot_work"
    QUESTION = "question"


class Role(StrEnum):
    """Where the reporter works."""

    SCHOOL = "school"
    DISTRICT = "district"
    STATE = "state"


class Reason(StrEnum):
    """Why a ticket goes on: the four ways of "not resolved", and the two that are no one's failure."""

    AGENT = "agent"
    NO_MANUAL = "no_manual"
    TIME_RAN_OUT = "time_ran_out"
    DID_NOT_HELP = "did_not_help"
    STATE_RULE = "state_rule"
    CROSSED_REPLY = "crossed_reply"
