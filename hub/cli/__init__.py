"""The command `tocsin`. Verbs that talk to a hub use TOCSIN_URL and TOCSIN_API_TOKEN; `--json` everywhere.

Exit: 0 ok · 1 refused, or faults found · 2 usage · 3 the hub cannot be reached.
"""

import argparse
import io
import json
import os
import sys
from collections.abc import Sequence

from hub.cli.grammar import parser
from hub.cli.printing import FAULTS, OK, show
from hub.errors import RulesError, SettingsError, TocsinError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # what a terminal has no letter for, as on standard error
    options = parser(sys.argv[1:] if arguments is None else arguments).parse_args(arguments)
    try:
        code = options.run(options)
        sys.stdout.flush()  # here, where a reader that has gone away is no fault
    except RulesError as error:
        _complain(options, str(error))
        code = FAULTS
    except SettingsError as error:
        _complain(options, f"tocsin: {error}")
        code = FAULTS
    except TocsinError as error:
        _complain(options, f"tocsin: {error}")
        code = getattr(error, "exit_code", FAULTS)
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = OK
    sys.exit(code)


def _complain(options: argparse.Namespace, text: str) -> None:
    if getattr(options, "json", False):
        print(json.dumps({"error": text}))
    else:
        show(text, aside=True)
