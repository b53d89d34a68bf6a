"""Tools are found where they are: no list of them is kept."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub.registry import _record

PAGER = """\
from hub.contracts import Integration
from hub.core.event import Report, Severity, Status
from hub.proof import bearer


class Source:
    verify = staticmethod(bearer)

    def parse(self, request, options):
        title = request.json()["title"].text()
        return [Report(status=Status.PROBLEM, kind="page", key=title, title=title, severity=Severity.ERROR)]


INTEGRATION = Integration(title="Pager", homepage="https://pager.example.com", source=Source())
"""
RULES = """\
version: 1
channels: {ops: room:ops}
sources: {pager-eu: {tool: pager}}
everything_else: {to: ops}
"""


def test_a_tool_in_a_package_of_its_own_is_a_tool_like_others(tmp_path: Path) -> None:
    """It announces itself, and nothing here knows of it."""
    announced = tmp_path / "tocsin_pager-1.0.dist-info"
    announced.mkdir()
    (announced / "METADATA").write_text("Metadata-Version: 2.1\nName: tocsin-pager\nVersion: 1.0\n")
    (announced / "entry_points.txt").write_text("[tocsin.integrations]\npager = tocsin_pager\n")
    (tmp_path / "tocsin_pager.py").write_text(PAGER)
    (tmp_path / "routes.yaml").write_text(RULES)
    (tmp_path / "down.http").write_text('POST /in/pager-eu HTTP/1.1\n\n{"title": "web301 is down"}')
    command = [sys.executable, "-m", "hub", "explain", "down.http", "--routes", "routes.yaml"]

    said = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(__file__).parents[2]}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "web301 is down (pager-eu, problem, error, key web301 is down)" in said.stdout, said.stderr


def test_what_is_no_integration_is_named_with_the_cure() -> None:
    with pytest.raises(TypeError, match=r"'pager' is no tool: its module must have INTEGRATION = Integration\("):
        _record(object(), "pager")
