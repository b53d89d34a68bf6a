"""Where a file of SQLite lies, as far as it matters."""

from pathlib import Path

import pytest

from hub.store.checkup import OF_OTHERS, kind_of, look_at

MOUNTS = r"""overlay / overlay rw,relatime 0 0
/dev/sda1 /var ext4 rw 0 0
files:/export /srv/our\040files nfs4 rw,hard 0 0
/dev/sdb1 /srv/our\040files/local xfs rw 0 0
tmpfs /run tmpfs rw 0 0
files:/run /run nfs rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", "overlay"),
        ("/var/lib/tocsin", "ext4"),
        ("/variable", "overlay"),
        ("/srv/our files", "nfs4"),
        ("/srv/our files/tocsin", "nfs4"),
        ("/srv/our files/local/tocsin", "xfs"),
        ("/run/tocsin", "nfs"),
    ],
)
def test_the_innermost_and_newest_mount_is_where_it_lies(folder: str, kind: str) -> None:
    assert kind == kind_of(Path(folder), MOUNTS)


def test_nobody_knows_where_nothing_is_mounted() -> None:
    assert kind_of(Path("/var"), "") == ""


def test_a_file_of_this_machine_is_on_no_network(tmp_path: Path) -> None:
    assert look_at(tmp_path / "tocsin.db").network == ""
    assert "nfs4" in OF_OTHERS
