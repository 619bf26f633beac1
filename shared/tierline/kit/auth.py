"""Who may: API keys, kept as hashes with a member and scopes in one file that is read again when it changes.

The same function will one day read an OIDC access token; endpoints only ever see a `Principal`.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tierline.kit.errors import Forbidden, Misconfigured, Unauthenticated

PREFIX = "tl_live_"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: a key's id, the member it belongs to (None for the consortium's own people), and its scopes."""

    id: str
    member: str | None
    scopes: frozenset[str]

    def needs(self, *scopes: str) -> None:
        """Raises `Forbidden` unless one of these scopes is held."""
        if not self.scopes.intersection(scopes):
            raise Forbidden(f"this needs the scope {' or '.join(scopes)}", needed=list(scopes))

    def may_see(self, member: str) -> bool:
        """Whether things of this member are visible to the caller at all."""
        return self.member is None or self.member == member


class StoredKey(BaseModel):
    """A key as the file holds it: never the key itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hash: str
    member: str | None = None
    scopes: frozenset[str]


def make_key() -> tuple[str, str, str]:
    """A new key: its id, the key to hand out once, and the hash to keep."""
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    key = f"{PREFIX}{key_id}_{secret}"
    return key_id, key, digest(key)


def digest(key: str) -> str:
    """A key's hash. A key holds 256 random bits, so a plain hash cannot be guessed backwards."""
    return hashlib.sha256(key.encode()).hexdigest()


class KeyRing:
    """The keys of an install."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._keys: Mapping[str, StoredKey] = {}

    def load(self) -> None:
        """Read the file, if it changed. Raises `Misconfigured` with the remedy."""
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            if stamp == self._stamp:
                return
            raw = json.loads(self._path.read_text("utf-8"))
            self._keys = {key_id: StoredKey.model_validate(stored) for key_id, stored in raw.items()}
            self._stamp = stamp
        except OSError as error:
            raise Misconfigured(f"TIERLINE_KEYS: {self._path} cannot be read ({error.strerror})") from error
        except (ValueError, ValidationError, AttributeError) as error:
            raise Misconfigured(
                f'TIERLINE_KEYS: {self._path} is not of the form {{"<id>": {{"hash", "member", "scopes"}}}}'
            ) from error

    def principal(self, authorization: str | None) -> Principal:
        """Who sent this `Authorization` header. Raises `Unauthenticated`."""
        scheme, _, key = (authorization or "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key.startswith(PREFIX) or len(key) > 200 or not key.isascii():
            raise Unauthenticated("send a valid API key as `Authorization: Bearer <key>`")
        key_id = key.removeprefix(PREFIX).partition("_")[0]
        stored = self._keys.get(key_id)
        # An unknown id costs the same comparison as a wrong key.
        matches = hmac.compare_digest(stored.hash if stored else "0" * 64, digest(key))
        if stored is None or not matches:
            raise Unauthenticated("send a valid API key as `Authorization: Bearer <key>`")
        return Principal(key_id, stored.member, stored.scopes)


class StatusTokens:
    """The unguessable word by which a reader without a key follows their own thing: derived, never stored."""

    def __init__(self, secret: str) -> None:
        self._secret = hashlib.sha256(b"status-token:" + secret.encode()).digest()

    def of(self, key: str) -> str:
        """The token of this key."""
        return "st_" + hmac.new(self._secret, key.encode(), hashlib.sha256).hexdigest()[:43]

    def fits(self, key: str, token: str) -> bool:
        """Whether this token is the key's, in constant time."""
        return hmac.compare_digest(self.of(key), token if token.isascii() else "")
