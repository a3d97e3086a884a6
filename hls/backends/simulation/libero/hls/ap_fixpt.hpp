#pragma once

// Plays the part of SmartHLS' fixed-point numbers, for simulation with g++ only: those of AMD.

#include "ap_fixed.h"
#include "hls/ap_int.hpp"

namespace hls {

using ::AP_RND;
using ::AP_RND_CONV;
using ::AP_RND_INF;
using ::AP_RND_MIN_INF;
using ::AP_RND_ZERO;
using ::AP_SAT;
using ::AP_SAT_SYM;
using ::AP_SAT_ZERO;
using ::AP_TRN;
using ::AP_TRN_ZERO;
using ::AP_WRAP;

template <int W, int I, ap_q_mode Q = AP_TRN, ap_o_mode O = AP_WRAP> using ap_fixpt = ::ap_fixed<W, I, Q, O>;
template <int W, int I, ap_q_mode Q = AP_TRN, ap_o_mode O = AP_WRAP> using ap_ufixpt = ::ap_ufixed<W, I, Q, O>;

} // namespace hls
