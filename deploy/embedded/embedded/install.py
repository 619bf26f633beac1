"""The install's own things, under one folder: keys, secrets, credentials; made once, kept over restarts."""

import contextlib
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from embedded.databases import new_passwords
from tierline.domain.policy import Policies
from tierline.kit.auth import digest, make_key
from tierline.kit.errors import Misconfigured
from tierline.kit.webhooks import new_secret

SERVICES = ("intake", "tier1", "tier2", "tier3", "notifier")
MEMBER_KEYS = {
    "client": ["tickets:submit", "tickets:read"],
    "state": ["desk:state", "tickets:read"],
    "tier1": ["desk:tier1", "tickets:read"],
    "tier2": ["desk:tier2", "tickets:read"],
}
COMMON_KEYS = {
    "liaison": ["desk:tier3", "tickets:read"],
    "operator": ["operate", "notifier:read", "tickets:read"],
}


@dataclass
class Install:
    """What was made once: `credentials` are for people, `keys` are what services may know of them."""

    folder: Path
    policies: Policies
    state: dict[str, Any] = field(default_factory=dict)
    credentials: dict[str, Any] = field(default_factory=dict)

    @property
    def keys(self) -> Path:
        """The file of hashed keys, alone in its folder, so that a container is given this folder and sees no other file."""
        return self.folder / "keys" / "keys.json"

    def prepare(self, vendor_url: str) -> None:
        """Make what is missing. What is there stays as it is, so a restart changes no key and no secret."""
        try:
            self.keys.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):  # where an earlier release kept them
                (self.folder / "keys.json").rename(self.keys)
        except OSError as error:
            raise Misconfigured(
                f"{self.folder} cannot be used ({error.strerror}); name another with --folder"
            ) from None
        self.state = _read(self.folder / "install.json") or {
            "secret": secrets.token_hex(32),
            "passwords": new_passwords(SERVICES),
        }
        self.credentials = _read(self.folder / "credentials.json") or {"members": {}, "vendors": {}}
        hashes: dict[str, Any] = _read(self.keys) or {}

        def issue(scopes: list[str], member: str | None) -> str:
            key_id, key, _ = make_key()
            hashes[key_id] = {"hash": digest(key), "member": member, "scopes": scopes}
            return key

        members = self.credentials["members"]
        for member in self.policies:
            if member not in members:
                members[member] = {name: issue(scopes, member) for name, scopes in MEMBER_KEYS.items()}
        for name, scopes in COMMON_KEYS.items():
            if name not in self.credentials:
                self.credentials[name] = issue(scopes, None)
        for vendor in self.vendors():
            known = self.credentials["vendors"].setdefault(vendor, {"secret": new_secret()})
            known["url"] = vendor_url.format(vendor=vendor)
        _write(self.folder / "install.json", self.state)
        _write(self.keys, hashes)
        _write(self.folder / "credentials.json", self.credentials)

    def vendors(self) -> list[str]:
        """The vendors behind all liaisons."""
        found = {who.vendor for policy in self.policies.values() for who in policy.liaisons.values() if who.vendor}
        return sorted(found)


def _read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def _write(path: Path, content: Any) -> None:
    """Replace a file at once, readable by its owner alone; one that holds the same already is left as it is."""
    if _read(path) == content:
        return
    partial = path.with_suffix(".new")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
    partial.replace(path)
