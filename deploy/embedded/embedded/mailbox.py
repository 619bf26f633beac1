"""A mailbox for a machine without a mail server: real SMTP in, one file a mail in a folder that people can open."""

import itertools
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller


class Mailbox:
    """Takes every mail, and keeps it as `<number>-<recipient>.eml`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = itertools.count(1)
        self._controller: Controller | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._controller is not None
        return _port(self._controller.server)

    def start(self) -> None:
        """Listen on a free port of this machine."""
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = [int(path.name.partition("-")[0]) for path in self.folder.glob("[0-9]*-*.eml")]
        self._numbers = itertools.count(max(kept, default=0) + 1)
        self._controller = _AnyPort(self, hostname="127.0.0.1", port=0)
        self._controller.start()

    def stop(self) -> None:
        """Listen no more."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:
        """Keep a mail before it is accepted."""
        recipient = "".join(c if c.isalnum() or c in "@.-_" else "_" for c in envelope.rcpt_tos[0])[:80]
        path = self.folder / f"{next(self._numbers):05d}-{recipient}.eml"
        partial = path.with_suffix(".part")
        partial.write_bytes(envelope.content)
        partial.replace(path)
        return "250 kept"


class _AnyPort(Controller):
    def _trigger_server(self) -> None:
        """aiosmtpd greets itself to see whether it works; on a port of the system's choice it would greet port 0."""
        self.port = _port(self.server)
        super()._trigger_server()  # type: ignore[no-untyped-call]


def _port(server: Any) -> int:
    return int(server.sockets[0].getsockname()[1])
