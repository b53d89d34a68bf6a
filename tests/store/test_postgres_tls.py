"""PostgreSQL over TLS: connected where its certificate is good, and else told what mends it, without the password."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from peers.postgres import Postgres

from hub.errors import SettingsError
from hub.store import Changes, StoredRequest
from hub.store.opening import open_store

pytestmark = pytest.mark.e2e("postgresql", "openssl")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CA = """\
[ca]
default_ca = ours
[ours]
database = index
new_certs_dir = .
default_md = sha256
rand_serial = yes
policy = any
[any]
commonName = supplied
[good]
subjectAltName = IP:127.0.0.1,DNS:localhost
authorityKeyIdentifier = keyid
[elsewhere]
subjectAltName = DNS:db.example.com
authorityKeyIdentifier = keyid
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two authorities, `ours` and `theirs`, and what ours gave out: good, for elsewhere, and expired."""
    folder = tmp_path_factory.mktemp("tls")
    (folder / "ca.cnf").write_text(CA)
    (folder / "index").touch()

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc")
    itself = ("-x509", "-addext", "keyUsage = critical, keyCertSign")  # which Python asks for from 3.13 on
    for name in ("ours", "theirs"):
        openssl("req", *itself, *key, "-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN={name}")
    for name, names, ends in (
        ("good", "good", "21001121000000Z"),
        ("elsewhere", "elsewhere", "21001121000000Z"),
        ("expired", "good", "20200201000000Z"),
    ):
        openssl("req", "-new", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        dates = ("-startdate", "20200101000000Z", "-enddate", ends)
        signed = ("-batch", "-notext", "-cert", "ours.crt", "-keyfile", "ours.key", "-extensions", names, *dates)
        openssl("ca", "-config", "ca.cnf", *signed, "-in", f"{name}.csr", "-out", f"{name}.crt")
    return folder


@asynccontextmanager
async def spoken_to_by_tls(postgres: Postgres, certificate: Path) -> AsyncIterator[int]:
    """A port at which the server is reached by TLS alone: that of the wheel is built without."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.with_suffix(".crt"), certificate.with_suffix(".key"))
    tasks = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while piece := await reader.read(65536):
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        with suppress(OSError):
            await reader.readexactly(8)  # which asks whether TLS is spoken
            writer.write(b"S")
            await writer.start_tls(context)
            there, back = await asyncio.open_unix_connection(postgres.socket)
            await asyncio.gather(pass_on(reader, back), pass_on(there, writer))

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("asked", ["require", "verify-ca", "verify-full"])
async def test_what_is_written_goes_over_tls(postgres: Postgres, folder: Path, asked: str) -> None:
    postgres.clean()
    async with spoken_to_by_tls(postgres, folder / "good") as port:
        trusts = f"?sslmode={asked}" + (f"&sslrootcert={folder}/ours.crt" if asked != "require" else "")
        async with open_store(f"postgresql://postgres:hunter2@127.0.0.1:{port}/tocsin{trusts}") as store:
            request = StoredRequest(id="r1", source="s", tool="t", received_at=NOW, verdict="quiet")
            await store.commit(Changes(requests=[request]))

            assert 1 == (await store.count())["requests"]


async def test_whom_the_machine_trusts_is_trusted_where_the_url_says_so(
    postgres: Postgres, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As libpq has it: by its name, and never by less."""
    postgres.clean()
    async with spoken_to_by_tls(postgres, folder / "good") as port:
        url = f"postgresql://postgres:hunter2@127.0.0.1:{port}/tocsin?sslrootcert=system"
        with pytest.raises(SettingsError, match=r"cannot be trusted: .*; name who vouches for it"):
            async with open_store(url):
                pass
        monkeypatch.setenv("SSL_CERT_FILE", f"{folder}/ours.crt")
        async with open_store(f"{url}&sslmode=verify-full") as store:
            assert 0 == (await store.count())["requests"]
        with pytest.raises(SettingsError, match="needs sslmode=verify-full"):
            async with open_store(f"{url}&sslmode=require"):
                pass


@pytest.mark.parametrize(
    ("certificate", "trusts", "why"),
    [
        ("good", "verify-full&sslrootcert={}/theirs.crt", "local issuer certificate; name who vouches for it: "),
        ("good", "require&sslrootcert={}/theirs.crt", "local issuer certificate; name who vouches for it: "),
        ("good", "verify-full&sslrootcert={}/good.key", "the file of sslrootcert holds no certificate; name who"),
        ("expired", "verify-full&sslrootcert={}/ours.crt", "certificate has expired; give it a new certificate, or"),
        ("elsewhere", "verify-full&sslrootcert={}/ours.crt", "not valid for '127.0.0.1'; have the URL say the name"),
    ],
)
async def test_who_cannot_be_trusted_is_not_told_the_password(
    postgres: Postgres, folder: Path, certificate: str, trusts: str, why: str
) -> None:
    async with spoken_to_by_tls(postgres, folder / certificate) as port:
        url = f"postgresql://postgres:hunter2@127.0.0.1:{port}/tocsin?sslmode={trusts.format(folder)}"
        with pytest.raises(SettingsError, match=f"127.0.0.1:{port} cannot be trusted: .*{why}") as refused:
            async with open_store(url):
                pass

    assert "hunter2" not in f"{refused.value}{refused.value.__cause__}"
