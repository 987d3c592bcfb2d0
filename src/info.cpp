// Small questions to the engine and to R.
#include "bridge.h"

using bridge::catch_failure;
using bridge::ListBuilder;

// [[Rcpp::export(rng = false)]]
SEXP rk_operation_table() {
  return catch_failure([&]() -> SEXP {
    std::vector<std::string> names, calls, summaries;
    std::vector<int> gradients, complex, keeps_names;
    std::vector<double> truth;
    for (const rkeops::OperationInfo& row : rkeops::operation_table()) {
      names.push_back(row.name);
      calls.push_back(row.call);
      summaries.push_back(row.summary);
      gradients.push_back(row.has_gradient);
      complex.push_back(row.complex);
      keeps_names.push_back(row.keeps_names);
      truth.push_back(row.truth < 0 ? NA_REAL : row.truth);
    }
    return ListBuilder()
        .add("name", bridge::make_strings(names))
        .add("call", bridge::make_strings(calls))
        .add("summary", bridge::make_strings(summaries))
        .add("has_gradient", bridge::make_flags(gradients))
        .add("complex", bridge::make_flags(complex))
        .add("keeps_names", bridge::make_flags(keeps_names))
        .add("truth", bridge::make_numbers(truth))
        .finish();
  });
}

// [[Rcpp::export(rng = false)]]
SEXP rk_reduction_table() {
  return catch_failure([&]() -> SEXP {
    std::vector<std::string> names, calls, summaries, differentiation;
    std::vector<int> values, positions, sums, weighted, ranked;
    std::vector<double> neutral;
    for (const rkeops::ReductionInfo& row : rkeops::reduction_table()) {
      names.push_back(row.name);
      calls.push_back(row.call);
      summaries.push_back(row.summary);
      differentiation.push_back(row.differentiation);
      values.push_back(row.values);
      positions.push_back(row.positions);
      sums.push_back(row.sums);
      weighted.push_back(row.weighted);
      ranked.push_back(row.ranked);
      neutral.push_back(row.neutral);
    }
    return ListBuilder()
        .add("name", bridge::make_strings(names))
        .add("call", bridge::make_strings(calls))
        .add("summary", bridge::make_strings(summaries))
        .add("differentiation", bridge::make_strings(differentiation))
        .add("values", bridge::make_flags(values))
        .add("positions", bridge::make_flags(positions))
        .add("sums", bridge::make_flags(sums))
        .add("weighted", bridge::make_flags(weighted))
        .add("ranked", bridge::make_flags(ranked))
        .add("neutral", bridge::make_numbers(neutral))
        .finish();
  });
}

// [[Rcpp::export(rng = false)]]
SEXP rk_statistics() {
  return catch_failure([&]() -> SEXP {
    const rkeops::Statistics counts = rkeops::statistics();
    return ListBuilder()
        .add("kernels_compiled", bridge::make_numbers({static_cast<double>(counts.kernels_compiled)}))
        .add("kernels_from_disk", bridge::make_numbers({static_cast<double>(counts.kernels_from_disk)}))
        .add("kernels_in_memory", bridge::make_numbers({static_cast<double>(counts.kernels_in_memory)}))
        .add("compile_seconds", bridge::make_numbers({counts.compile_seconds}))
        .add("resident_bytes", bridge::make_numbers({static_cast<double>(counts.resident_bytes)}))
        .add("orders_made", bridge::make_numbers({static_cast<double>(counts.orders_made)}))
        .add("pairs_visited", bridge::make_numbers({counts.pairs_visited}))
        .add("pairs", bridge::make_numbers({counts.pairs}))
        .finish();
  });
}

// [[Rcpp::export(rng = false)]]
SEXP rk_machine() {
  return catch_failure([&]() -> SEXP {
    const rkeops::MachineInfo machine = rkeops::machine_info();
    return ListBuilder()
        .add("threads", bridge::make_numbers({static_cast<double>(machine.threads)}))
        .add("vector_bytes", bridge::make_numbers({static_cast<double>(machine.vector_bytes)}))
        .add("cpu", bridge::make_string(machine.cpu))
        .finish();
  });
}

// [[Rcpp::export(rng = false)]]
SEXP rk_gpu(SEXP options) {
  return catch_failure([&]() -> SEXP {
    const rkeops::RunOptions run = bridge::read_runtime(options).run;
    const bool to_use = run.processor == rkeops::Processor::gpu;
    const rkeops::GpuReport report = rkeops::gpu_report(run.jit, to_use ? run.devices : std::vector<int>{});
    std::vector<std::string> names, architectures;
    std::vector<double> memory;
    for (const rkeops::GpuDevice& device : report.devices) {
      names.push_back(device.name);
      architectures.push_back(device.architecture);
      memory.push_back(device.memory_bytes);
    }
    return ListBuilder()
        .add("problem", bridge::make_string(report.problem))
        .add("hint", bridge::make_string(report.hint))
        .add("driver", bridge::make_numbers({static_cast<double>(report.driver_version)}))
        .add("nvrtc", bridge::make_string(report.nvrtc))
        .add("nvrtc_place", bridge::make_string(report.nvrtc_place))
        .add("devices", bridge::make_strings(names))
        .add("architectures", bridge::make_strings(architectures))
        .add("memory", bridge::make_numbers(memory))
        .finish();
  });
}

// [[Rcpp::export(rng = false)]]
SEXP rk_clear_memory() {
  return catch_failure([&]() -> SEXP {
    rkeops::clear_memory_cache();
    return R_NilValue;
  });
}

// "", or why the cache directory of these options cannot be used as it should.
// [[Rcpp::export(rng = false)]]
SEXP rk_cache_trouble(SEXP options) {
  return catch_failure([&]() -> SEXP {
    return bridge::make_string(rkeops::cache_trouble(bridge::read_runtime(options).run.jit));
  });
}

// [[Rcpp::export(rng = false)]]
SEXP rk_cache_bytes(SEXP directory) {
  return catch_failure([&]() -> SEXP {
    const std::string path = bridge::text_of(STRING_ELT(directory, 0), bridge::Encoding::native);
    return bridge::make_numbers({static_cast<double>(rkeops::cache_bytes(path))});
  });
}

// [[Rcpp::export(rng = false)]]
SEXP rk_clear_cache(SEXP directory) {
  return catch_failure([&]() -> SEXP {
    rkeops::clear_cache(bridge::text_of(STRING_ELT(directory, 0), bridge::Encoding::native));
    return R_NilValue;
  });
}

// For each element of `these`: the 1-based place in `those` of the very same R object, 0 if there is none. Both
// lists are alive, so equal addresses mean the same object.
// [[Rcpp::export(rng = false)]]
SEXP rk_match_objects(SEXP these, SEXP those) {
  return catch_failure([&]() -> SEXP {
    std::vector<double> places(static_cast<std::size_t>(Rf_xlength(these)), 0.0);
    for (std::size_t a = 0; a < places.size(); ++a)
      for (R_xlen_t b = 0; b < Rf_xlength(those) && places[a] == 0; ++b)
        if (VECTOR_ELT(these, static_cast<R_xlen_t>(a)) == VECTOR_ELT(those, b)) places[a] = static_cast<double>(b + 1);
    return bridge::make_numbers(places);
  });
}
