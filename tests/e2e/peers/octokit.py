"""The library that GitHub's own SDK for JavaScript signs and verifies webhooks with."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from peers.servers import NPM

SCRIPT = Path(__file__).with_suffix(".mjs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    secret: str
    body: str
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the library makes of a body, and whether it takes the signature that it was given."""

    signature: str
    valid: bool


def ask(questions: Sequence[Asked]) -> list[Answer]:
    """One process for all. Given as a text, the script finds its packages from the folder that it runs in."""
    said = subprocess.run(
        ["node", "--input-type=module", "--eval", SCRIPT.read_text()],
        input=json.dumps([asdict(question) for question in questions]),
        cwd=NPM,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return [Answer(**answer) for answer in json.loads(said.stdout)]
