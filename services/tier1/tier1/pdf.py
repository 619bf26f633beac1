"""A PDF's text, read in a process of its own: what a broken or hostile file does to its reader harms nobody else."""

import asyncio
import json
import sys
from io import BytesIO
from typing import Any

from tierline.kit.errors import Invalid

MOST_PAGES, PAGES_AT_ONCE = 1_500, 3
LARGEST_PAGE = 20_000
MEMORY = 1 << 30  # bytes
PATIENCE = 90.0  # seconds


async def read_pdf(content: bytes) -> list[dict[str, str]]:
    """The parts of a PDF, each with its title and text: by its outline, or a few pages at a time.

    Raises:
        Invalid: it cannot be read, holds no text, or takes too long.
    """
    reader = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tier1.pdf",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            out, _ = await reader.communicate(content)
    except TimeoutError:
        raise Invalid(f"the PDF takes longer than {PATIENCE:.0f} seconds to read; split it, or save it again") from None
    finally:
        if reader.returncode is None:
            reader.kill()
            await reader.wait()
    if reader.returncode != 0:
        raise Invalid("the PDF cannot be read; save it again as PDF, or send its text as Markdown")
    said: dict[str, Any] = json.loads(out)
    if "error" in said:
        raise Invalid(said["error"])
    parts: list[dict[str, str]] = said["parts"]
    return parts


def parts_of(content: bytes) -> dict[str, Any]:
    """What the file holds, or in words why it cannot be read."""
    from pypdf import PdfReader  # noqa: PLC0415 - only this process needs it

    pdf = PdfReader(BytesIO(content))
    if pdf.is_encrypted and not pdf.decrypt(""):
        return {"error": "the PDF asks for a password; save it without one"}
    if len(pdf.pages) > MOST_PAGES:
        return {"error": f"the PDF has more than {MOST_PAGES} pages; split it"}
    texts = [(page.extract_text() or "").replace("\x00", "")[:LARGEST_PAGE] for page in pdf.pages]
    if not any(text.strip() for text in texts):
        return {"error": "the PDF holds pictures of pages and no text; have it read by OCR first"}
    starts = _outline(pdf) or dict.fromkeys(range(0, len(texts), PAGES_AT_ONCE), "")
    starts = {0: "", **starts}
    places = sorted(starts)
    parts = []
    for start, end in zip(places, [*places[1:], len(texts)], strict=True):
        for first in range(start, end, PAGES_AT_ONCE):
            last = min(first + PAGES_AT_ONCE, end)
            where = f"page {first + 1}" if last == first + 1 else f"pages {first + 1} to {last}"
            title = f"{starts[start]} ({where})" if starts[start] else where
            parts.append({"title": title, "text": "\n\n".join(texts[first:last])[: LARGEST_PAGE * PAGES_AT_ONCE]})
    return {"parts": parts}


def _outline(pdf: Any) -> dict[int, str]:
    """The page on which each chapter of the outline begins."""
    found: dict[int, str] = {}
    for entry in pdf.outline:
        number = None if isinstance(entry, list) else pdf.get_destination_page_number(entry)
        if number is not None and number >= 0:
            found.setdefault(number, " ".join(str(entry.title).split())[:90])
    return found


def main() -> None:
    """Read a PDF from the standard input, and write its parts to the standard output, within bounds."""
    import resource  # noqa: PLC0415 - bounds for this process alone

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (int(PATIENCE), int(PATIENCE)))
    sys.stdout.write(json.dumps(parts_of(sys.stdin.buffer.read())))


if __name__ == "__main__":
    main()
