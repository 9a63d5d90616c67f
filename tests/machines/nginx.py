"""nginx with the documented configuration, before whatever listens on a port."""

import shutil

from django.conf import settings

from .programs import Program, answers, free_port, needed

MAIN = """
daemon off;
{user}
worker_processes 1;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
events {{ worker_connections 256; }}
http {{
    include {types};
    default_type application/octet-stream;
    access_log off;
    {paths}
    {documented}
}}
"""
TYPES = "types { text/html html; text/css css; text/javascript js; image/svg+xml svg; }"


class Nginx(Program):
    """The documented nginx, with its folders in `folder`."""

    def __init__(self, folder, upstream):
        found = needed("nginx", package="nginx-light")
        self.port, self.folder = free_port(), folder / "nginx"
        self.address = f"http://127.0.0.1:{self.port}"
        self.folder.mkdir()
        (self.folder / "types").write_text(TYPES)
        (self.folder / "nginx.conf").write_text(self.configuration(upstream))
        command = [found, "-p", self.folder, "-c", self.folder / "nginx.conf", "-e", "stderr"]
        super().__init__(command, self.folder / "log")

    def configuration(self, upstream):
        documented = (settings.BASE_DIR / "shiporskip" / "nginx.conf").read_text()
        changes = {
            "${UPSTREAM}": f"127.0.0.1:{upstream}",
            "listen 80 default_server": f"listen 127.0.0.1:{self.port} default_server",
            "/var/cache/nginx": str(self.folder),
            "/var/www/ship-or-skip": str(self.folder / "www"),
        }
        for here, there in changes.items():
            assert here in documented
            documented = documented.replace(here, there)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        return MAIN.format(
            # As root its workers would be somebody else, who may not look into the folder.
            user="user root;",
            folder=self.folder,
            types=self.folder / "types",
            paths="\n".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in kinds),
            documented=documented,
        )

    def start(self):
        super().start()
        self.wait_until(lambda: answers(self.port))
        return self

    def serve_static(self, files):
        """Hand out a folder as operators do: linked to where the configuration looks."""
        shutil.copytree(files, self.folder / "www" / "static")
