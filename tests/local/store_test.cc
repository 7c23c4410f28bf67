// The store's journal: what was written is there again, whatever was torn.
#include "local/api/store.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/memory_file_system.h"

namespace longhaul::local {
namespace {

Json object(int value) { return {{"metadata", {{"name", "a"}}}, {"value", value}}; }
const Key kKey{"configmaps", "default", "a"};

class StoreTest : public testing::Test {
 protected:
  std::unique_ptr<Store> open(size_t history = 100) {
    auto store = Store::open(files_, "/api", history);
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }
  void SetUp() override { ASSERT_TRUE(files_.create_directories("/api")); }
  base::MemoryFileSystem files_;
};

TEST_F(StoreTest, KeepsObjectsAndRevisionsOverRestarts) {
  uint64_t revision = 0;
  {
    auto store = open();
    ASSERT_TRUE(store->put(kKey, object(1)));
    ASSERT_TRUE(store->put(kKey, object(2)));
    ASSERT_TRUE(store->put({"configmaps", "default", "b"}, object(3)));
    ASSERT_TRUE(store->erase({"configmaps", "default", "b"}));
    revision = store->revision();
  }
  auto store = open();
  EXPECT_EQ(store->revision(), revision);
  ASSERT_TRUE(store->get(kKey));
  EXPECT_EQ(store->get(kKey)->at("value"), 2);
  EXPECT_EQ(store->list("configmaps", "default").size(), 1u);
  ASSERT_TRUE(store->put(kKey, object(4)));
  EXPECT_EQ(store->revision(), revision + 1);
}

TEST_F(StoreTest, DropsATornLine) {
  {
    auto store = open();
    ASSERT_TRUE(store->put(kKey, object(1)));
    ASSERT_TRUE(store->put(kKey, object(2)));
  }
  base::Bytes snapshot = *base::read_file(files_, "/api/objects.json", 1 << 20);
  base::Bytes journal = *base::read_file(files_, "/api/journal.jsonl", 1 << 20);
  size_t first = base::as_text(journal).find('\n') + 1;
  for (size_t cut = 0; cut <= journal.size(); ++cut) {
    base::MemoryFileSystem files;
    ASSERT_TRUE(files.create_directories("/api"));
    ASSERT_TRUE(base::write_file_atomic(files, "/api/objects.json", snapshot));
    ASSERT_TRUE(
        base::write_file_atomic(files, "/api/journal.jsonl", base::ByteView(journal.data(), cut)));
    auto store = Store::open(files, "/api", 10);
    ASSERT_TRUE(store) << cut << store.error().message;
    ObjectPtr found = (*store)->get(kKey);
    EXPECT_EQ(found ? found->at("value").get<int>() : 0, cut < first            ? 0
                                                         : cut < journal.size() ? 1
                                                                                : 2)
        << cut;
  }
}

TEST_F(StoreTest, RefusesADamagedSnapshot) {
  { ASSERT_TRUE(open()->put(kKey, object(1))); }
  ASSERT_TRUE(base::write_file_atomic(files_, "/api/objects.json", base::as_bytes("{\"rev")));
  auto store = Store::open(files_, "/api", 10);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, base::Errc::kCorrupt);
  EXPECT_NE(store.error().message.find("objects.json"), std::string::npos);
}

TEST_F(StoreTest, ForgetsOldChanges) {
  auto store = open(3);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(store->put(kKey, object(i)));
  EXPECT_EQ(store->history().size(), 3u);
  EXPECT_EQ(store->forgotten(), store->history().front().revision - 1);
}

}  // namespace
}  // namespace longhaul::local
