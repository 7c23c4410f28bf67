#include "broker/log/offset_map.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace longhaul::broker::log {

namespace {

/// The state of SipHash (Aumasson, Bernstein), of which two words of output are taken.
struct SipState {
  uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void take(uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
  uint64_t finish() {
    for (int i = 0; i < 4; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

}  // namespace

OffsetMap::OffsetMap(size_t slots, double load_factor, base::Random& random)
    : secret_{random.next(), random.next()}, slots_(std::max<size_t>(slots, 2)) {
  auto filled = static_cast<size_t>(static_cast<double>(slots_.size()) * load_factor);
  most_ = std::clamp<size_t>(filled, 1, slots_.size() - 1);  // a free slot ends each search
}

OffsetMap::Hash OffsetMap::hash_of(base::ByteView key) const {
  SipState state{secret_[0] ^ 0x736f6d6570736575, secret_[1] ^ 0x646f72616e646f6d ^ 0xee,
                 secret_[0] ^ 0x6c7967656e657261, secret_[1] ^ 0x7465646279746573};
  const uint8_t* at = key.data();
  size_t left = key.size();
  for (; left >= 8; left -= 8, at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, at, 8);
    state.take(word);
  }
  uint64_t last = static_cast<uint64_t>(key.size()) << 56;
  for (size_t i = 0; i < left; ++i) last |= static_cast<uint64_t>(at[i]) << (8 * i);
  state.take(last);
  state.v2 ^= 0xee;
  uint64_t low = state.finish();
  state.v1 ^= 0xdd;
  return {low, state.finish()};
}

size_t OffsetMap::find(const Hash& hash) const {
  size_t at = hash.low % slots_.size();
  while (slots_[at].offset >= 0 && slots_[at].hash != hash) at = (at + 1) % slots_.size();
  return at;
}

bool OffsetMap::put(base::ByteView key, int64_t offset) {
  Hash hash = hash_of(key);
  Slot& slot = slots_[find(hash)];
  if (slot.offset < 0) {
    if (size_ == most_) return false;
    ++size_;
  }
  slot = {hash, offset};
  return true;
}

int64_t OffsetMap::get(base::ByteView key) const { return slots_[find(hash_of(key))].offset; }

}  // namespace longhaul::broker::log
