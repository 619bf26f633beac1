"""What the one-machine install brings along for the desks to work with: the shared resolution methods."""

import json
from pathlib import Path

import httpx

METHODS = Path(__file__).parents[2] / "methods"


async def stock(client: httpx.AsyncClient, operator: str) -> None:
    """Put what is missing on the shelf; what someone changed or took away stays as they left it."""
    files = sorted(path for path in METHODS.glob("*.md") if path.stem != "README")
    lines = "".join(json.dumps({"markdown": path.read_text("utf-8")}) + "\n" for path in files)
    answer = await client.post(
        "/tier2/v1/methods:import?keep=true",
        content=lines.encode(),
        headers={"Authorization": f"Bearer {operator}", "Content-Type": "application/x-ndjson"},
    )
    answer.raise_for_status()
