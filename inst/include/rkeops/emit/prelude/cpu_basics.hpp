// The ground floor of the kernel prelude: vector types, loads, blends, and the operations that are one
// machine instruction each. `$` tokens are filled in by cpu_prelude(): $real $integer $f (ps, pd) $s (f or
// empty: suffix of C math names) $bytes $bits $x (empty, 256, 512: suffix of AVX builtins) $round (rounding
// argument of 512-bit builtins) $avx512 (the test for AVX-512 at this width).
#pragma once

#include <string>
#include <vector>

#include "../../base/heuristics.hpp"

namespace rkeops {
namespace cpu {

struct Snippet {
  const char* name;
  std::vector<const char*> needs;
  std::string text;  // for float32, and for float64 unless text64 is there
  std::string text64 = {};
};

// The definition of `name` in `text`, out of line; functions that take pointers stay inline.
inline std::string out_of_line(std::string text, const std::string& name) {
  const std::string head = "INLINE V " + name + "(";
  const std::size_t at = text.find(head), pointer = text.find('*', at);
  if (at != std::string::npos && pointer > text.find(')', at)) text.replace(at, 6, "FAR");
  return text;
}

// always_inline: these must vanish at -O2 as well. unused: clang warns about static functions otherwise.
inline std::string inline_text() {
  return "#if defined __x86_64__ && defined __GNUC__ && !defined __clang__\n"
         "#pragma GCC target(\"tune=" + std::string(heuristics::gcc_tuning) + "\")\n"
         "#endif\n"
         "#define INLINE static inline __attribute__((always_inline, unused))\n"
         "#define OUTLINE static __attribute__((noinline, cold, unused))\n"
         "#define FAR static __attribute__((noinline, unused))\n"
         "#define RARE FAR\n"
         "#define ENTRY\n"
         "typedef long long int64;\n"
         "#define FOR_LANES(l) for (int l = 0; l < LANES; l++)\n"
         "#define LANE(x, l) (x)[l]\n";
}

// Present in every prelude.
inline const char* base_text() {
  return R"(
typedef $real real;
typedef $integer integer;
typedef unsigned $integer uinteger;
typedef real V __attribute__((vector_size($bytes)));
typedef integer I __attribute__((vector_size($bytes)));
typedef uinteger U __attribute__((vector_size($bytes)));
typedef real VU __attribute__((vector_size($bytes), aligned(sizeof(real)), may_alias));
enum { LANES = $bytes / sizeof(real) };

/* x - 0 and not x + 0: the latter turns -0 into +0, so that no compiler may drop it */
INLINE V splat(real x) { return x - (V){}; }
INLINE I isplat(integer k) { return k - (I){}; }
INLINE V load(const real* p) { return *(const VU*)p; }
INLINE void store(real* p, V x) { *(VU*)p = x; }

/* gcc and clang turn this into a blend, or ternary logic, wherever the mask is a comparison */
INLINE I iselect(I mask, I a, I b) { return (mask & a) | (~mask & b); }
INLINE V select(I mask, V a, V b) { return (V)iselect(mask, (I)a, (I)b); }

INLINE int any(I mask) {
#if $bytes == 64 && defined __AVX512DQ__
  typedef int lanes_64 __attribute__((vector_size(64)));
  return __builtin_ia32_cvtd2mask512((lanes_64)mask) != 0;
#elif $bytes == 32 && defined __AVX__
  typedef long long lanes_32 __attribute__((vector_size(32)));
  return !__builtin_ia32_ptestz256((lanes_32)mask, (lanes_32)mask);
#elif $bytes == 16 && defined __SSE2__
  typedef char bytes_16 __attribute__((vector_size(16)));
  return __builtin_ia32_pmovmskb128((bytes_16)mask) != 0;
#else
  integer bits = 0;
  for (int k = 0; k < LANES; k++) bits |= mask[k];
  return bits != 0;
#endif
}
)";
}

// gcc gets its builtins by name, so that nothing hangs on its vectorizer. clang fuses lane loops, but for the
// 512-bit ones, and so do the compilers of other processors. A mask of -1 keeps all lanes; rounding 4 is the
// current mode.
inline const std::vector<Snippet>& basic_snippets() {
  static const std::vector<Snippet> table = {
      {"sign_bit",
       {},
       R"(
#define SIGN (~(integer)0x7fffffff)
INLINE V copysign_of(V size, V sign) { return (V)((I)size | ((I)sign & SIGN)); }  /* size >= 0 */
)",
       R"(
#define SIGN (~(integer)0x7fffffffffffffff)
INLINE V copysign_of(V size, V sign) { return (V)((I)size | ((I)sign & SIGN)); }  /* size >= 0 */
)"},
      {"specials", {}, R"(
#define INF ((real)__builtin_inff())
#define NAN_ ((real)__builtin_nanf(""))
)"},
      // Both return the second operand where one is NaN, as the x86 instructions do.
      {"vmin", {}, R"(
INLINE V vmin(V a, V b) {
#if defined __GNUC__ && !defined __clang__ && $avx512 && $bytes == 64
  return __builtin_ia32_min$f512_mask(a, b, a, -1, 4);
#elif defined __GNUC__ && !defined __clang__ && $has_vector
  return __builtin_ia32_min$f$x(a, b);
#else
  return select(a < b, a, b);
#endif
}
)"},
      {"vmax", {}, R"(
INLINE V vmax(V a, V b) {
#if defined __GNUC__ && !defined __clang__ && $avx512 && $bytes == 64
  return __builtin_ia32_max$f512_mask(a, b, a, -1, 4);
#elif defined __GNUC__ && !defined __clang__ && $has_vector
  return __builtin_ia32_max$f$x(a, b);
#else
  return select(a > b, a, b);
#endif
}
)"},
      {"v_sqrt", {}, R"(
INLINE V v_sqrt(V x) {
#if defined __GNUC__ && !defined __clang__ && $avx512 && $bytes == 64
  return __builtin_ia32_sqrt$f512_mask(x, x, -1, 4);
#elif defined __clang__ && $avx512 && $bytes == 64
  return __builtin_ia32_sqrt$f512(x, 4);
#elif defined __GNUC__ && !defined __clang__ && $has_vector
  return __builtin_ia32_sqrt$f$x(x);
#else
  for (int k = 0; k < LANES; k++) x[k] = __builtin_sqrt$s(x[k]);
  return x;
#endif
}
)"},
      // a * b + c with one rounding.
      {"v_fma", {}, R"(
INLINE V v_fma(V a, V b, V c) {
#if $avx512 && $bytes == 64
  return __builtin_ia32_vfmadd$f512_mask(a, b, c, -1, 4);
#elif defined __GNUC__ && !defined __clang__ && $has_vector && defined __FMA__
  return __builtin_ia32_vfmadd$f$x(a, b, c);
#else
  for (int k = 0; k < LANES; k++) a[k] = __builtin_fma$s(a[k], b[k], c[k]);
  return a;
#endif
}
)"},
      // Rounding towards -Inf, +Inf, 0: codes 9, 10, 11 of roundps (no exception raised).
      {"v_floor", {}, R"(
INLINE V v_floor(V x) {
#if $avx512 && $bytes == 64
  return __builtin_ia32_rndscale$f_mask(x, 9, x, -1, 4);
#elif defined __GNUC__ && !defined __clang__ && $has_round
  return __builtin_ia32_round$f$x(x, 9);
#else
  for (int k = 0; k < LANES; k++) x[k] = __builtin_floor$s(x[k]);
  return x;
#endif
}
)"},
      {"v_ceil", {}, R"(
INLINE V v_ceil(V x) {
#if $avx512 && $bytes == 64
  return __builtin_ia32_rndscale$f_mask(x, 10, x, -1, 4);
#elif defined __GNUC__ && !defined __clang__ && $has_round
  return __builtin_ia32_round$f$x(x, 10);
#else
  for (int k = 0; k < LANES; k++) x[k] = __builtin_ceil$s(x[k]);
  return x;
#endif
}
)"},
      {"v_trunc", {}, R"(
INLINE V v_trunc(V x) {
#if $avx512 && $bytes == 64
  return __builtin_ia32_rndscale$f_mask(x, 11, x, -1, 4);
#elif defined __GNUC__ && !defined __clang__ && $has_round
  return __builtin_ia32_round$f$x(x, 11);
#else
  for (int k = 0; k < LANES; k++) x[k] = __builtin_trunc$s(x[k]);
  return x;
#endif
}
)"},
      // Half away from zero. The largest number below 1/2 and not 1/2: 0.49999997 must not reach 1.
      {"v_round",
       {"v_trunc", "sign_bit"},
       R"(
INLINE V v_round(V x) { return v_trunc(x + copysign_of(splat(0.49999997f), x)); }
)",
       R"(
INLINE V v_round(V x) { return v_trunc(x + copysign_of(splat(0.49999999999999994), x)); }
)"},
      {"v_abs", {"sign_bit"}, "INLINE V v_abs(V x) { return (V)((I)x & ~SIGN); }\n"},
      {"v_sign", {}, R"(
INLINE V v_sign(V x) {
  return (V)(((x > (real)0) & (I)splat(1)) | ((x < (real)0) & (I)splat(-1)));
}
)"},
      {"v_step", {}, "INLINE V v_step(V x) { return (V)(~(x < (real)0) & (I)splat(1)); }\n"},
      {"v_relu", {}, "INLINE V v_relu(V x) { return (V)(~(x < (real)0) & (I)x); }\n"},
      // 0 and not Inf at 0: kernels such as 1/|x-y| leave out the diagonal this way.
      {"v_rsqrt", {"v_sqrt"}, R"(
INLINE V v_rsqrt(V x) { return (V)(~(x == (real)0) & (I)((real)1 / v_sqrt(x))); }
)"},
  };
  return table;
}

}  // namespace cpu
}  // namespace rkeops
