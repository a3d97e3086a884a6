#pragma once

// Plays the part of SmartHLS' integers, for simulation with g++ only: those of AMD.

#include "ap_int.h"

namespace hls {

template <int W> using ap_int = ::ap_int<W>;
template <int W> using ap_uint = ::ap_uint<W>;

} // namespace hls
