#!/usr/bin/env bash
# Make the virtual environment; what is missing is said in one line, with the remedy.
set -euo pipefail
python=$1
shift

fail() { printf 'make install: %s\n' "$1" >&2; exit 1; }

command -v "$python" >/dev/null || fail "there is no $python; install Python 3.11 (Debian: apt-get install python3 python3-venv)"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$($python --version) is too old; install Python 3.11 or newer, or name one: make PYTHON=python3.11"
"$python" -c 'import ensurepip' 2>/dev/null || fail "Python cannot make virtual environments; apt-get install python3-venv"

[ -x .venv/bin/python ] || { echo "Making .venv ..."; "$python" -m venv .venv; }
echo "Installing what requirements.lock names ..."
export PIP_DISABLE_PIP_VERSION_CHECK=1
.venv/bin/python -m pip install --quiet --require-hashes --no-deps -r requirements.lock \
  || fail "the packages could not be installed; is the package index reached? (pip config list shows which)"
echo "Installing Tierline's own packages ..."
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation $(printf -- '-e ./%s ' "$@") \
  || fail "Tierline's own packages could not be installed; see the lines above"
