"""Static files as they are collected: hashed, compressed, the site's stylesheet in one piece."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

#: A stylesheet that only says which others there are, and in which order.
SITE = "css/site.css"
_IMPORT = re.compile(r'^@import url\("([^"]+)"\);\n', re.MULTILINE)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_INDENT = re.compile(r"\n\s+")


class Storage(CompressedManifestStaticFilesStorage):
    """Puts what `SITE` imports in its place, so that a page waits for one request and not for many.

    What is not collected (DEBUG, tests) has its parts linked: see `stylesheets`.
    """

    has_one_stylesheet = True

    def post_process(
        self, paths: dict[str, tuple[Any, str]], dry_run: bool = False, **options: Any
    ) -> Iterator[Any]:
        if SITE in paths and not dry_run:
            together = InMemoryStorage()
            together.save(SITE, ContentFile(joined(paths, SITE).encode()))
            paths = paths | {SITE: (together, SITE)}
        yield from super().post_process(paths, dry_run, **options)


@cache
def stylesheets() -> list[str]:
    """Return the stylesheets of every page: one, or all its parts where nothing is collected."""
    if getattr(staticfiles_storage, "has_one_stylesheet", False):
        return [SITE]
    path = finders.find(SITE)
    return [f"css/{part}" for part in _IMPORT.findall(Path(str(path)).read_text())]


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
