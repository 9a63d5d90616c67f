"""Taking catalog documents in, as the command does."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Any], str]:
    """Write a document (or bytes that are none) to a file and return its name."""

    def write(content: Any) -> str:
        path = tmp_path / "catalog.json"
        path.write_bytes(
            content if isinstance(content, bytes) else json.dumps(content).encode("utf-8")
        )
        return str(path)

    return write


@pytest.fixture
def take_in(written: Callable[[Any], str]) -> Callable[..., str]:
    """Import a document and return what was printed."""

    def run(content: Any, *options: str) -> str:
        out = io.StringIO()
        call_command("import_catalog", written(content), *options, stdout=out)
        return out.getvalue()

    return run


@pytest.fixture
def refusal(written: Callable[[Any], str]) -> Callable[[Any], list[str]]:
    """Return the errors with which a document is refused."""

    def run(content: Any) -> list[str]:
        err = io.StringIO()
        with pytest.raises(CommandError) as raised:
            call_command("import_catalog", written(content), stderr=err)
        assert raised.value.returncode == 1
        lines = err.getvalue().splitlines()
        count = "1 error" if len(lines) == 1 else f"{len(lines)} errors"
        assert str(raised.value) == f"{count} in the document. Nothing was written."
        return lines

    return run
