#!/bin/sh
# Prints the Python to set up with: the argument's, else the first that fits. 3.11.4 is the first
# that unpacks archives safely (tarfile's filters); PyTorch and the rest are pinned up to 3.13.
fits='import sys; sys.exit(not (3, 11, 4) <= sys.version_info < (3, 14))'
choice=$1
if [ -n "$choice" ]; then
  set -- "$choice"
else
  set -- python3.11 python3.12 python3.13 python3 python
fi
bare=
for name; do
  path=$(command -v "$name") || continue
  "$path" -I -c "$fits" >/dev/null 2>&1 || continue
  if "$path" -I -c 'import ensurepip, venv' >/dev/null 2>&1; then
    echo "$path"
    exit
  fi
  bare=$path
done
if [ -n "$bare" ]; then
  echo "make: $bare cannot make environments: install its venv package (Debian: python3-venv)" >&2
elif [ -n "$choice" ]; then
  echo "make: $choice is no Python from 3.11.4 to 3.13 on this machine; name another with PYTHON=" >&2
else
  echo "make: there is no Python from 3.11.4 to 3.13; install one, or name it with PYTHON=" >&2
fi
exit 1
