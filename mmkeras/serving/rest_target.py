from __future__ import annotations

import dataclasses
import re
import urllib.parse

from mmkeras.serving.serving_error import ServingError

_MODEL = r"/v1/models/(?P<model>[^/:]+)"
_WHICH = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_POST = re.compile(rf"{_MODEL}{_WHICH}:(?P<verb>classify|regress|predict)", re.I)
_GET = re.compile(rf"{_MODEL}{_WHICH}(?:/(?P<verb>metadata))?", re.I)


@dataclasses.dataclass(frozen=True)
class RestTarget:
    """What an address of TF Serving's REST API asks for.

    Args:
        verb: string, `"predict"`, `"classify"`, `"regress"`, `"metadata"` or
            `"status"`.
        model: string.
        version: int, or `None`.
        label: string, or `None`.
    """

    verb: str
    model: str
    version: int | None
    label: str | None

    @classmethod
    def parse(cls, method: str, path: str) -> RestTarget:
        """Reads an address.

        Args:
            method: string, of HTTP.
            path: string, as it came, percent signs and all.

        Raises:
            ServingError: `INVALID_ARGUMENT` if it is none.
        """
        pattern = {"POST": _POST, "GET": _GET}.get(method)
        match = pattern.fullmatch(path) if pattern else None
        if match is None:
            raise ServingError.invalid(f"Malformed request: {method} {path}")
        version, label = match["version"], match["label"]
        # Python itself reads no more than 4300 digits.
        if version and (len(version) > 19 or int(version) >= 2**63):
            raise ServingError.invalid(
                f"Failed to convert version: {version} to numeric."
            )
        return cls(
            (match["verb"] or "status").lower(),
            urllib.parse.unquote(match["model"]),
            int(version) if version else None,
            urllib.parse.unquote(label) if label else None,
        )
