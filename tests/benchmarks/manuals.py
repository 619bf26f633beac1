"""Search in 10,000 manual articles: how long an answer takes over HTTP, also right after a change and for another member.

And how long the articles take to come in, in how much memory.
"""

import json
import random
import time
from pathlib import Path

import httpx
import psutil

from embedded.stocking import MANUALS
from stand import MODULES, at, serving, stand

ARTICLES, ASKED, WORDS, CHANGED = 10_000, 300, 170, 20
QUESTIONS = (
    "how do I reset my pasword, the account is locked",
    "studnts cannot see the session ID",
    "Se apagó la computadora, ¿puede seguir el estudiante en otra?",
    "where do I enter the scores of the essays",
    "print report for parents in spanish",
)


async def measure() -> dict[str, float]:
    async with stand() as made:
        with serving(MODULES["tier1"], made.environment("tier1")) as (port, pid):
            idle = psutil.Process(pid).memory_full_info().pss
            head = {"Authorization": f"Bearer {made.install.credentials['operator']}"}
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=300, trust_env=False) as client:
                began = time.perf_counter()
                kinds = {**head, "Content-Type": "application/x-ndjson"}
                answer = await client.post("/v1/manuals:import", content=_articles(), headers=kinds)
                new = answer.raise_for_status().text.count('"new"')
                imported = time.perf_counter() - began
                began = time.perf_counter()
                await _ask(client, head, QUESTIONS[0])
                first = time.perf_counter() - began
                took = [await _ask(client, head, QUESTIONS[number % len(QUESTIONS)]) for number in range(ASKED)]
                loaded = psutil.Process(pid).memory_full_info().pss
                changed = [await _change(client, head, number) for number in range(CHANGED)]
                others = [
                    await _ask(client, {"Authorization": f"Bearer {keys['tier1']}"}, QUESTIONS[0])
                    for keys in made.install.credentials["members"].values()
                ]
            after = psutil.Process(pid).memory_full_info().pss
    return {
        "articles": new,
        "import_s": round(imported, 1),
        "first_search_s": round(first, 2),
        "p50_ms": round(at(took, 0.5) * 1000, 1),
        "p95_ms": round(at(took, 0.95) * 1000, 1),
        "after_change_p50_ms": round(at(changed, 0.5) * 1000, 1),
        "after_change_max_ms": round(max(changed) * 1000, 1),
        "another_member_max_ms": round(max(others) * 1000, 1),
        "idle_mb": round(idle / 1_048_576, 1),
        "loaded_mb": round(loaded / 1_048_576, 1),
        "after_changes_mb": round(after / 1_048_576, 1),
    }


async def _ask(client: httpx.AsyncClient, head: dict[str, str], question: str) -> float:
    began = time.perf_counter()
    answer = await client.get("/v1/manuals/search", params={"q": question, "limit": 5}, headers=head)
    assert answer.raise_for_status().json()["items"]
    return time.perf_counter() - began


async def _change(client: httpx.AsyncClient, head: dict[str, str], number: int) -> float:
    """Change one article, and look it up by a word that it has only now; how long that look-up takes."""
    path, word = f"/v1/manuals/article-{number:05}", f"changed{number}"
    known = await client.get(path, headers=head)
    form = {"title": word, "body": known.json()["body"], "component": "interim-system"}
    made = await client.put(path, json=form, headers={**head, "If-Match": known.headers["etag"]})
    made.raise_for_status()
    began = time.perf_counter()
    answer = await client.get("/v1/manuals/search", params={"q": word, "limit": 1}, headers=head)
    assert answer.json()["items"][0]["id"] == f"article-{number:05}"
    return time.perf_counter() - began


def _articles() -> bytes:
    """As many as asked, out of the words of those that come along, each with some words of its own."""
    chance = random.Random(1)
    texts = [path.read_text("utf-8") for path in sorted(Path(MANUALS).rglob("*.md")) if path.stem != "README"]
    words = [word for text in texts for word in text.rpartition("---\n")[2].split()]
    lines = []
    for number in range(ARTICLES):
        own = [f"word{chance.randrange(50_000)}" for _ in range(20)]
        body = " ".join(chance.sample(words, WORDS - 20) + own)
        title = " ".join(chance.sample(words, 6))
        lines.append(
            json.dumps({"id": f"article-{number:05}", "title": title, "body": body, "component": "interim-system"})
        )
    return "\n".join(lines).encode()
