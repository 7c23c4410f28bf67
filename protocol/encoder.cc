#include "protocol/encoder.h"

#include "base/assert.h"

namespace longhaul::protocol {

void Encoder::truncate(size_t size, size_t splice_count) {
  LH_ASSERT(size <= bytes_.size() && splice_count <= splices_.size(), "truncation that grows");
  bytes_.resize(size);
  for (size_t i = splice_count; i < splices_.size(); ++i) spliced_size_ -= splices_[i].size;
  splices_.resize(splice_count);
}

}  // namespace longhaul::protocol
