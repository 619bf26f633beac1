"""What all packages of the workspace ask for, one requirement a line, for the lock; our own packages left out."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Print them."""
    wanted = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["dev"])
    for project in [ROOT / "shared", *sorted((ROOT / "services").iterdir()), ROOT / "deploy" / "embedded"]:
        wanted |= set(tomllib.loads((project / "pyproject.toml").read_text())["project"]["dependencies"])
    print("\n".join(sorted(name for name in wanted if not name.startswith("tierline"))))  # noqa: T201


if __name__ == "__main__":
    main()
