#include "base/crc32c.h"

#include <array>
#include <cstring>

#include "base/assert.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Checksums are polynomials over GF(2) with their bits reversed: bit 31 is x^0. See M. Adler's and
// Intel's notes on interleaving the CRC instruction, whose latency is three times its throughput.

namespace longhaul::base {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;

constexpr uint32_t times_x(uint32_t a) { return (a >> 1) ^ ((a & 1) != 0 ? kPolynomial : 0); }

/// a * b modulo the polynomial.
constexpr uint32_t multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t bit = 0x80000000; bit != 0; bit >>= 1, b = times_x(b)) {
    if ((a & bit) != 0) product ^= b;
  }
  return product;
}

/// x^(2^k) for k = 0 ... 63.
constexpr std::array<uint32_t, 64> make_squares() {
  std::array<uint32_t, 64> squares{};
  squares[0] = 0x40000000;
  for (size_t k = 1; k < squares.size(); ++k) {
    squares[k] = multiply(squares[k - 1], squares[k - 1]);
  }
  return squares;
}
constexpr auto kSquares = make_squares();

constexpr uint32_t power_of_x(uint64_t exponent) {
  uint32_t power = 0x80000000;
  for (size_t k = 0; exponent != 0; ++k, exponent >>= 1) {
    if ((exponent & 1) != 0) power = multiply(kSquares[k], power);
  }
  return power;
}

using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  Tables tables{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = times_x(crc);
    tables[0][i] = crc;
  }
  for (size_t k = 1; k < tables.size(); ++k) {
    for (size_t i = 0; i < 256; ++i) {
      tables[k][i] = (tables[k - 1][i] >> 8) ^ tables[0][tables[k - 1][i] & 0xff];
    }
  }
  return tables;
}
constexpr Tables kTables = make_tables();

uint64_t load_little_endian(const uint8_t* at) {
  return __builtin_bswap64(load_big_endian<uint64_t>(at));
}

}  // namespace

uint32_t crc32c_extend_tables(uint32_t crc, ByteView bytes) {
  const uint8_t* at = bytes.data();
  size_t left = bytes.size();
  uint32_t state = ~crc;
  for (; left >= 8; left -= 8, at += 8) {
    uint64_t word = load_little_endian(at) ^ state;
    state = 0;
    for (size_t k = 0; k < 8; ++k) state ^= kTables[7 - k][(word >> (8 * k)) & 0xff];
  }
  for (; left != 0; --left, ++at) state = (state >> 8) ^ kTables[0][(state ^ *at) & 0xff];
  return ~state;
}

uint32_t crc32c_shift(uint32_t difference, uint64_t size) {
  return multiply(power_of_x(size * 8), difference);
}

#if defined(__x86_64__)
namespace {

#define LH_CRC_TARGET __attribute__((target("sse4.2,pclmul")))

/// state * x^(8 * kBytes): a carry-less product, which the CRC instruction then reduces. The
/// instruction multiplies by x^32 and the reversed bits by another x, which kFactor takes back.
template <size_t kBytes>
LH_CRC_TARGET inline uint64_t advance(uint64_t state) {
  constexpr uint32_t kFactor = power_of_x(kBytes * 8 - 33);
  __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<int64_t>(state)),
                                         _mm_cvtsi32_si128(static_cast<int>(kFactor)), 0);
  return _mm_crc32_u64(0, static_cast<uint64_t>(_mm_cvtsi128_si64(product)));
}

LH_CRC_TARGET inline uint64_t word_at(const uint8_t* at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

/// Consumes as many groups of three blocks as there are, the three in parallel.
template <size_t kBlock>
LH_CRC_TARGET inline uint64_t three_lanes(uint64_t state, const uint8_t*& at, size_t& left) {
  while (left >= 3 * kBlock) {
    uint64_t second = 0;
    uint64_t third = 0;
    for (size_t i = 0; i < kBlock; i += 8) {
      state = _mm_crc32_u64(state, word_at(at + i));
      second = _mm_crc32_u64(second, word_at(at + kBlock + i));
      third = _mm_crc32_u64(third, word_at(at + 2 * kBlock + i));
    }
    state = advance<2 * kBlock>(state) ^ advance<kBlock>(second) ^ third;
    at += 3 * kBlock;
    left -= 3 * kBlock;
  }
  return state;
}

}  // namespace

LH_CRC_TARGET uint32_t crc32c_extend_hardware(uint32_t crc, ByteView bytes) {
  const uint8_t* at = bytes.data();
  size_t left = bytes.size();
  uint64_t state = static_cast<uint32_t>(~crc);
  state = three_lanes<4096>(state, at, left);
  state = three_lanes<512>(state, at, left);
  state = three_lanes<64>(state, at, left);
  for (; left >= 8; left -= 8, at += 8) state = _mm_crc32_u64(state, word_at(at));
  uint32_t narrow = static_cast<uint32_t>(state);
  for (; left != 0; --left, ++at) narrow = _mm_crc32_u8(narrow, *at);
  return ~narrow;
}

bool crc32c_has_hardware() {
  static const bool kHas = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
  return kHas;
}
#else
uint32_t crc32c_extend_hardware(uint32_t, ByteView) {
  LH_ASSERT(false, "no CRC instruction on this processor");
}
bool crc32c_has_hardware() { return false; }
#endif

uint32_t crc32c_extend(uint32_t crc, ByteView bytes) {
  return crc32c_has_hardware() ? crc32c_extend_hardware(crc, bytes)
                               : crc32c_extend_tables(crc, bytes);
}

}  // namespace longhaul::base
