"""The site's own settings, with a bare view beside its pages to compare them with."""

from shiporskip.settings import *  # noqa: F403 - the benchmark wants every one of them

ROOT_URLCONF = "tests.benchmarks.urls"
