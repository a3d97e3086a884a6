#!/bin/bash
# Compiles the firmware with g++, for simulation: SmartHLS' types are played by those of AMD, in `simulation`.
set -e

PROJECT=myproject
HERE="$(cd "$(dirname "$0")" && pwd)"
CFLAGS=(-O3 -fPIC -std=c++17 -w -fno-gnu-unique -Isimulation -Isimulation/ap_types -D "WEIGHTS_DIR=\"${HERE}/firmware/weights\"")

g++ "${CFLAGS[@]}" -c "firmware/${PROJECT}.cpp" -o "${PROJECT}.o"
g++ "${CFLAGS[@]}" -c "${PROJECT}_bridge.cpp" -o "${PROJECT}_bridge.o"
g++ -shared "${PROJECT}.o" "${PROJECT}_bridge.o" -o "firmware/${PROJECT}.so"
rm -f ./*.o
