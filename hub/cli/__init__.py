"""The command `tocsin`. Verbs that talk to a hub use TOCSIN_URL and TOCSIN_API_TOKEN; `--json` everywhere.

Exit: 0 ok · 1 refused, or faults found · 2 usage · 3 the hub cannot be reached.
"""

import argparse
import errno
import io
import json
import os
import sys
from collections.abc import Sequence

from hub.cli.grammar import parser
from hub.cli.printing import FAULTS, OK, show
from hub.errors import RulesError, SettingsError, TocsinError

UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Why an output takes nothing: a full disk, mostly."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # what a terminal has no letter for, as on standard error
    code: int | str | None
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments)
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where a reader that has gone away is no fault
    except BrokenPipeError:
        _say_no_more()
        code = OK
    except OSError as error:
        if error.errno not in UNWRITABLE or error.filename is not None:
            raise
        _say_no_more()
        show(f"tocsin: what it has to say cannot be written: {error.strerror}", aside=True)
        code = FAULTS
    sys.exit(code)


def _run(arguments: Sequence[str]) -> int | str | None:
    """The code with which to exit."""
    try:
        options = parser(arguments).parse_args(arguments)
    except SystemExit as ended:  # after --help, or what was called wrongly
        return ended.code
    try:
        code: int = options.run(options)
        return code
    except RulesError as error:
        _complain(options, str(error))
    except SettingsError as error:
        _complain(options, f"tocsin: {error}")
    except TocsinError as error:
        _complain(options, f"tocsin: {error}")
        return getattr(error, "exit_code", FAULTS)
    except KeyboardInterrupt:
        return 130
    return FAULTS


def _say_no_more() -> None:
    """Else what could not be written is tried, and complained of, once more at the exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(options: argparse.Namespace, text: str) -> None:
    if getattr(options, "json", False):
        print(json.dumps({"error": text}))
    else:
        show(text, aside=True)
