// The one place where the engine's implementation is compiled.
#include <rkeops/engine_impl.hpp>
