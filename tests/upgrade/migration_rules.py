"""What a migration must not do while the release before it serves, and what every big table must be spared.

A migration runs beside processes of the older release, on tables of any size. So it adds, and takes nothing away that the
older release names; and it holds no lock for as long as a table is read or written through. Each rule says what to do
instead. Tables that the same migration makes are empty and nobody's: they are free.
"""

import re
from collections.abc import Callable, Iterable, Sequence

NAME = r'(?:IF (?:NOT )?EXISTS )?(?:ONLY )?"?(\w+)"?'
MADE = re.compile(rf"CREATE TABLE {NAME}", re.IGNORECASE)
TAKEN = [
    re.compile(rf"^DROP (?:TABLE|VIEW|TYPE|SEQUENCE|FUNCTION) {NAME}", re.IGNORECASE),
    re.compile(rf"^ALTER TABLE {NAME} RENAME TO", re.IGNORECASE),
    re.compile(rf"^ALTER TABLE .* DROP (?:COLUMN )?(?!NOT NULL|DEFAULT|CONSTRAINT|EXPRESSION){NAME}", re.IGNORECASE),
    re.compile(rf"^ALTER TABLE .* RENAME (?:COLUMN )?(?!TO\b|CONSTRAINT\b){NAME} TO", re.IGNORECASE),
]
CHANGED = re.compile(
    rf"^(?:ALTER TABLE|UPDATE|DELETE FROM|LOCK(?: TABLE)?|TRUNCATE(?: TABLE)?|CREATE (?:UNIQUE )?INDEX .*? ON|"
    rf"CREATE (?:OR REPLACE )?TRIGGER .*? ON|CLUSTER|VACUUM(?: FULL)?|REINDEX TABLE) {NAME}",
    re.IGNORECASE,
)
CONSTANT = r"(?:'[^']*'(?:::\w+)?|-?[\d.]+|true|false|null|now\(\))"

FORBIDDEN: Sequence[tuple[str, str]] = (
    (
        r"ADD (?:COLUMN )?(?!CONSTRAINT)(?:(?! ADD ).)*NOT NULL(?!.* DEFAULT )(?<!DEFAULT NULL)",
        "NOT NULL without a default: the older release leaves the column out; give it a constant default",
    ),
    (
        rf"ADD (?:COLUMN )?.* DEFAULT (?!{CONSTANT}(?:\W|$))",
        "a default that is computed for each row writes the whole table anew: give a constant",
    ),
    (
        r"ADD (?:COLUMN )?.*(?:\bserial\b|\bbigserial\b|GENERATED )",
        "a generated column writes the whole table anew: add it empty, fill it from the running service",
    ),
    (r"ALTER (?:COLUMN )?\w+ (?:SET DATA )?TYPE", "another type writes the whole table anew: add a column beside it"),
    (r"SET NOT NULL", "reads the whole table under a lock, and the older release may write a null"),
    (r"ADD (?:CONSTRAINT \w+ )?(?:PRIMARY KEY|UNIQUE|EXCLUDE)", "the older release may write what it refuses"),
    (r"ADD CONSTRAINT(?!.*NOT VALID)", "reads the whole table under a lock: add it NOT VALID"),
    (r"ADD COLUMN .*(?:REFERENCES|CHECK|UNIQUE)", "a constraint on a full table: decide it in the code"),
    (r"^CREATE INDEX (?!CONCURRENTLY)", "no writer gets through meanwhile: build it with tierline.kit.indexes"),
    (r"^CREATE UNIQUE INDEX", "the older release may write what it refuses"),
    (r"^(?:UPDATE|DELETE)", "locks every row that it touches until the end: let the running service do it in batches"),
    (r"^(?:LOCK|TRUNCATE|CLUSTER|VACUUM FULL|REINDEX (?!.*CONCURRENTLY))", "locks the whole table"),
    (r"^CREATE (?:OR REPLACE )?TRIGGER", "the older release would act otherwise than it was written"),
)
HARMLESS = re.compile(r"^CREATE OR REPLACE TRIGGER \w+_revise ", re.IGNORECASE)
"""It fills a column that the older release does not know, so that what that release changes is found, too."""


def breaches(statements: Iterable[str], used: Callable[[str], bool]) -> list[str]:
    """What one migration does that it must not, a line each; `used` says whether the older release names a thing."""
    plain = [re.sub(r"\s+", " ", statement).strip() for statement in statements]
    made = {found[1] for statement in plain if (found := MADE.match(statement))}
    return [
        f"{statement}: {why}"
        for statement in plain
        if not ((changed := CHANGED.match(statement)) and changed[1] in made) and not HARMLESS.match(statement)
        for why in (*_taken(statement, used), *_locks(statement), *_halves(statement, plain, made))
    ]


def _taken(statement: str, used: Callable[[str], bool]) -> list[str]:
    names = [found[1] for pattern in TAKEN if (found := pattern.search(statement))]
    return [
        f"the older release still names {name}: stop using it first, take it away a release later"
        for name in names
        if used(name)
    ]


def _locks(statement: str) -> list[str]:
    return [why for pattern, why in FORBIDDEN if re.search(pattern, statement, re.IGNORECASE)]


def _halves(statement: str, plain: Sequence[str], made: set[str]) -> list[str]:
    """An index that is built beside the work ends the transaction: what stands before it may be done already."""
    last = max((place for place, other in enumerate(plain) if "CONCURRENTLY" in other), default=0)
    before = statement in plain[:last] and not re.search(
        r"IF (?:NOT )?EXISTS|CONCURRENTLY|OR REPLACE|^SET ", statement, re.IGNORECASE
    )
    return ["stands before an index that ends the transaction: write IF NOT EXISTS"] if before else []
