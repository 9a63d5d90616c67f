"""Do what the site does beside answering readers: `manage.py worker`."""

import asyncio
import logging
import signal
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connections
from procrastinate import PsycopgConnector
from procrastinate.contrib.django import app
from procrastinate.contrib.django.utils import connector_params

from comparisons.digest import sending

logger = logging.getLogger(__name__)

#: Jobs at once beside one for each lane.
OTHERS = 2
#: How long to wait for a connection, in seconds.
POOL_TIMEOUT = 10.0
#: How long to wait before the next try when Postgres is away, in seconds: at first, and at most.
PAUSES = (0.5, 10.0)


class Command(BaseCommand):
    """Any number of workers may run, on any number of machines. A signal ends it in order."""

    help = "Answer sign-ups, propose editions and send them, until Ctrl-C or SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until a signal comes. Postgres may go away meanwhile and come back."""
        self.stdout.write("The worker runs. Ctrl-C stops it.")
        asyncio.run(_work())


async def _work() -> None:
    """Run Procrastinate's worker, and a new one each time that the last one lost its database."""
    loop = asyncio.get_running_loop()
    concurrency = settings.DIGEST_LANES + OTHERS
    # By default there are few threads on a machine with few cores, and a lane mostly waits.
    loop.set_default_executor(ThreadPoolExecutor(concurrency))
    stopped = asyncio.Event()

    def stop() -> None:
        sending.stopping.set()
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    pause, most = PAUSES
    while not stopped.is_set():
        worker = asyncio.create_task(_serve(concurrency))
        stopper = asyncio.create_task(stopped.wait())
        began = loop.time()
        await asyncio.wait({worker, stopper}, return_when=asyncio.FIRST_COMPLETED)
        if not worker.done():
            worker.cancel()  # which ends it in order: its jobs finish first
        await asyncio.wait({worker})
        stopper.cancel()
        if stopped.is_set():
            break
        error = None if worker.cancelled() else worker.exception()
        logger.warning("The worker begins anew%s", f": {error}" if error else ".")
        pause = PAUSES[0] if loop.time() - began > most else min(pause * 2, most)
        await asyncio.wait({asyncio.create_task(stopped.wait())}, timeout=pause)


async def _serve(concurrency: int) -> None:
    # Asked for anew with each connection: an embedded server has a new socket after a restart.
    alias = "worker" if "worker" in connections else "default"
    connector = PsycopgConnector(kwargs=partial(connector_params, alias), timeout=POOL_TIMEOUT)
    with app.replace_connector(connector):
        async with app.open_async():
            await app.run_worker_async(
                concurrency=concurrency,
                install_signal_handlers=False,
                delete_jobs="always",
                fetch_job_polling_interval=2.0,
            )
