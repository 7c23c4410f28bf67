// The checker itself: each rule is broken once.
#include "tests/sim/images.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace longhaul::sim {
namespace {

using broker::metadata::MetadataImage;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ImagesTest : public testing::Test {
 protected:
  /// Of one topic with this leader.
  static broker::metadata::Shared<MetadataImage> image(int64_t offset, int32_t leader) {
    auto image = std::make_shared<MetadataImage>();
    image->provenance = {offset, 1};
    broker::metadata::Partition partition;
    partition.leader = leader;
    broker::metadata::Topic topic{"t", {{1}}, {}};
    topic.partitions.push_back(std::make_shared<const broker::metadata::Partition>(partition));
    image->topics =
        image->topics.with(topic.id, std::make_shared<const broker::metadata::Topic>(topic));
    image->topic_ids = image->topic_ids.with(topic.name, topic.id);
    return image;
  }
  const std::vector<std::string>& findings() const { return world_.findings.all(); }

  World world_{1, Trace::Keep::kDigest};
  Images images_{world_.findings};
};

TEST_F(ImagesTest, FindsNothingWhereAllKnowTheSame) {
  images_.learned("n1", image(5, 1));
  images_.learned("n2", image(5, 1));
  images_.learned("n2", image(6, 2));
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(ImagesTest, FindsWhoKnowsSomethingElse) {
  images_.learned("n1", image(5, 1));
  images_.learned("n2", image(5, 2));
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("not the same: topic t")));
}

TEST_F(ImagesTest, FindsWhatDoesNotFollow) {
  auto other = std::make_shared<MetadataImage>(*image(5, 1));
  other->partition_count = 7;
  images_.learned("n1", image(5, 1));
  images_.learned("n2", other);
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("not the same: the count of partitions")));
}

}  // namespace
}  // namespace longhaul::sim
