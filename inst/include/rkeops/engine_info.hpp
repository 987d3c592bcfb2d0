// Definitions of engine.hpp: what can be asked of operations, caches and the machine. Part of engine_impl.hpp.
#pragma once

#include "engine.hpp"
#include "geometry/blocks_within.hpp"
#include "geometry/make_stage.hpp"
#include "ir/reduction.hpp"
#include "parse/parser.hpp"
#include "runtime/execution.hpp"

namespace rkeops {

namespace engine_detail {

// Are `parameters` what a signature asks for: numbers, and lists as a length with as many elements behind it?
inline bool parameters_fit(std::string_view signature, const std::vector<std::int64_t>& parameters) {
  const std::int64_t size = static_cast<std::int64_t>(parameters.size());
  std::int64_t at = 0;
  bool optional = false;
  for (char letter : signature) {
    if (letter == '?') optional = true;
    if (letter != 'n' && letter != 'L') continue;
    if (at == size) return optional;
    const std::int64_t length = letter == 'L' ? parameters[static_cast<std::size_t>(at)] : 0;
    if (length < 0 || length > size - at - 1) return false;
    at += 1 + length;
  }
  return at == size;
}

inline std::string call_form(const Operation& operation) {
  std::string call = std::string(operation.name) + "(";
  char formula = 'a', number = 'm', list = 'M';
  for (const char* c = operation.signature; *c; ++c) {
    if (*c == '?') continue;
    call += call.back() == '(' ? "" : ", ";
    call += *c == 'x' ? formula++ : *c == 'n' ? number++ : list++;
  }
  return call + ")";
}

}  // namespace engine_detail

std::int64_t operation_dim(const std::string& name, const std::vector<std::int64_t>& operand_dims,
                           const std::vector<std::int64_t>& parameters) {
  const Operation* operation = find_operation(name);
  if (!operation || !*operation->signature) {
    std::vector<std::string_view> known;
    for (const Operation& row : operations()) {
      if (*row.signature) known.push_back(row.name);
    }
    throw Error(ErrorKind::argument, "unknown operation '" + name + "'", did_you_mean(name, known));
  }
  const std::string_view signature = operation->signature;
  const auto count = [&](char letter) {
    return static_cast<std::size_t>(std::count(signature.begin(), signature.end(), letter));
  };
  if (operand_dims.size() != count('x') || !engine_detail::parameters_fit(signature, parameters)) {
    throw Error(ErrorKind::argument, "the form of " + name + " is " + engine_detail::call_form(*operation),
                "There a, b, ... are operands, m, n, ... integers, and M, N, ... lists of integers.");
  }
  Graph graph;
  std::vector<Expr> operands;
  for (std::size_t k = 0; k < operand_dims.size(); ++k) {
    operands.push_back(graph.variable(static_cast<std::int64_t>(k), operand_dims[k], Category::parameter));
  }
  return graph.apply(operation->op, operands, parameters)->dim;
}

std::vector<OperationInfo> operation_table() {
  std::vector<OperationInfo> table;
  for (const Operation& row : operations()) {
    if (!*row.signature) continue;
    table.push_back({row.name, engine_detail::call_form(row), row.summary,
                     row.structure == Structure::composed || row.adjoint != nullptr,
                     (row.properties & complex_result) != 0, (row.properties & keeps_names) != 0, row.truth_operands});
  }
  return table;
}

std::vector<ReductionInfo> reduction_table() {
  std::vector<ReductionInfo> table;
  for (const Reduction& row : reductions()) {
    std::string call = std::string(row.name) + "_Reduction(";
    for (const char* letter = row.form; *letter; ++letter) call += std::string(1, *letter) + ", ";
    table.push_back({row.name, call + "axis)", row.summary, row.differentiation, row.values, row.indices,
                     row.reducer->adds(), row.weighted(), row.ranked(), row.neutral});
  }
  return table;
}

std::shared_ptr<const PairBlocks> make_blocks(const BlockGroups& groups) { return std::make_shared<const PairBlocks>(groups); }

double kept_pairs(const PairBlocks& blocks) { return blocks.pairs(); }

BlockGroups groups_within(const std::vector<double>& x, const std::vector<double>& y, std::int64_t dim, double radius) {
  return BlocksWithin(x, y, static_cast<std::size_t>(dim), radius).groups();
}

Statistics statistics() {
  const BackendCounters& counters = BackendCounters::instance();
  GeometryCounters& geometry = GeometryCounters::instance();
  return {counters.compiled, counters.from_disk, CpuBackend::instance().size(),
          static_cast<double>(counters.compile_microseconds) * 1e-6, ResidentMatrices::instance().bytes(),
          geometry.orders, geometry.visited(), geometry.pairs()};
}

void clear_memory_cache() {
  CpuBackend::instance().clear();
  GpuBackend::clear_all();
}

std::string cache_trouble(const JitOptions& options) { return CpuBackend::trouble_with(options); }
std::int64_t cache_bytes(const std::string& directory) { return DiskCache::usage(directory); }
void clear_cache(const std::string& directory) {
  DiskCache::clear(directory);
  for (const std::string& place : temporary_directories()) Scratch::sweep(place);
}

void forget(const void* data) {
  ResidentMatrices::instance().forget(data);
  KnownOrders::instance().forget(data);
}

GpuReport gpu_report(const JitOptions& options, const std::vector<int>& open) {
  GpuReport report;
  try {
    const CudaApi& api = CudaApi::instance();
    report.driver_version = api.version();
    NvrtcSearch& compilers = NvrtcSearch::instance(options.nvrtc);
    const auto show = [&](const Nvrtc& nvrtc) {
      report.nvrtc = nvrtc.identity();
      report.nvrtc_place = nvrtc.place();
    };
    if (const Nvrtc* nvrtc = compilers.first()) show(*nvrtc);
    api.require();
    std::vector<int> capabilities;
    for (int k = 0; k < api.devices(); ++k) {
      const GpuInfo info = describe_gpu(api, k);
      capabilities.push_back(info.capability());
      report.devices.push_back({info.name, std::to_string(info.capability()), static_cast<double>(info.memory)});
    }
    const bool look = open.empty();
    for (int k : look ? std::vector<int>{0} : open) {
      if (k < 0 || k >= api.devices()) continue;
      show(compilers.choose(api.version(), capabilities[static_cast<std::size_t>(k)]));
      if (!look) Gpu::instance(k);
    }
  } catch (const Error& error) {
    report.problem = error.what();
    report.hint = error.hint;
  }
  return report;
}

MachineInfo machine_info() { return {available_threads(), cpu_info().vector_bytes, cpu_info().name}; }

}  // namespace rkeops
