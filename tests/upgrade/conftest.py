"""The earlier releases, unpacked once for all the stories of an upgrade."""

import os
from pathlib import Path

import pytest
from earlier import NoHistory, Release, unpack


@pytest.fixture(scope="session")
def previous(folder: Path) -> Release:
    """The release that is upgraded from."""
    return _unpacked("previous", folder)


@pytest.fixture(scope="session")
def oldest(folder: Path) -> Release:
    """The first release whose data may still be there."""
    return _unpacked("oldest", folder)


def _unpacked(name: str, folder: Path) -> Release:
    try:
        return unpack(name, folder / "releases")
    except NoHistory as error:
        reason = f"no {name} release to upgrade from: {error}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
