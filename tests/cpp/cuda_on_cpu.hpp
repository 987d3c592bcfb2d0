// CUDA words for the host compiler, to run generated CUDA text on the CPU: the threads of a block are fibres that take turns
// at barriers, blocks run one after the other. Included in front of the text by fake_cuda.cpp.
#pragma once

#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#define __device__
#define __global__
#define __shared__ static
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(threads)
#define __align__(bytes) __attribute__((aligned(bytes)))

extern "C" {
#define REAL_FUNCTION(name) \
  double name(double);      \
  float name##f(float);
REAL_FUNCTION(exp) REAL_FUNCTION(log) REAL_FUNCTION(log1p) REAL_FUNCTION(expm1) REAL_FUNCTION(sin) REAL_FUNCTION(cos)
REAL_FUNCTION(tan) REAL_FUNCTION(asin) REAL_FUNCTION(acos) REAL_FUNCTION(atan) REAL_FUNCTION(sinh) REAL_FUNCTION(cosh)
REAL_FUNCTION(tanh) REAL_FUNCTION(asinh) REAL_FUNCTION(acosh) REAL_FUNCTION(atanh) REAL_FUNCTION(sqrt) REAL_FUNCTION(fabs)
REAL_FUNCTION(floor) REAL_FUNCTION(ceil) REAL_FUNCTION(trunc) REAL_FUNCTION(round) REAL_FUNCTION(erf) REAL_FUNCTION(erfc)
REAL_FUNCTION(lgamma) REAL_FUNCTION(j0) REAL_FUNCTION(j1)
double pow(double, double), atan2(double, double), fma(double, double, double), fmin(double, double), fmod(double, double);
float powf(float, float), atan2f(float, float), fmaf(float, float, float), fminf(float, float), fmodf(float, float);
}
static inline double rsqrt(double x) { return 1 / sqrt(x); }
static inline float rsqrtf(float x) { return 1 / sqrtf(x); }
static inline float __int_as_float(int bits) {
  float x;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}

struct Index {
  unsigned x, y, z;
};
static Index threadIdx, blockIdx, gridDim;

namespace fibres {

constexpr unsigned most = 1024;
constexpr unsigned long stack_bytes = 512 << 10;
static ucontext_t scheduler, threads[most];
static bool ended[most];
static unsigned current;
static void (*body)(void**);
static void** arguments;

static void run() {
  body(arguments);
  ended[current] = true;
}

// Every thread up to its next barrier, until all have ended.
static void run_block(unsigned count) {
  // Every kernel has some, and a process with so much memory of its own could not fork: hence MAP_NORESERVE.
  static char* stacks = static_cast<char*>(mmap(nullptr, most * stack_bytes, PROT_READ | PROT_WRITE,
                                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  for (unsigned t = 0; t < count; ++t) {
    getcontext(&threads[t]);
    threads[t].uc_stack.ss_sp = stacks + t * stack_bytes;
    threads[t].uc_stack.ss_size = stack_bytes;
    threads[t].uc_link = &scheduler;
    makecontext(&threads[t], run, 0);
    ended[t] = false;
  }
  for (bool all = false; !all;) {
    all = true;
    for (unsigned t = 0; t < count; ++t) {
      if (ended[t]) continue;
      current = t;
      threadIdx.x = t;
      swapcontext(&scheduler, &threads[t]);
      all = all && ended[t];
    }
  }
}

static void launch(void (*kernel)(void**), unsigned x, unsigned y, unsigned z, unsigned count, void** args) {
  body = kernel;
  arguments = args;
  gridDim = {x, y, z};
  for (unsigned b = 0; b < x; ++b) {
    for (unsigned c = 0; c < y; ++c) {
      for (unsigned d = 0; d < z; ++d) {
        blockIdx = {b, c, d};
        run_block(count);
      }
    }
  }
}

template <class... Args>
struct Call {
  template <unsigned long... I>
  struct Places {};
  template <unsigned long n, unsigned long... I>
  struct Upto : Upto<n - 1, n - 1, I...> {};
  template <unsigned long... I>
  struct Upto<0, I...> {
    static void apply(void (*kernel)(Args...), void** a) { kernel(*static_cast<Args*>(a[I])...); }
  };
};

template <class... Args>
void call(void (*kernel)(Args...), void** a) {
  Call<Args...>::template Upto<sizeof...(Args)>::apply(kernel, a);
}

}  // namespace fibres

static inline void __syncthreads() { swapcontext(&fibres::threads[fibres::current], &fibres::scheduler); }

static inline void __syncwarp() { __syncthreads(); }

static inline float __uint_as_float(unsigned bits) {
  float x;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}

// To 11 significant bits, halves away from zero.
static inline unsigned tf32(float x) {
  unsigned bits;
  __builtin_memcpy(&bits, &x, sizeof x);
  if ((bits & 0x7f800000) != 0x7f800000) bits += 0x1000;
  return bits & 0xffffe000;
}

// mma.m16n8k8 of a warp: every lane hands in its fragments, then computes its four numbers from those of all.
static inline void mma_tf32(float* d, const unsigned* a, const unsigned* b) {
  static float left[fibres::most / 32][16][8], right[fibres::most / 32][8][8];
  const unsigned warp = threadIdx.x / 32, lane = threadIdx.x % 32, group = lane / 4, place = lane % 4;
  for (unsigned q = 0; q < 4; ++q) left[warp][group + q % 2 * 8][place + q / 2 * 4] = __uint_as_float(a[q]);
  for (unsigned q = 0; q < 2; ++q) right[warp][place + q * 4][group] = __uint_as_float(b[q]);
  __syncthreads();
  for (unsigned q = 0; q < 4; ++q) {
    for (unsigned k = 0; k < 8; ++k) d[q] += left[warp][group + q / 2 * 8][k] * right[warp][k][place * 2 + q % 2];
  }
  __syncthreads();
}

// What fake_cuda.cpp finds for the kernel NAME.
#define LAUNCHER(NAME)                                                                             \
  static void call_##NAME(void** a) { fibres::call(&NAME, a); }                                    \
  extern "C" void launch_##NAME(unsigned x, unsigned y, unsigned z, unsigned count, void** a) {    \
    fibres::launch(call_##NAME, x, y, z, count, a);                                                \
  }
