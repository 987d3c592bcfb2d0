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
  // `order`: the numbers of rows by places, for kernels that pack by places.
  GpuArea(Gpu& gpu, const KernelPlan& kernel, const PackedArea& area, const std::vector<Source>& sources, std::int64_t rows,
          const std::int32_t* order)
      : gpu_(gpu), kernel_(kernel), area_(area), sources_(sources), rows_(rows), numbers_(order) {
    for (std::size_t l = 0; l < sources.size(); ++l) resident_.push_back(resident(sources[l], area.leaves[l].dim));
    if (!order) return;
    const std::size_t bytes = static_cast<std::size_t>(rows) * sizeof(std::int32_t);
    order_ = DeviceBuffer(gpu, bytes);
    order_.upload(order, bytes);
  }

  DevicePointer order() const { return order_.at(); }

  // Rows [first, first + count) to `tiles`, and what the prologue computes of them.
  void pack(std::int64_t first, std::int64_t count, DevicePointer tiles, DevicePointer parameters, void* pack,
            void* prologue) const {
    const std::int64_t rows = kernel_.tile_rows(), blocks = (count + rows - 1) / rows;
    if (numbers_) {
      std::vector<Range> places;
      for (std::int64_t from = first; from < first + count; from += rows) {
        places.push_back({from, std::min(first + count, from + rows)});
      }
      return this->pack(places, tiles, parameters, pack, prologue);
    }
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

  // The same by places: those of each tile, one tile behind the other.
  void pack(const std::vector<Range>& places, DevicePointer tiles, DevicePointer parameters, void* pack, void* prologue) const {
    const auto blocks = static_cast<std::int64_t>(places.size());
    const std::int64_t first = places.front().from, count = places.back().to - first;
    const DeviceBuffer list(gpu_, places.size() * sizeof(Range));
    const Gpu::Settled settled(gpu_);
    list.upload(places.data(), places.size() * sizeof(Range));
    for (std::size_t l = 0; l < sources_.size(); ++l) {
      const PackedLeaf& leaf = area_.leaves[l];
      if (resident_[l]) {
        gpu_.launch(pack, blocks, 1, 1, kernel_.lanes, resident_[l]->at(), rows_, order_.at(), std::int64_t{0}, list.at(), leaf.dim,
                    tiles, area_.width, leaf.offset);
      } else {
        const DeviceBuffer batch = uploaded(sources_[l], leaf.dim, first, count, numbers_);
        gpu_.launch(pack, blocks, 1, 1, kernel_.lanes, batch.at(), count, DevicePointer{}, first, list.at(), leaf.dim, tiles,
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

  // A column-major matrix of the rows [first, first + count), or of those at these places of an order.
  DeviceBuffer uploaded(const Source& source, std::int64_t dim, std::int64_t first, std::int64_t count,
                        const std::int32_t* order = nullptr) const {
    const auto bytes = [](std::int64_t n) { return static_cast<std::size_t>(n) * sizeof(double); };
    DeviceBuffer matrix(gpu_, bytes(count * dim));
    if (order || !source.is_plain()) {
      Buffer<double> converted(static_cast<std::size_t>(count * dim));
      const Gpu::Settled settled(gpu_);
      pack_tile(source, dim, {first, count}, converted.data(), 0, count, order);
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
  const std::int32_t* numbers_;
  DeviceBuffer order_;  // the same on the GPU
  std::vector<ResidentMatrices::Held> resident_;  // parallel to the sources
};

}  // namespace rkeops
