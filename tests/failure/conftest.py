"""One PostgreSQL and one set of keys for the stories of outages; each story runs services and tickets of its own."""

from collections.abc import AsyncIterator

import pytest

from stand import Stand, stand


@pytest.fixture(scope="session")
async def ground() -> AsyncIterator[Stand]:
    """A stand that several stories stand on, one after the other."""
    async with stand() as made:
        yield made
