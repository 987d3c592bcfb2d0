// Which R matrices GPUs may keep between calls: those of living LazyTensors.
#pragma once

#include "bridge.h"

namespace bridge {

// Notes that `value`, whose memory is `data`, stays as it is while `token` (an environment) lives. When R collects the
// token, GPUs forget the data.
void keep(SEXP token, SEXP value, const void* data);

}  // namespace bridge
