#pragma once

// Its functions are used by layers only that are not admitted.

#include "ac_fixed.h"
