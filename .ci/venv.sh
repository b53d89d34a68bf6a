#!/usr/bin/env bash
# Makes the virtual environment, or says what the machine lacks. usage: venv.sh PYTHON VENV
set -euo pipefail
python=$1 venv=$2

if ! command -v "$python" >/dev/null; then
    echo "There is no $python here. Name one that is at least 3.11: make PYTHON=/path/to/python3.11" >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "$python is $("$python" --version); Tocsin needs 3.11 or newer: make PYTHON=python3.11" >&2
    exit 1
fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    echo "$python cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2
    exit 1
fi
[ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear "$venv"
