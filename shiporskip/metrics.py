"""Figures for Prometheus, at a port of their own. Imported only where METRICS_PORT is set.

gunicorn's processes write them into files of one folder (PROMETHEUS_MULTIPROC_DIR, which
`gunicorn.conf.py` makes), and whichever of them gets the port answers for all. A worker answers for
itself, and tells how the digest stands.
"""

import errno
import logging
import os
import threading
import time
from collections.abc import Iterator

from django.conf import settings
from django.db import Error, connection, transaction
from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector

logger = logging.getLogger(__name__)

#: When to try again for a port that another process has, in seconds.
PORT_PAUSE = 1.0
_METHODS = {"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"}
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_requests = Counter(
    "shiporskip_requests", "Requests answered.", ["method", "route", "status", "kept"]
)
_seconds = Histogram(
    "shiporskip_request_seconds", "From request to answer.", ["route"], buckets=_BUCKETS
)
_jobs = Counter("shiporskip_jobs", "Jobs that a worker did.", ["task", "outcome"])
_job_seconds = Histogram(
    "shiporskip_job_seconds", "From a job's beginning to its end.", ["task"], buckets=_BUCKETS
)

# Finding a figure by its labels takes longer than adding to it.
_request_counters: dict[tuple[str, str, int, bool], Counter] = {}
_request_timers: dict[str, Histogram] = {}


def count_request(method: str, route: str, status: int, kept: bool, seconds: float) -> None:
    """Count a request, whether a kept page answered it, and the time it took."""
    # A method may be anything that a client sends, and each value is kept for ever.
    key = (method if method in _METHODS else "other", route, status, kept)
    counter = _request_counters.get(key)
    if counter is None:
        counter = _request_counters[key] = _requests.labels(*key[:3], "yes" if kept else "no")
    counter.inc()
    timer = _request_timers.get(route)
    if timer is None:
        timer = _request_timers[route] = _seconds.labels(route)
    timer.observe(seconds)


def count_job(task: str, outcome: str, seconds: float) -> None:
    """Count a worker's job and the time it took."""
    _jobs.labels(task, outcome).inc()
    _job_seconds.labels(task).observe(seconds)


def serve_for_web() -> None:
    """Answer Prometheus from one of gunicorn's processes, in a thread of each that waits for it."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    _serve(settings.METRICS_PORT, registry)


def serve_for_worker() -> None:
    """Answer Prometheus from a worker, one port above the web's."""
    REGISTRY.register(Digest())
    _serve(settings.METRICS_PORT + 1, REGISTRY)


def _serve(port: int, registry: CollectorRegistry) -> None:
    def wait_and_serve() -> None:
        while True:
            try:
                start_http_server(port, settings.METRICS_HOST, registry)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    logger.error("There are no figures at METRICS_HOST, METRICS_PORT: %s", error)
                    return
                time.sleep(PORT_PAUSE)  # another process of ours has it, and may end before us
            else:
                return

    threading.Thread(target=wait_and_serve, name="metrics", daemon=True).start()


class Digest(Collector):
    """How the digest stands, asked when Prometheus asks; nothing while the database is away."""

    def collect(self) -> Iterator[Metric]:
        """Yield the deliveries of editions on their way, the lanes, and the jobs that wait."""
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = 2000")
                deliveries = GaugeMetricFamily(
                    "shiporskip_deliveries", "Of editions that are being sent.", labels=["status"]
                )
                cursor.execute(_DELIVERIES)
                for status, number in cursor.fetchall():
                    deliveries.add_metric([status], number)
                cursor.execute(_LANES)
                held, resting = cursor.fetchone()
                lanes = GaugeMetricFamily("shiporskip_lanes", "By what they do.", labels=["state"])
                lanes.add_metric(["held"], held)
                lanes.add_metric(["resting"], resting)
                cursor.execute(_WAITING)
                jobs = GaugeMetricFamily(
                    "shiporskip_jobs_waiting", "For a worker.", value=cursor.fetchone()[0]
                )
        except Error:
            return
        finally:
            connection.close()
        yield from (deliveries, lanes, jobs)


_DELIVERIES = """
    SELECT delivery.status, count(*)
    FROM digest_delivery delivery JOIN digest_edition edition ON edition.id = delivery.edition_id
    WHERE edition.status = 'sending' GROUP BY delivery.status
"""
_LANES = """
    SELECT count(*) FILTER (WHERE token IS NOT NULL), count(*) FILTER (WHERE resting_until > now())
    FROM digest_lane
"""
_WAITING = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'"
