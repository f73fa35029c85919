#!/bin/sh
# A stand-in for uv: it notes what it is called with, fails or dies once where it is told to, and makes an
# environment's shell. test_setup.py puts a Python and its version in.
[ "$1" = --version ] && exit
echo "$@ $UV_DEFAULT_INDEX" >> calls
if [ "$1" = pip ] && [ -e said ]; then cat said; rm said; exit 2; fi
if [ "$1" = pip ] && [ -e kill ]; then rm kill; kill -9 $PPID; exit 2; fi
[ "$1" = venv ] || exit 0
for folder in "$@"; do :; done
mkdir -p "$folder/bin" "$folder/lib/python{minor}/site-packages"
ln -s "{python}" "$folder/bin/python"
echo "prompt = anime-ssd" > "$folder/pyvenv.cfg"
