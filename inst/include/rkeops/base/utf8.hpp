// UTF-8 text that may be broken: where characters begin, and a valid copy for messages.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace rkeops {

// Bytes of the character that begins at `at`; 0 if none does: a stray byte, a cut or overlong sequence, a surrogate.
inline std::size_t character_size(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned char first = byte(at);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + size > text.size()) return 0;
  for (std::size_t k = 1; k < size; ++k) {
    if ((byte(at + k) & 0xc0) != 0x80) return 0;
  }
  const unsigned char second = byte(at + 1);
  const bool impossible = (first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0) ||
                          (first == 0xf0 && second < 0x90) || (first == 0xf4 && second >= 0x90);
  return impossible ? 0 : size;
}

// A copy in which every byte that belongs to no character, and NUL, is a question mark.
inline std::string valid_utf8(std::string_view text) {
  std::string copy;
  copy.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = character_size(text, at);
    if (size == 0 || text[at] == '\0') {
      copy += '?';
    } else {
      copy += text.substr(at, size);
    }
    at += std::max<std::size_t>(size, 1);
  }
  return copy;
}

// Characters in the first `bytes` bytes of that copy.
inline std::int64_t characters_before(std::string_view text, std::int64_t bytes) {
  std::int64_t count = 0;
  for (std::size_t at = 0; at < text.size() && static_cast<std::int64_t>(at) < bytes; ++count) {
    at += std::max<std::size_t>(character_size(text, at), 1);
  }
  return count;
}

}  // namespace rkeops
