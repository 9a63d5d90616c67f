"""Mail servers that misbehave, as back ends of Django."""

from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.locmem import EmailBackend


class Away(BaseEmailBackend):
    """Nobody is there."""

    def open(self):
        raise ConnectionRefusedError

    def send_messages(self, messages):
        raise AssertionError("nothing is sent to a server that is away")


class Forbidden(BaseEmailBackend):
    """Must not be asked for anything."""

    def open(self):
        raise AssertionError("asked without need")


class Scripted(EmailBackend):
    """Raises or calls what stands in `answers`, one for each mail; takes what comes after that."""

    answers = []
    opened = 0

    def open(self):
        type(self).opened += 1

    def send_messages(self, messages):
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, BaseException):
                raise answer
            answer(messages[0])
        return super().send_messages(messages)
