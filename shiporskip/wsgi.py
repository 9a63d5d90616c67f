"""The entry point for a WSGI server: `gunicorn shiporskip.wsgi`."""

import os
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters


class Request(WSGIRequest):
    """A request in UTF-8, which all our pages and forms are in, whatever it says of itself.

    Django believes a header, also on a request without a body, and would read the address in an
    encoding that may be none of text (`charset=rot13`), which nobody catches at that place.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        said = meta.get("CONTENT_TYPE", "")
        self.content_type, self.content_params = parse_header_parameters(said)


class Application(WSGIHandler):
    """Django's, with our requests."""

    request_class = Request


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shiporskip.settings")
django.setup(set_prefix=False)
application = Application()
