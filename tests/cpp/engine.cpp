// The engine, compiled once for all test programs.
#include "rkeops/engine_impl.hpp"
