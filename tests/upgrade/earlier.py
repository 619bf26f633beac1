"""Earlier releases: their code, taken out of this repository's history, to be run beside today's in the same environment.

`releases` names them. Their folders come before today's on the path, so what runs as `previous` is the previous release.
"""

import asyncio
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NEEDED = ("shared", "services", "deploy", "tests/unit/golden")
HISTORY = "TIERLINE_TEST_HISTORY"


class NoHistory(Exception):
    """The history that holds the earlier releases is not here; what to do about it."""


@dataclass(frozen=True)
class Release:
    """The code of one release, in a folder of its own."""

    name: str
    folder: Path

    @property
    def policies(self) -> Path:
        """The policies that came with it."""
        return self.folder / "deploy" / "policies"

    def environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        """Settings for a process of this release: what it imports of Tierline stands in its folder."""
        packages = [self.folder / "shared", self.folder / "deploy" / "embedded", *(self.folder / "services").iterdir()]
        return {**settings, "PYTHONPATH": os.pathsep.join(map(str, packages))}

    async def run(self, script: Path, *arguments: str, given: str = "") -> str:
        """What a script says when it is run by this release's code."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(script), *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment(os.environ),
        )
        said, complaint = await process.communicate(given.encode())
        assert process.returncode == 0, f"{script.name} on the {self.name} release: {complaint.decode()[-2000:]}"
        return said.decode()


HEAD = Release("present", ROOT)


def commits() -> dict[str, str]:
    """The commit of each release that `releases` names."""
    lines = (line.partition("#")[0].split() for line in (HERE / "releases").read_text("utf-8").splitlines())
    return {words[0]: words[1] for words in lines if words}


def unpack(name: str, into: Path) -> Release:
    """The code of an earlier release. Raises `NoHistory` where it cannot be had."""
    commit = commits()[name]
    archive = _git("archive", "--format=tar", commit, "--", *NEEDED)
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        tar.extractall(into / name, filter="data")
    return Release(name, into / name)


def _git(*command: str) -> bytes:
    history = os.environ.get(HISTORY, str(ROOT))
    remedy = f"`git fetch --unshallow` in a shallow clone; from a source archive, name a whole clone in {HISTORY}"
    try:
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", "-C", history, *command], capture_output=True, check=True
        )
    except FileNotFoundError:
        raise NoHistory(f"git is not installed; then: {remedy}") from None
    except subprocess.CalledProcessError as error:
        said: Sequence[str] = error.stderr.decode(errors="replace").strip().splitlines()
        raise NoHistory(f"{said[0] if said else 'git failed'}; {remedy}") from None
    return done.stdout
