"""Access keys, as Azure keeps them: master, the host's default key, keys of single functions, and system keys."""

import hmac
import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

DURABLE = "durabletask_extension"


class Keys:
    """The keys of a host and what each of them opens."""

    def __init__(self, master: str, default: str, functions: dict[str, str], system: dict[str, str]) -> None:
        self.master = master
        self.default = default
        self.functions = functions
        self.system = system

    @classmethod
    def load(cls, file: Path) -> "Keys":
        """Read the keys, making at random what neither the file nor HOST_KEYS_JSON gives."""
        kept: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        given: dict[str, Any] = json.loads(os.environ.get("HOST_KEYS_JSON") or "{}")
        made = {"master": _random_key(), "default": _random_key(), "functions": {}, "system": {DURABLE: _random_key()}}
        keys = {**made, **kept, **given}
        keys["system"] = {**made["system"], **kept.get("system", {}), **given.get("system", {})}
        # Written to one side first: a host killed here must not leave half a file.
        draft = file.with_suffix(".new")
        draft.write_text(json.dumps(keys, indent=2))
        draft.chmod(0o600)
        draft.replace(file)
        return cls(keys["master"], keys["default"], keys["functions"], keys["system"])

    def open_function(self, level: str, function: str, key: str | None) -> bool:
        """Return whether a key opens an HTTP function of the given authorisation level."""
        match level.lower():
            case "anonymous":
                return True
            case "function":
                own = [self.functions[function]] if function in self.functions else []
                return _is_one_of(key, [*own, self.default, self.master])
            case _:
                return self.open_admin(key)

    def open_admin(self, key: str | None) -> bool:
        """Return whether a key opens the admin endpoints."""
        return _is_one_of(key, [self.master])

    def open_some_function(self, key: str | None) -> bool:
        """Tell whether a key is an operator's: it opens functions, if not this one."""
        return _is_one_of(key, [self.default])

    def open_durable(self, key: str | None) -> bool:
        """Return whether a key opens the Durable management API."""
        return _is_one_of(key, [self.system[DURABLE], self.master])


def _random_key() -> str:
    return secrets.token_urlsafe(40)


def _is_one_of(key: str | None, allowed: Iterable[str]) -> bool:
    return key is not None and any(hmac.compare_digest(key.encode(), each.encode()) for each in allowed)
