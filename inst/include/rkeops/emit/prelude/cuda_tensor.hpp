// CUDA text: products of rows and columns on tensor cores (compute capability 8.0 on), in float32.
//
// Tensor cores multiply numbers of 11 significant bits (tf32). Each number is split into a high and a low part of that kind, and
// the three products that matter are added, so that the error of a product is about 2^-22 of it, four times that of float32.
#pragma once

#include "../../base/heuristics.hpp"
#include "../../base/text.hpp"

namespace rkeops {

// tensor_products(out, row, column, dim): out[a * 16 + c] = sum over k < dim of component k of the thread's row a and of
// column c. All threads of a warp call it together. Fragments are laid out as the PTX manual says of mma.m16n8k8.
inline std::string cuda_tensor_text(int rows, std::int64_t stride) {
  return substitute(R"(
#ifdef __CUDA_ARCH__
INLINE unsigned tf32(float x) {
  unsigned bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
  return bits;
}
/* d += a * b for a of 16 x 8, b of 8 x 8 numbers */
INLINE void mma_tf32(float* d, const unsigned* a, const unsigned* b) {
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#endif
INLINE void split_tf32(float x, unsigned* high, unsigned* low) {
  *high = tf32(x);
  *low = tf32(x - __uint_as_float(*high));
}
INLINE void tensor_products(real* out, const real* row, const real* column, int64 dim) {
  __shared__ real exchange[LANES / 32][32][17];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, group = lane / 4, place = lane % 4;
  const real* rows = row - lane;
  float sums[2 * $0][2][4];
#pragma unroll
  for (int m = 0; m < 2 * $0; ++m)
    for (int n = 0; n < 2; ++n)
      for (int q = 0; q < 4; ++q) sums[m][n][q] = 0;
  for (int64 k = 0; k < dim; k += 8) {
    unsigned high[2][2], low[2][2];
#pragma unroll
    for (int n = 0; n < 2; ++n) {
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        const int64 c = k + place + 4 * h;
        split_tf32(c < dim ? column[(n * 8 + group) * $1 + c] : 0, &high[n][h], &low[n][h]);
      }
    }
#pragma unroll
    for (int m = 0; m < 2 * $0; ++m) {
      unsigned row_high[4], row_low[4];
#pragma unroll
      for (int q = 0; q < 4; ++q) {
        const int64 c = k + place + q / 2 * 4;
        split_tf32(c < dim ? rows[c * TILE + m / 2 * LANES + m % 2 * 16 + q % 2 * 8 + group] : 0, &row_high[q], &row_low[q]);
      }
      __syncwarp(); /* whoever went another way above is back */
#pragma unroll
      for (int n = 0; n < 2; ++n) {
        mma_tf32(sums[m][n], row_low, high[n]);
        mma_tf32(sums[m][n], row_high, low[n]);
        mma_tf32(sums[m][n], row_high, high[n]);
      }
    }
  }
#pragma unroll
  for (int a = 0; a < $0; ++a) {
    __syncwarp();
#pragma unroll
    for (int m = 0; m < 2; ++m)
      for (int n = 0; n < 2; ++n)
        for (int q = 0; q < 4; ++q)
          exchange[warp][m * 16 + q / 2 * 8 + group][n * 8 + place * 2 + q % 2] = sums[2 * a + m][n][q];
    __syncwarp();
#pragma unroll
    for (int c = 0; c < 16; ++c) out[a * 16 + c] = exchange[warp][lane][c];
  }
}
)",
                    std::vector<std::string>{str(rows), str(stride)});
}

}  // namespace rkeops
