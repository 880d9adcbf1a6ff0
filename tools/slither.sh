#!/usr/bin/env bash
# Static analysis: slither, pinned, in a Python environment of its own (.venv), over the build of forge.
# slither.config.json leaves out detectors whose every finding here was read and is none: incorrect-exp (it takes the
# assembly operator xor for a mistaken power), uninitialized-* (it does not see writes through storage pointers and whole
# structs, and zero is what the locals should begin with), incorrect-equality (equal epochs, flags and places, no balances)
# and unused-return (the past value that a checkpoint's push returns).
set -euo pipefail
cd "$(dirname "$0")/.."
if [ ! -x .venv/bin/slither ] || ! cmp -s tools/slither-requirements.txt .venv/requirements.txt; then
  rm -rf .venv
  python3 -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check --requirement tools/slither-requirements.txt
  cp tools/slither-requirements.txt .venv/requirements.txt
fi
export PATH="$PWD/node_modules/.bin:$PATH"
export FOUNDRY_PROFILE=slither FOUNDRY_OUT=.forge/slither FOUNDRY_CACHE_PATH=.forge/slither-cache
exec .venv/bin/slither . --foundry-out-directory .forge/slither "$@"
