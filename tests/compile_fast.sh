#!/bin/sh
# Stands in for g++: `sh compile_fast.sh COMPILER FOLDER ARGUMENT...`.
# hls4ml's C simulations are compiled without optimization, which gives the same integers, with the headers of AMD's
# number types precompiled in FOLDER, and once for all projects that differ in their weights alone, which the simulation
# reads from files. Everything else goes to the compiler as it is.
compiler=$1
folder=$2
shift 2
case "$*" in
  *" -Ifirmware/ac_types/ "*) exec "$compiler" "$@" ;;
  *" -Ifirmware/ap_types/ -D WEIGHTS_DIR="*" -c "*) ;;
  *) exec "$compiler" "$@" ;;
esac
flags=
general=yes
object=
previous=
for argument; do
  shift
  case $argument in
    -O[123]) argument=-O0 ;;
    -D) general= ;;
  esac
  if [ "$previous" = -o ]; then object=$argument; fi
  previous=$argument
  if [ "$general" ]; then flags="$flags $argument"; fi
  set -- "$@" "$argument"
done
# What is compiled: of weights their declarations alone, since their values are compiled in synthesis only.
kept=$folder/$({
  printf '%s\n' "$@"
  cat ./*.cpp firmware/*.cpp firmware/*.h firmware/nnet_utils/*.h
  sed '/^#else/,/^#endif/d; /^\/\//d' firmware/weights/*.h
} 2>/dev/null | sha256sum | cut -c 1-32).o
if [ -f "$kept" ]; then exec cp "$kept" "$object"; fi
headers=$folder/headers.h
# The first to come precompiles; those that come meanwhile do without.
if [ ! -f "$headers.gch" ] && mkdir "$folder/begun" 2>/dev/null; then
  # shellcheck disable=SC2086
  "$compiler" $flags -w -x c++-header "$headers" -o "$headers.new" && mv "$headers.new" "$headers.gch"
fi
"$compiler" -include "$headers" "$@" || exit
# In one step: several compilers may run.
cp "$object" "$kept.$$" && mv "$kept.$$" "$kept"
