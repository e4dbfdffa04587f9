#!/bin/sh
# Installs snapall without any network: sh install.sh [FOLDER]
# PYTHON names another Python than python3: 3.11, 3.12 or 3.13, with its module venv (Debian: python3-venv).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-/opt/snapall}
"${PYTHON:-python3}" -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check \
  --no-index --find-links "$here/wheels" --require-hashes --requirement "$here/requirements.txt"
"$folder/bin/snapall" --version
echo "installed in $folder; try it: $folder/bin/snapall demo"
