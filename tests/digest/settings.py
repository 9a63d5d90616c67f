"""The site's own settings, for worker processes on the database and the clock of a proof."""

import json
import os

from shiporskip.settings import *  # noqa: F403 - a worker wants every one of them

DATABASES["default"] |= json.loads(os.environ["PROOF_DATABASE"])  # noqa: F405
EMAIL_TIMEOUT = float(os.environ.get("PROOF_TIMEOUT", "60"))
