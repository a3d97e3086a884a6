#!/bin/sh
# Stands in for g++: `sh compile_fast.sh COMPILER FOLDER ARGUMENT...`.
# hls4ml's C simulations are compiled without optimization, which gives the same integers, and with the headers of
# AMD's number types precompiled in FOLDER: half of the time. Everything else goes to the compiler as it is.
compiler=$1
folder=$2
shift 2
case "$*" in
  *"-c "*firmware/*.cpp* | *"-c "*_bridge.cpp*) ;;
  *) exec "$compiler" "$@" ;;
esac
flags=
general=yes
for argument; do
  shift
  case $argument in
    -O3) argument=-O0 ;;
    -D) general= ;;
  esac
  if [ "$general" ]; then flags="$flags $argument"; fi
  set -- "$@" "$argument"
done
case "$flags" in
  *" -Ifirmware/ac_types/ "*) exec "$compiler" "$@" ;;
  *" -Ifirmware/ap_types/") ;;
  *) exec "$compiler" "$@" ;;
esac
headers=$folder/headers.h
# The first to come precompiles; those that come meanwhile do without.
if [ ! -f "$headers.gch" ] && mkdir "$folder/begun" 2>/dev/null; then
  # shellcheck disable=SC2086
  "$compiler" $flags -w -x c++-header "$headers" -o "$headers.new" && mv "$headers.new" "$headers.gch"
fi
if [ -f "$headers.gch" ]; then set -- -include "$headers" "$@"; fi
exec "$compiler" "$@"
