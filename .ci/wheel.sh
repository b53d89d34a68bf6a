#!/usr/bin/env bash
# What people install: the wheel, in a new environment with the runtime lock and nothing else, run in an empty folder.
# What the tests' own packages would have lent it shows here.
set -euo pipefail
python="$(realpath -s "${1:-.venv/bin/python}")"
cd "$(dirname "$0")/.."
port="${2:-18765}"
place="$(mktemp -d)"
hub=
trap '[ -z "$hub" ] || kill "$hub" 2>/dev/null || true; rm -rf "$place"' EXIT

"$python" -m hatchling build -t wheel -d "$place/dist" >/dev/null
bash .ci/venv.sh "$python" "$place/venv"
"$place/venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --require-hashes -r requirements/runtime.lock
"$place/venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --no-deps "$place"/dist/*.whl

mkdir "$place/empty"
cd "$place/empty"
tocsin="$place/venv/bin/tocsin"
export TOCSIN_URL="http://127.0.0.1:$port" TOCSIN_SLACK_BOT_TOKEN=xoxb-none TOCSIN_SLACK_API_URL="http://127.0.0.1:9"
# Isolated (-I), so that only what is installed is found.
samples="$("$place/venv/bin/python" -I -c 'import integrations; print(*integrations.__path__)')"

"$tocsin" --version
"$tocsin" check
"$tocsin" test
"$tocsin" explain "$samples/nagios/fixtures/host-problem.http" | grep -q 'room:ops'
"$tocsin" slack manifest --url https://hub.example.com | grep -q 'https://hub.example.com/chat/slack/'
"$tocsin" serve --port "$port" 2>"$place/log" &
hub=$!
for _ in $(seq 100); do "$tocsin" alerts >/dev/null 2>&1 && break; sleep 0.1; done
for tool in "$samples"/*/fixtures; do
  expected=("$tool"/*.reports.json)
  "$tocsin" send "$(basename "$(dirname "$tool")")" "${expected[0]%.reports.json}.http" >/dev/null
done
"$tocsin" send nagios "$samples/nagios/fixtures/host-problem.http" >/dev/null
"$tocsin" alerts | grep -q web301
kill "$hub" && wait "$hub"
hub=
if grep -E 'Traceback|ERROR' "$place/log"; then echo "wheel: the hub complained" >&2; exit 1; fi
echo "wheel: installed by the runtime lock alone, it runs by itself"
