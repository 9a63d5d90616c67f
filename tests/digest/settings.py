"""The site's own settings, for worker processes on the one database of a proof."""

import json
import os

from shiporskip.settings import *  # noqa: F403 - a worker wants every one of them

DATABASES = {"default": DATABASES["default"] | json.loads(os.environ["PROOF_DATABASE"])}  # noqa: F405
DATABASE_ROUTERS = []
REPLICAS = []
