"""A mail server that takes mail, forgets it, and misbehaves as it is told: the proof's oracle.

It runs in a process of its own. What it took over is written down, and with the kernel, before it
says so; what it does not say it took over, it may still have written down: that is the uncertainty
a sender has to live with, and the log knows better.

By hand: `python -m tests.digest.sink --log taken.txt --rule '{"step": "rcpt", "reply": "450 No"}'`.
A line on standard input changes what it does, as `Sink` below writes it.
"""

# ruff: noqa: N802 - aiosmtpd names its methods for commands

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from aiosmtpd.smtp import SMTP

ROOT = Path(__file__).resolve().parents[2]
#: Without its end (RFC 5321, 4.5.3.1.6).
LONGEST_LINE = 998
STEPS = ("connect", "mail", "rcpt", "data", "body", "dot")


@dataclass(frozen=True)
class Rule:
    """What to do otherwise than take the mail, at one step and where the conditions hold.

    `body` is the time between the answer to DATA and the final dot; all that fits there is `drop`.
    """

    step: str
    #: Answer this. After 421 the connection is closed, as it says.
    reply: str = ""
    #: Close the connection instead of answering.
    drop: bool = False
    #: Wait so many seconds first.
    stall: float = 0
    #: At the dot: take the mail over before that, whatever is answered or not.
    accept: bool = False
    #: Be away altogether for so many seconds from then on.
    away: float = 0

    #: Only for recipients that this regular expression finds something in.
    recipient: str = ""
    #: Only when the connection has carried so many mails.
    after: int = 0
    #: Of the times that all this holds: only each so many-th …
    every: int = 1
    #: … at most so often …
    times: int = 0
    #: … and with this probability.
    share: float = 1

    def __post_init__(self):
        if self.step not in STEPS:
            raise ValueError(f"{self.step!r} is none of the steps {', '.join(STEPS)}.")


@dataclass(frozen=True)
class Acceptance:
    """A mail that was taken over: a line of the log."""

    at: float
    connection: int
    recipient: str
    message_id: str


def read_log(path):
    """Return every mail that was taken over, in order. A line that is being written is left out."""
    lines = Path(path).read_text().split("\n")[:-1]
    return [
        Acceptance(float(at), int(connection), recipient, message_id)
        for at, connection, recipient, message_id in (line.split("\t") for line in lines)
    ]


# The server


class _Connection(SMTP):
    """One connection. aiosmtpd reads the protocol, strictly; what is answered passes here."""

    def __init__(self, house):
        super().__init__(self, hostname="sink.test", ident="sink", loop=house.loop)
        self.house = house
        self.number = house.count_connection(self)
        self.carried = 0
        self.step = "connect"

    def connection_lost(self, error):
        self.house.connections.discard(self)
        super().connection_lost(error)

    async def push(self, status):
        """Answer, after the delay, unless the script has something against it."""
        if self.house.delay:
            await asyncio.sleep(self.house.delay)
        if self.step == "connect":
            status = await self._scripted("connect", "") or status
        self.step = ""
        await super().push(status)
        if str(status).startswith("421"):
            self._close()

    async def smtp_DATA(self, arg):
        if not self.envelope.rcpt_tos:
            await super().smtp_DATA(arg)  # which says why not
            return
        recipient = self.envelope.rcpt_tos[0]
        if status := await self._scripted("data", recipient):
            self._set_post_data_state()
            await self.push(status)
            return
        is_cut = self.house.rule_for("body", recipient, self.carried)
        await self.push("354 Go on")
        if is_cut:
            self._close(abruptly=True)
        self.envelope.content = await self._read_mail()
        status = await self.handle_DATA(self, self.session, self.envelope)
        self._set_post_data_state()
        await self.push(status)

    async def _read_mail(self):
        """Return what comes up to the final dot, in a fraction of the time that aiosmtpd takes."""
        mail = bytearray(b"\r\n")
        while not mail.endswith(b"\r\n.\r\n"):
            chunk = await self._reader.read(65536)
            if not chunk:
                self._close()
            mail += chunk
        return bytes(mail[2:])

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        if status := await self._scripted("mail", ""):
            return status
        envelope.mail_from = address
        return "250 2.1.0 Go on"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if status := await self._scripted("rcpt", address):
            return status
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Go on"

    async def handle_DATA(self, server, session, envelope):
        recipient = envelope.rcpt_tos[0]
        self.carried += 1
        lines = envelope.content.split(b"\r\n")
        if max(map(len, lines)) > LONGEST_LINE or envelope.content.count(b"\n") >= len(lines):
            return "500 5.6.0 A line is too long, or ends otherwise than by CR LF"
        rule = self.house.rule_for("dot", recipient, self.carried)
        if rule and rule.accept:
            self.house.write_down(self.number, envelope)
        if rule and (status := await self._do(rule)):
            return status
        if not (rule and rule.accept):
            self.house.write_down(self.number, envelope)
        return "250 2.0.0 Taken over"

    async def handle_exception(self, error):
        print(f"The sink is at fault: {error!r}", file=sys.stderr, flush=True)
        return "421 4.3.0 Fault of the sink"

    async def _scripted(self, step, recipient):
        """Do what the script has for this step, and return what is to be answered, or nothing."""
        rule = self.house.rule_for(step, recipient, self.carried)
        return await self._do(rule) if rule else ""

    async def _do(self, rule):
        if rule.stall:
            await asyncio.sleep(rule.stall)
        if rule.away:
            await self.house.go_away(rule.away)
        if rule.drop or rule.away:
            self._close()
        return rule.reply

    def _close(self, abruptly=False):
        if self.transport is not None:
            self.transport.abort() if abruptly else self.transport.close()
        # As when the client has gone: whatever was to be done next is not done.
        raise asyncio.CancelledError


