// 64-bit and 128-bit hashes of byte strings: cache keys and checksums, not cryptography.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace rkeops {

inline std::uint64_t mix(std::uint64_t h) {  // finaliser of splitmix64
  h ^= h >> 30;
  h *= 0xbf58476d1ce4e5b9ull;
  h ^= h >> 27;
  h *= 0x94d049bb133111ebull;
  return h ^ (h >> 31);
}

inline std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed = 0) {
  std::uint64_t h = mix(seed + 0x9e3779b97f4a7c15ull) ^ bytes.size();
  for (unsigned char c : bytes) h = (h ^ c) * 0x100000001b3ull;
  return mix(h);
}

inline std::uint64_t combine(std::uint64_t seed, std::uint64_t value) {
  return mix(seed ^ (value + 0x9e3779b97f4a7c15ull + (seed << 6)));
}

// 32 hexadecimal digits.
inline std::string hash_name(std::string_view bytes) {
  char digits[33];
  std::snprintf(digits, sizeof digits, "%016llx%016llx", static_cast<unsigned long long>(hash_bytes(bytes, 1)),
                static_cast<unsigned long long>(hash_bytes(bytes, 2)));
  return digits;
}

}  // namespace rkeops
