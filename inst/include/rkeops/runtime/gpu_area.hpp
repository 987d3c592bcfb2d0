// The data of one area of a kernel on a GPU: matrices of doubles, as the caller has them, brought there into tiles of rows in
// the kernel's precision. Matrices that may be kept (Input::keep) are uploaded once, others batch by batch.
#pragma once

#include "../backend/gpu/gpu_backend.hpp"
#include "../backend/gpu/resident.hpp"
#include "../platform/memory.hpp"
#include "pack.hpp"

namespace rkeops {

class GpuArea {
 public:
  GpuArea(Gpu& gpu, const KernelPlan& kernel, const PackedArea& area, const std::vector<Source>& sources, std::int64_t rows)
      : gpu_(gpu), kernel_(kernel), area_(area), sources_(sources), rows_(rows) {
    for (std::size_t l = 0; l < sources.size(); ++l) resident_.push_back(resident(sources[l], area.leaves[l].dim));
  }

  // Rows [first, first + count) to `tiles`, and what the prologue computes of them.
  void pack(std::int64_t first, std::int64_t count, DevicePointer tiles, DevicePointer parameters, void* pack,
            void* prologue) const {
    const std::int64_t rows = kernel_.tile_rows(), blocks = (count + rows - 1) / rows;
    for (std::size_t l = 0; l < sources_.size(); ++l) {
      const PackedLeaf& leaf = area_.leaves[l];
      if (resident_[l]) {
        gpu_.launch(pack, blocks, 1, 1, kernel_.lanes, resident_[l]->at(), rows_, first, first + count, leaf.dim,
                    tiles, area_.width, leaf.offset);
      } else {
        const DeviceBuffer batch = uploaded(sources_[l], leaf.dim, first, count);
        gpu_.launch(pack, blocks, 1, 1, kernel_.lanes, batch.at(), count, std::int64_t{0}, count, leaf.dim, tiles,
                    area_.width, leaf.offset);
      }
    }
    if (prologue) gpu_.launch(prologue, blocks, 1, 1, kernel_.lanes, parameters, tiles, area_.width);
  }

  // Bytes on the GPU for a row that is not there yet: its doubles.
  std::int64_t row_bytes() const {
    std::int64_t bytes = 0;
    for (std::size_t l = 0; l < resident_.size(); ++l) {
      if (!resident_[l]) bytes = std::max(bytes, area_.leaves[l].dim * 8);
    }
    return bytes;
  }

 private:
  // Null where the matrix may not be kept, or is too large for it.
  ResidentMatrices::Held resident(const Source& source, std::int64_t dim) const {
    const std::size_t bytes = static_cast<std::size_t>(rows_ * dim) * sizeof(double);
    if (!source.input.keep || bytes > gpu_.info().memory / heuristics::gpu_resident_share) return nullptr;
    const Input& input = source.input;
    const int kind = static_cast<int>(source.part) * 4 + static_cast<int>(input.type) * 2 + input.by_rows;
    const auto make = [&] { return uploaded(source, dim, 0, rows_); };
    const ResidentMatrices::Key key{input.data, gpu_.number(), input.rows, input.cols, kind};
    ResidentMatrices& matrices = ResidentMatrices::instance();
    try {
      return matrices.get(key, make);
    } catch (const Error& error) {
      if (error.kind != ErrorKind::memory) throw;
    }
    try {
      return matrices.drop_unused(gpu_.number()) ? matrices.get(key, make) : nullptr;
    } catch (const Error& error) {
      if (error.kind != ErrorKind::memory) throw;
      return nullptr;
    }
  }

  // A column-major matrix of the rows [first, first + count).
  DeviceBuffer uploaded(const Source& source, std::int64_t dim, std::int64_t first, std::int64_t count) const {
    const auto bytes = [](std::int64_t n) { return static_cast<std::size_t>(n) * sizeof(double); };
    DeviceBuffer matrix(gpu_, bytes(count * dim));
    if (!source.is_plain()) {
      Buffer<double> converted(static_cast<std::size_t>(count * dim));
      const Gpu::Settled settled(gpu_);
      pack_tile(source, dim, {first, count}, converted.data(), 0, count);
      matrix.upload(converted.data(), bytes(count * dim));
      gpu_.synchronize();  // the buffer ends here
    } else if (count == rows_) {
      matrix.upload(source.input.data, bytes(count * dim));
    } else {
      const double* data = static_cast<const double*>(source.input.data) + first;
      for (std::int64_t c = 0; c < dim; ++c) matrix.upload(data + c * rows_, bytes(count), bytes(c * count));
    }
    return matrix;
  }

  Gpu& gpu_;
  const KernelPlan& kernel_;
  const PackedArea& area_;
  const std::vector<Source>& sources_;
  const std::int64_t rows_;
  std::vector<ResidentMatrices::Held> resident_;  // parallel to the sources
};

}  // namespace rkeops
