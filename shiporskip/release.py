"""Which release this is, told by its files, because not everybody deploys from a repository."""

import hashlib
from pathlib import Path

#: What makes pages look as they do.
_FOLDERS = ("comparisons", "reviews", "tools", "shiporskip", "templates", "static")


def mark(home: Path, *said: str) -> str:
    """Return a short name for exactly these sources, the collected static files and what is `said`.

    Equal on every machine that runs the same, and another one after any change.
    """
    digest = hashlib.sha256()
    files = [file for folder in _FOLDERS for file in (home / folder).rglob("*") if file.is_file()]
    for file in sorted([*files, home / ".static" / "staticfiles.json"]):
        if file.suffix != ".pyc" and file.exists():
            digest.update(f"{file.relative_to(home)}\n".encode() + file.read_bytes())
    digest.update("\n".join(said).encode())
    return digest.hexdigest()[:16]
