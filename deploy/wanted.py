"""What the packages of the workspace ask for, one requirement a line, for the locks; our own packages left out.

python deploy/wanted.py             # all of it, with the tools that tests and checks need
python deploy/wanted.py services    # what runs in a service's container
"""

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Print them."""
    projects = [ROOT / "shared", *sorted((ROOT / "services").iterdir())]
    wanted: set[str] = set()
    if sys.argv[1:] != ["services"]:
        projects.append(ROOT / "deploy" / "embedded")
        wanted |= set(tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["dev"])
    for project in projects:
        wanted |= set(tomllib.loads((project / "pyproject.toml").read_text())["project"]["dependencies"])
    print("\n".join(sorted(name for name in wanted if not name.startswith("tierline"))))  # noqa: T201


if __name__ == "__main__":
    main()
