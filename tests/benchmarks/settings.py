"""The site's own settings, with a bare view beside its pages, and a database of the benchmark's."""

import os

from shiporskip.settings import *  # noqa: F403 - the benchmark wants every one of them
from shiporskip.settings import DATABASES

ROOT_URLCONF = "tests.benchmarks.urls"
if name := os.environ.get("BENCH_DATABASE"):
    DATABASES["default"]["NAME"] = name
