"""What the one-machine install brings along for the desks to work with: the shared resolution methods, the manuals."""

import asyncio
import json
from pathlib import Path

import httpx

from embedded.labelled import read_articles
from tier1.manuals import article_meaning

METHODS = Path(__file__).parents[2] / "methods"
MANUALS = Path(__file__).parents[2] / "manuals"


async def stock_methods(client: httpx.AsyncClient, operator: str) -> None:
    """Put what is missing on Tier 2's shelf; what someone changed or took away stays as they left it."""
    await _stock(client, operator, METHODS, "/tier2/v1/methods:import")


async def stock_manuals(client: httpx.AsyncClient, operator: str) -> None:
    """Put what is missing on Tier 1's shelf; what someone changed or took away stays as they left it."""
    await _stock(client, operator, MANUALS, "/tier1/v1/manuals:import")
    await asyncio.to_thread(_understand)


def _understand() -> None:
    """Find what each article means before the first ticket asks: all of them take some seconds."""
    for article in read_articles(MANUALS):
        article_meaning(article)


async def _stock(client: httpx.AsyncClient, operator: str, folder: Path, path: str) -> None:
    answer = await client.post(
        f"{path}?keep=true",
        content=_lines(folder).encode(),
        headers={"Authorization": f"Bearer {operator}", "Content-Type": "application/x-ndjson"},
    )
    answer.raise_for_status()


def _lines(folder: Path) -> str:
    files = sorted(file for file in folder.rglob("*.md") if file.stem != "README")
    return "".join(json.dumps({"markdown": file.read_text("utf-8")}) + "\n" for file in files)
