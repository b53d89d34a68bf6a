#!/usr/bin/env bash
# Makes the lock files again: for every platform, every package by its hash, no address of an index. usage: lock.sh PYTHON
set -euo pipefail
tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
"$1" -m venv "$tool"
"$tool/bin/python" -m pip install --quiet --disable-pip-version-check uv

compile=("$tool/bin/uv" pip compile --quiet --upgrade --universal --generate-hashes --no-header --no-emit-index-url)
"${compile[@]}" pyproject.toml --output-file requirements/runtime.lock
"${compile[@]}" --group build --output-file requirements/build.lock
"${compile[@]}" pyproject.toml --extra otel --group build --group dev --constraints requirements/runtime.lock --constraints requirements/build.lock --output-file requirements/dev.lock
git --no-pager diff --stat -- requirements
