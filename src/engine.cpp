// The one place where the engine's implementation is compiled. Its functions are inline: naming them here makes the
// compiler emit them for the other files.
#include <rkeops/engine_impl.hpp>

#include <tuple>

auto rkeops_entry_points = std::make_tuple(
    &rkeops::Program::create, &rkeops::Program::formula, &rkeops::Program::arguments, &rkeops::Program::output,
    &rkeops::Program::bind, &rkeops::Program::run, &rkeops::Program::source, &rkeops::operation_dim,
    &rkeops::operation_table, &rkeops::statistics, &rkeops::clear_memory_cache, &rkeops::machine_info);
