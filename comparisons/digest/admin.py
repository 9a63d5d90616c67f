"""The digest in the editors' desk. Django looks for this module; the pages are in `desk`."""

from comparisons.desk.front import FURTHER

from .desk import (  # noqa: F401 - each registers its pages
    deliveries,
    editions,
    kept_mail,
    subscribers,
    suppressions,
)
from .desk.front import digest_section

FURTHER.append(digest_section)
