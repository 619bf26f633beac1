"""The migrations of each service stand in one line, so that two that were written side by side cannot both be next."""

import re

import pytest

from embedded.server import HOUSE
from tierline.kit.runtime import Service

REVISION = re.compile(r'^revision = "(\d{4})"\ndown_revision = (?:"(\d{4})"|None)$', re.MULTILINE)


@pytest.mark.parametrize("service", HOUSE, ids=lambda service: service.name)
def test_migrations_stand_in_one_line(service: Service) -> None:
    paths = sorted(service.migrations.glob("[0-9]*.py"))
    found = [REVISION.search(path.read_text("utf-8")) for path in paths]
    steps = [(path.name[:4], match[1], match[2]) for path, match in zip(paths, found, strict=True) if match]
    expected = [f"{number:04}" for number in range(1, len(paths) + 1)]
    assert steps == [(now, now, before) for now, before in zip(expected, [None, *expected], strict=False)]
