// A shared object as a kernel: from its file, or where that must not be executed, from a copy elsewhere or in memory.
#pragma once

#include "../../platform/library.hpp"
#include "../../platform/scratch.hpp"
#include "../backend.hpp"

namespace rkeops {

class LoadedKernel final : public HostKernel {
 public:
  explicit LoadedKernel(std::unique_ptr<const OpenLibrary> library) : library_(std::move(library)) {
    fold_ = library_->find<Fold>("rkeops_fold");
    fold_two_sided_ = library_->find<FoldTwoSided>("rkeops_fold_two_sided");
    fold_ordered_ = library_->find<FoldOrdered>("rkeops_fold_ordered");
    hoist_parameters_ = library_->find<HoistParameters>("rkeops_prologue_parameter");
    hoist_rows_ = library_->find<Hoist>("rkeops_prologue_row");
    hoist_columns_ = library_->find<Hoist>("rkeops_prologue_column");
  }

  void fold(const FoldCall& call) const override {
    if (fold_two_sided_) {
      fold_two_sided_(call.parameter, call.row, call.column, call.columns, call.first_column, call.values, call.indices,
                      call.work, call.column_sums, call.valid_rows);
    } else if (fold_ordered_) {
      fold_ordered_(call.parameter, call.row, call.column, call.columns, call.numbers, call.values, call.indices, call.work,
                    call.resumes, call.bars);
    } else {
      fold_(call.parameter, call.row, call.column, call.columns, call.first_column, call.values, call.indices, call.work);
    }
  }
  void hoist_parameters(void* parameter, void* work) const override {
    if (hoist_parameters_) hoist_parameters_(parameter, work);
  }
  void hoist_rows(const void* parameter, void* tile, void* work) const override {
    if (hoist_rows_) hoist_rows_(parameter, tile, work);
  }
  void hoist_columns(const void* parameter, void* tile, void* work) const override {
    if (hoist_columns_) hoist_columns_(parameter, tile, work);
  }

  // Is it what was compiled under this key? (A loader may answer with a library that it has already.)
  bool is_of(const std::string& key) const {
    const char* name = library_->find<const char*>("rkeops_key");
    return name && std::strncmp(name, key.c_str(), key.size() + 1) == 0 && (fold_ || fold_two_sided_ || fold_ordered_);
  }

  // What makes a source that of a key.
  static std::string with_key(const std::string& text, const std::string& key) {
    return text + "\n__attribute__((visibility(\"default\"))) const char rkeops_key[] = \"" + key + "\";\n";
  }

 private:
  // The signatures that generated C has, in float and double alike; those of areas without hoisted values are missing.
  using Fold = void (*)(const void* parameter, const void* row, const void* column, long long n, long long base,
                        double* value, long long* index, void* work);
  using FoldTwoSided = void (*)(const void* parameter, const void* row, const void* column, long long n, long long base,
                                double* value, long long* index, void* work, void* column_sums, long long valid);
  using FoldOrdered = void (*)(const void* parameter, const void* row, const void* column, long long n, const int* numbers,
                               double* value, long long* index, void* work, int resumes, Bar* bars);
  using HoistParameters = void (*)(void* parameter, void* work);
  using Hoist = void (*)(const void* parameter, void* tile, void* work);

  std::unique_ptr<const OpenLibrary> library_;
  Fold fold_;
  FoldTwoSided fold_two_sided_;  // instead of fold where sums are taken over rows too
  FoldOrdered fold_ordered_;     // instead of fold where columns come in any order and have numbers
  HoistParameters hoist_parameters_;
  Hoist hoist_rows_, hoist_columns_;
};

using LoadedKernelPtr = std::shared_ptr<const LoadedKernel>;

// Loads one kernel; `problem` is the first reason that there was against it.
class KernelLoader {
 public:
  explicit KernelLoader(const std::string& key) : key_(key) {}

  // `bytes`: those of the kernel in `file`, which may have a trailer. It may be gone, or where nothing may be executed.
  LoadedKernelPtr load(const std::string& file, const std::string& bytes) {
    if (!is_whole_library(bytes)) {
      note("it is not a whole shared object");
      return nullptr;
    }
    if (LoadedKernelPtr kernel = open(file, bytes)) return kernel;
    for (const std::string& directory : temporary_directories()) {
      if (is_noexec(directory)) continue;
      const Scratch scratch(directory);
      if (!scratch.problem().empty()) continue;
      const std::string copy = scratch.path("kernel.so");
      if (!write_file(copy, bytes).empty()) continue;
      if (LoadedKernelPtr kernel = open(copy, bytes)) return kernel;
    }
    const Descriptor in_memory = file_in_memory(bytes);
    return in_memory ? open_library(library_name_of(in_memory)) : nullptr;
  }

  std::string problem() const {
    return problem_.empty() ? "all file systems that can be written are mounted noexec" : problem_;
  }

 private:
  void note(const std::string& reason) {
    if (problem_.empty()) problem_ = reason;
  }

  // Where the system lets us, the very file whose bytes have been looked at.
  LoadedKernelPtr open(const std::string& name, const std::string& bytes) {
    if (is_noexec(name)) return nullptr;
    std::string problem;
    const Descriptor file = open_file(name, true, problem);
    const std::string there = file ? read_file(file, problem) : "";
    if (there.compare(0, bytes.size(), bytes) != 0) {
      note(problem.empty() ? "it was changed" : problem);
      return nullptr;
    }
    const std::string own_name = library_name_of(file);
    return open_library(own_name.empty() ? name : own_name);
  }

  LoadedKernelPtr open_library(const std::string& name) {
    std::string problem;
    auto library = std::make_unique<const OpenLibrary>(name, problem);
    if (!*library) {
      note(problem);
      return nullptr;
    }
    auto kernel = std::make_shared<const LoadedKernel>(std::move(library));
    if (kernel->is_of(key_)) return kernel;
    note("it does not hold the kernel that was asked for");
    return nullptr;
  }

  const std::string& key_;
  std::string problem_;
};

}  // namespace rkeops
