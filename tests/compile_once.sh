#!/bin/sh
# Runs a compiler for Verilator's makefile, as its variable OBJCACHE: `sh compile_once.sh FOLDER COMPILER ARGUMENT...`.
# Verilator's own library is compiled once for each set of options, and kept in FOLDER; what is made of designs, always.
folder=$1
shift
object=
previous=
for argument; do
  if [ "$previous" = -o ]; then object=$argument; fi
  previous=$argument
done
case $previous in
  */include/verilated*.cpp) ;;
  *) exec "$@" ;;
esac
kept=$folder/$(printf '%s\n' "$@" | sha256sum | cut -c 1-32).o
if [ ! -f "$kept" ]; then
  "$@" || exit
  # In one step: several compilers may run.
  cp "$object" "$kept.$$" && mv "$kept.$$" "$kept"
else
  cp "$kept" "$object"
fi
