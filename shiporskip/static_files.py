"""Static files as they are collected: hashed, compressed, the site's stylesheet in one piece."""

import re
from collections.abc import Iterator
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

#: A stylesheet that only imports others.
SITE = "css/site.css"
_IMPORT = re.compile(r'^@import url\("([^"]+)"\);\n', re.MULTILINE)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_INDENT = re.compile(r"\n\s+")


class Storage(CompressedManifestStaticFilesStorage):
    """Puts what `SITE` imports in its place, so that a page waits for one request and not for many.

    What is not collected (DEBUG, tests) is imported by the browser.
    """

    def post_process(
        self, paths: dict[str, tuple[Any, str]], dry_run: bool = False, **options: Any
    ) -> Iterator[Any]:
        if SITE in paths and not dry_run:
            together = InMemoryStorage()
            together.save(SITE, ContentFile(joined(paths, SITE).encode()))
            paths = paths | {SITE: (together, SITE)}
        yield from super().post_process(paths, dry_run, **options)


def joined(paths: dict[str, tuple[Any, str]], name: str) -> str:
    """Return a stylesheet with those that it imports in it, without comments and indents.

    They have no addresses of files in them, which would be relative to their folders.
    """
    folder = name.rpartition("/")[0]

    def imported(found: re.Match[str]) -> str:
        text = _text(paths, f"{folder}/{found[1]}")
        if "url(" in text:
            raise ValueError(f"{found[1]} has an address in it, which would lead elsewhere.")
        return text

    text = _IMPORT.sub(imported, _text(paths, name))
    return _INDENT.sub("\n", _COMMENT.sub("", text)).strip() + "\n"


def _text(paths: dict[str, tuple[Any, str]], name: str) -> str:
    storage, path = paths[name]
    with storage.open(path) as file:
        return str(file.read().decode())
