"""What a database says decides who waits: the one record that does not fit, or everybody until the database is mended."""

import asyncpg
import pytest

from tierline.kit.database import of_what_was_asked
from tierline.kit.errors import BusUnavailable, DatabaseUnavailable

CLIENTS_WORD = next(kind for kind in asyncpg.InterfaceError.__subclasses__() if issubclass(kind, ValueError))


@pytest.mark.parametrize(
    "error",
    [
        CLIENTS_WORD("value out of int64 range"),
        asyncpg.CharacterNotInRepertoireError("a NUL"),
        asyncpg.NumericValueOutOfRangeError("too large"),
        asyncpg.UntranslatableCharacterError("half a character"),
        asyncpg.NotNullViolationError("missing"),
        asyncpg.ProgramLimitExceededError("an index row is too large"),
        ValueError("what is kept cannot be read"),
        KeyError("a fault of ours"),
    ],
)
def test_what_does_not_fit_is_set_aside(error: Exception) -> None:
    assert of_what_was_asked(error)


@pytest.mark.parametrize(
    "error",
    [
        DatabaseUnavailable("away"),
        BusUnavailable("away"),
        asyncpg.ReadOnlySQLTransactionError("a standby since a moment ago"),
        asyncpg.InsufficientPrivilegeError("a grant is missing"),
        asyncpg.UndefinedTableError("a migration is missing"),
        asyncpg.UndefinedColumnError("a migration is missing"),
        asyncpg.DiskFullError("full"),
        asyncpg.TooManyConnectionsError("full"),
        asyncpg.LockNotAvailableError("held"),
        asyncpg.InternalServerError("broken"),
        asyncpg.DataCorruptedError("broken"),
        asyncpg.PostgresIOError("broken"),
        asyncpg.CannotConnectNowError("starting"),
    ],
)
def test_nothing_is_set_aside_because_the_database_is_not_well(error: Exception) -> None:
    assert not of_what_was_asked(error)
