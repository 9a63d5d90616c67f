"""A Redis or a Valkey of a test's own, which keeps nothing on disk."""

from .programs import Program, answers, free_port, needed


class Redis(Program):
    """A server that can be stopped and started at one port."""

    def __init__(self, folder):
        program = needed("valkey-server", "redis-server", package="redis-server")
        self.port = free_port()
        folder.mkdir()
        words = {"--port": self.port, "--bind": "127.0.0.1", "--save": "", "--appendonly": "no"}
        super().__init__(
            [program, *(word for pair in words.items() for word in pair)],
            folder / "log",
            cwd=folder,
        )

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self):
        super().start()
        self.wait_until(lambda: answers(self.port))
        return self
