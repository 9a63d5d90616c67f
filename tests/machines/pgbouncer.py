"""PgBouncer in transaction mode, with few connections, so that they do go round."""

import os

from shiporskip.embedded.programs import choose_identity

from .programs import Program, answers, free_port, needed


class PgBouncer(Program):
    """A pooler before a server."""

    def __init__(self, folder, server, pool_size=2):
        program = needed("pgbouncer", package="pgbouncer")
        self.folder, self.port, self.server = folder, free_port(), server
        folder.mkdir()
        identity = choose_identity()
        os.chown(folder, identity.user, identity.group)
        (folder / "pgbouncer.ini").write_text(
            f"""
            [databases]
            * = host=127.0.0.1 port={server.port} user=postgres
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {self.port}
            unix_socket_dir =
            auth_type = any
            pool_mode = transaction
            default_pool_size = {pool_size}
            ignore_startup_parameters = extra_float_digits
            """.replace("            ", "")
        )
        # It refuses root, as PostgreSQL does.
        super().__init__([*identity.prefix, program, folder / "pgbouncer.ini"], folder / "log")

    def start(self):
        super().start()
        self.wait_until(lambda: answers(self.port))
        return self

    def url(self):
        return f"postgres://postgres@127.0.0.1:{self.port}/site?application_name=pages"
