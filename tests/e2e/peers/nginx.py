"""A real nginx in front of a hub, as `deploy/nginx.conf` has it."""

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from peers.hub import HubProcess
from peers.servers import NGINX, REPOSITORY, free_port, give, libraries, listens, running, wait_until, workplace

NAME = "tocsin.example.com"
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True, slots=True)
class Nginx:
    port: int
    trust: ssl.SSLContext


@contextmanager
def nginx(hub: HubProcess) -> Iterator[Nginx]:
    """It answers as NAME. Of the file only where things are is another: port, certificate, hub."""
    port = free_port()
    with workplace("nginx") as folder:
        told = (REPOSITORY / "deploy" / "nginx.conf").read_text()
        for there, here in (
            ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
            (f"/etc/letsencrypt/live/{NAME}", str(folder)),
            ("http://127.0.0.1:8080", hub.url),
        ):
            assert there in told
            told = told.replace(there, here)
        paths = " ".join(f"{name}_temp_path {folder}/{name};" for name in TEMPORARY)
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/pid; error_log stderr; events {{}}\nhttp {{ access_log off; {paths}\n{told}}}\n"
        )
        files = ("-keyout", "privkey.pem", "-out", "fullchain.pem", "-subj", f"/CN={NAME}")
        kind = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc")
        uses = (
            "-addext",
            f"subjectAltName = DNS:{NAME}",
            "-addext",
            "keyUsage = critical, digitalSignature, keyCertSign",
        )
        subprocess.run(["openssl", "req", *kind, *uses, *files], cwd=folder, check=True, capture_output=True)
        give(folder)
        library = {"LD_LIBRARY_PATH": str(libraries())}
        command = (NGINX, "-e", "stderr", "-c", folder / "nginx.conf")
        with running(*command, log=folder / "log", env=library, as_nobody=True):
            wait_until("nginx listens", lambda: listens(port))
            yield Nginx(port, ssl.create_default_context(cafile=folder / "fullchain.pem"))
