// 64-bit and 128-bit hashes of byte strings: cache keys and checksums, not cryptography.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
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

// What stands for a long text in memory: made once, then compared and looked up in no time.
struct Digest {
  std::uint64_t first = 0, second = 0;
  bool operator==(const Digest& other) const { return first == other.first && second == other.second; }
};

inline Digest digest_of(std::string_view bytes) { return {hash_bytes(bytes, 1), hash_bytes(bytes, 2)}; }

// 32 hexadecimal digits.
inline std::string hash_name(std::string_view bytes) {
  const Digest digest = digest_of(bytes);
  char digits[33];
  std::snprintf(digits, sizeof digits, "%016llx%016llx", static_cast<unsigned long long>(digest.first),
                static_cast<unsigned long long>(digest.second));
  return digits;
}

}  // namespace rkeops

template <>
struct std::hash<rkeops::Digest> {
  std::size_t operator()(const rkeops::Digest& digest) const noexcept {
    return static_cast<std::size_t>(digest.first);
  }
};