class _House:
    """The server: its script, its log and its connections."""

    def __init__(self, loop, log, rules, delay, seed):
        self.loop = loop
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.delay = delay
        self.dice = Random(seed)
        self.connections = set()
        self.number = 0
        self.listener = None
        self.port = 0
        self.script(rules)

    def script(self, rules):
        self.rules = list(rules)
        self.fits = Counter()
        self.done = Counter()

    def count_connection(self, connection):
        self.number += 1
        self.connections.add(connection)
        return self.number

    def rule_for(self, step, recipient, carried):
        """Return the first rule that applies now, and count that it did."""
        for number, rule in enumerate(self.rules):
            if rule.step != step or carried < rule.after:
                continue
            if rule.recipient and not re.search(rule.recipient, recipient):
                continue
            self.fits[number] += 1
            if self.fits[number] % rule.every or (rule.times and self.done[number] >= rule.times):
                continue
            if rule.share < 1 and self.dice.random() >= rule.share:
                continue
            self.done[number] += 1
            return rule
        return None

    def write_down(self, connection, envelope):
        head = envelope.content[:8192].decode("ascii", "replace")
        found = re.search(r"^Message-ID:\s*(\S+)", head, re.MULTILINE | re.IGNORECASE)
        line = (time.monotonic(), connection, envelope.rcpt_tos[0], found[1] if found else "-")
        os.write(self.log, ("\t".join(map(str, line)) + "\n").encode())

    async def listen(self, port=0):
        if self.listener is None:
            make = lambda: _Connection(self)  # noqa: E731
            self.listener = await self.loop.create_server(
                make, "127.0.0.1", port or self.port, backlog=200
            )
            self.port = self.listener.sockets[0].getsockname()[1]

    async def go_away(self, seconds=0.0):
        """Refuse connections, and close those there are; come back after a time if one is given."""
        if self.listener is not None:
            self.listener.close()
            self.listener = None
        for connection in list(self.connections):
            if connection.transport is not None:
                connection.transport.abort()
        if seconds:
            self.loop.call_later(seconds, lambda: self.loop.create_task(self.listen()))

    async def obey(self, order):
        """Do what a line on standard input says."""
        if "rules" in order:
            self.script(Rule(**rule) for rule in order["rules"])
        if "delay" in order:
            self.delay = order["delay"]
        if order.get("forget"):
            os.ftruncate(self.log, 0)
        if "away" in order:
            await (self.go_away() if order["away"] else self.listen())


async def _serve(options):
    loop = asyncio.get_running_loop()
    rules = [Rule(**json.loads(rule)) for rule in options.rule]
    house = _House(loop, options.log, rules, options.delay, options.seed)
    await house.listen(options.port)
    print(f"smtp://127.0.0.1:{house.port}", flush=True)
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        await house.obey(json.loads(line))
        print("done", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description="Take mail, forget it, and misbehave. Ends with its standard input.",
        epilog=f"A rule is a JSON object with the members {', '.join(Rule.__annotations__)}; the "
        f"first one that applies is followed. The steps are {', '.join(STEPS)}.",
    )
    parser.add_argument("--log", default=os.devnull, help="what was taken over, one line a mail")
    parser.add_argument("--port", type=int, default=0, help="a free one by default")
    parser.add_argument("--rule", action="append", default=[], metavar="JSON")
    parser.add_argument("--delay", type=float, default=0, help="seconds before each reply")
    parser.add_argument("--seed", type=int, default=0, help="for rules with a share")
    try:
        asyncio.run(_serve(parser.parse_args()))
    except KeyboardInterrupt:
        sys.exit(130)


# Who uses it


class Sink:
    """A running sink, which ends with the `with` block or with the process that started it."""

    def __init__(self, log=None, rules=(), delay=0.0, seed=0):
        self._folder = tempfile.TemporaryDirectory(prefix="sink-")
        self.log = Path(log or Path(self._folder.name) / "accepted.txt")
        self.log.touch()
        self._seen = self._total = 0
        command = [sys.executable, "-m", "tests.digest.sink", "--log", str(self.log)]
        command += ["--delay", str(delay), "--seed", str(seed)]
        for rule in rules:
            command += ["--rule", json.dumps(asdict(rule))]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.address = self._process.stdout.readline().strip()
        assert self.address, "The sink did not start; its error stands above."
        self.port = int(self.address.rpartition(":")[2])

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._folder.cleanup()

    def script(self, *rules):
        """From now on follow these rules, and no others."""
        self._order(rules=[asdict(rule) for rule in rules])

    def begin_anew(self, *rules, delay=0.0):
        """Forget what was taken over, and every connection; follow these rules."""
        self._order(rules=[asdict(rule) for rule in rules], delay=delay, away=True)
        self._order(forget=True, away=False)
        self._seen = self._total = 0

    def go_away(self):
        """Refuse connections, and close those there are."""
        self._order(away=True)

    def come_back(self):
        self._order(away=False)

    def accepted(self):
        """Return every mail that was taken over, in order."""
        return read_log(self.log)

    def counts(self):
        """Return how many mails were taken over for each recipient."""
        return Counter(mail.recipient for mail in self.accepted())

    def total(self):
        """Return how many mails were taken over; it reads only what is new in the log."""
        with self.log.open("rb") as log:
            log.seek(self._seen)
            new = log.read()
        self._seen += len(new)
        self._total += new.count(b"\n")
        return self._total

    def _order(self, **order):
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n", "The sink has ended."


if __name__ == "__main__":
    main()
