#!/bin/bash
# Compiles the firmware with g++, for simulation: `simulation` holds headers that play the part of SYCL and of
# Intel's extensions. Tasks run one after another, and pipes hold any number of words.
set -e

PROJECT=myproject
CFLAGS=(-O3 -fPIC -std=c++17 -w -fno-gnu-unique -DSIMULATED_SYCL -Isimulation -Isimulation/ac_types)

# The numbers of AC types are no constant expressions for g++.
rm -rf simulation/src
cp -r src simulation/src
find simulation/src/firmware/weights -name '*.h' -exec sed -i 's/static constexpr/static const/' {} +
sed -i 's/constexpr auto padds/const auto padds/' simulation/src/firmware/nnet_utils/*_stream.h

mkdir -p firmware
g++ "${CFLAGS[@]}" -c "simulation/src/firmware/${PROJECT}.cpp" -o "${PROJECT}.o"
g++ "${CFLAGS[@]}" -c "simulation/src/${PROJECT}_bridge.cpp" -o "${PROJECT}_bridge.o"
g++ -shared "${PROJECT}.o" "${PROJECT}_bridge.o" -o "firmware/${PROJECT}.so"
rm -f ./*.o
