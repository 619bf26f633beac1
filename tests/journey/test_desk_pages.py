"""The pages for the people at the desks: every command on them works as it stands."""

import asyncio
import os
import re
from pathlib import Path

import pytest

from house import House

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ["tier1", "tier2", "tier3", "state-desk"]


@pytest.mark.parametrize("page", PAGES)
async def test_every_command_of_a_page_works_as_it_stands(stocked_house: House, page: str, tmp_path: Path) -> None:
    script = "\n".join(re.findall(r"```sh\n(.*?)```", (DOCS / f"{page}.md").read_text("utf-8"), re.DOTALL))
    (tmp_path / ".tierline").symlink_to(stocked_house.machine.install.folder)
    port = stocked_house.machine.url.rpartition(":")[2]
    shell = await asyncio.create_subprocess_exec(
        "timeout",
        "60",
        "bash",
        "-euxo",
        "pipefail",
        "-c",
        script,
        cwd=tmp_path,
        env={**os.environ, "TIERLINE_PORT": port, "no_proxy": "127.0.0.1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await shell.communicate()
    assert shell.returncode == 0, said.decode()[-3000:]
