#!/bin/sh
# Runs a compiler for Verilator's makefile, as its variable OBJCACHE: `sh compile_once.sh FOLDER COMPILER ARGUMENT...`.
# Verilator's own library is compiled once for each set of options, and kept in FOLDER with a checksum; what is made of
# designs, always. Without a folder that can be written, everything is compiled.
# The two precompiled headers of a design, for fast and for slow code, are one if their options are equal.
folder=$1
shift
object=
previous=
words=
for argument; do
  if [ "$previous" = -o ]; then object=$argument; fi
  if [ "$previous" ]; then words="$words $previous"; fi
  previous=$argument
done
case $previous in
  */include/verilated*.cpp) ;;
  *.fast.gch | *.slow.gch)
    case $previous in
      *.fast.gch) other=${previous%.fast.gch}.slow.gch ;;
      *) other=${previous%.slow.gch}.fast.gch ;;
    esac
    # make may want both at once. Without flock, both are compiled.
    exec 9>"${previous%.*.gch}.lock"
    flock 9 2>/dev/null
    if [ "$(cat "$other.made" 2>/dev/null)" = "$words" ] && ln "$other" "$previous"; then exit 0; fi
    "$@" || exit
    printf '%s\n' "$words" >"$previous.made"
    exit 0
    ;;
  *) exec "$@" ;;
esac
kept=$folder/$(printf '%s\n' "$@" | cksum | tr ' ' -).o
if [ -f "$kept" ] && cp "$kept" "$object" && [ "$(cksum <"$object")" = "$(cat "$kept.sum" 2>/dev/null)" ]; then
  exit 0
fi
"$@" || exit
# In one step: several compilers may run. Parts of two of them do not match, and are compiled again.
{
  cp "$object" "$kept.$$" && cksum <"$object" >"$kept.sum.$$" &&
    mv "$kept.sum.$$" "$kept.sum" && mv "$kept.$$" "$kept"
} 2>/dev/null
rm -f "$kept.$$" "$kept.sum.$$" 2>/dev/null
exit 0
