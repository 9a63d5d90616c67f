"""What a mail server's answer means for one mail, for its recipient and for the whole edition."""

import re
from dataclasses import dataclass
from enum import Enum, auto

#: The longest answer that is kept.
MAX_LENGTH = 500
_ENHANCED = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})\b")


class Step(Enum):
    """How far a mail had come when the server answered."""

    CONNECT = auto()
    SENDER = auto()
    RECIPIENT = auto()
    MESSAGE = auto()


class Outcome(Enum):
    """What an answer means."""

    SENT = auto()  # the server has taken the mail over
    BOUNCED = auto()  # nobody is at this address: suppress it
    FAILED = auto()  # this mail will never be taken
    LATER = auto()  # this mail may be taken later
    SLOW = auto()  # the connection asks too much: rest, then go on with the same mail
    BLOCKED = auto()  # it is about us and not about the recipient: stop everything


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's answer (RFC 5321, 4.2), with its enhanced status code (RFC 3463) in the text."""

    code: int
    text: str
    step: Step = Step.MESSAGE

    @classmethod
    def read(cls, code: int, text: bytes | str, step: Step) -> "Reply":
        """Return an answer with a text that is safe to keep and to show."""
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        printable = "".join(sign if sign.isprintable() else " " for sign in text)
        return cls(code, " ".join(printable.split())[:MAX_LENGTH], step)

    @property
    def enhanced(self) -> tuple[int, int, int] | None:
        """The enhanced status code; None where the text does not begin with one of this class."""
        found = _ENHANCED.match(self.text)
        if not found or int(found[1]) != self.code // 100:
            return None
        return int(found[1]), int(found[2]), int(found[3])

    @property
    def outcome(self) -> Outcome:
        """What it means; see `classify`."""
        return classify(self)

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip()[:MAX_LENGTH]


#: Statuses of RFC 3463 that are about the sender's address, though their subject is addressing.
_ABOUT_SENDER = {(5, 1, 7), (5, 1, 8)}
#: Subjects of RFC 3463: addressing, media, security or policy.
_ADDRESSING, _MEDIA, _POLICY = 1, 6, 7


def classify(reply: Reply) -> Outcome:
    """Say what an answer means.

    A mailbox that is not there (5.1.x, or 550, 551 and 553) bounces. Policy (5.7.x) is about us,
    and so is every final refusal before the recipient was named: nobody is suppressed for that.
    421 and 454 ask for less; whatever else is temporary is tried again. The codes are those of
    RFC 5321, 4.2.3, and of RFC 4954 and 3207 for 454.
    """
    kind, enhanced = reply.code // 100, reply.enhanced
    if kind == 2:
        return Outcome.SENT
    if reply.code in (421, 454):
        return Outcome.SLOW
    if kind != 5:
        # 3xx where none belongs, and what is no code at all, is a server out of order.
        return Outcome.LATER
    subject = enhanced[1] if enhanced else None
    if reply.step in (Step.CONNECT, Step.SENDER) or subject == _POLICY or enhanced in _ABOUT_SENDER:
        return Outcome.BLOCKED
    if subject == _ADDRESSING:
        return Outcome.BOUNCED
    if reply.code in (550, 551, 553) and subject != _MEDIA:
        return Outcome.BOUNCED
    return Outcome.FAILED
