#include <fmt/core.h>
#include <stdio.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/kafka.h"
#include "client/io_thread.h"
#include "client/topic_client.h"
#include "local/api/text.h"

namespace longhaul::cli {
namespace {

using base::Errc;
using base::Result;
using client::Message;
using op::kube::Json;

constexpr std::chrono::milliseconds kIdleWait{500};  // shared by the partitions

Json text_or_null(const std::optional<std::string>& text) { return text ? Json(*text) : Json(); }

void print(const ConsumeOptions& options, int32_t partition, const Message& message) {
  std::string line;
  if (options.json) {
    Json headers = Json::array();
    for (const client::MessageHeader& header : message.headers)
      headers.push_back({{"name", header.name}, {"value", text_or_null(header.value)}});
    line = local::to_text({{"partition", partition},
                           {"offset", message.offset},
                           {"timestamp", message.timestamp},
                           {"key", text_or_null(message.key)},
                           {"value", text_or_null(message.value)},
                           {"headers", std::move(headers)}});
  } else {
    if (options.keys) line = message.key.value_or("") + "\t";
    line += message.value.value_or("");
  }
  line += '\n';
  fwrite(line.data(), 1, line.size(), stdout);
}

/// Reads partitions in turn.
class Consumer {
 public:
  Consumer(client::TopicClient& topic, const ConsumeOptions& options)
      : topic_(topic), options_(options) {}

  Result<void> run() {
    LH_TRY(begin());
    std::chrono::milliseconds wait{0};
    while (!positions_.empty()) {
      bool any = false;
      for (auto at = positions_.begin(); at != positions_.end();) {
        LH_ASSIGN(bool got, read(at->first, at->second, wait));
        if (enough()) return {};
        any = any || got;
        at = options_.until_end && at->second.next >= at->second.end ? positions_.erase(at)
                                                                     : std::next(at);
      }
      fflush(stdout);
      // Only when there was nothing anywhere do we wait for what may come.
      if (!positions_.empty())
        wait = any ? std::chrono::milliseconds(0) : kIdleWait / static_cast<int>(positions_.size());
    }
    return {};
  }

 private:
  struct Position {
    int64_t next = 0, end = 0;
  };

  Result<void> begin() {
    LH_ASSIGN(int32_t count, topic_.partitions());
    if (options_.partition && (*options_.partition < 0 || *options_.partition >= count))
      return base::fail(Errc::kInvalidArgument,
                        fmt::format("{} has the partitions 0 to {}", options_.topic, count - 1));
    for (int32_t partition = 0; partition < count; ++partition) {
      if (options_.partition && *options_.partition != partition) continue;
      Position position;
      LH_ASSIGN(position.end, topic_.offset_for(partition, client::kLatest));
      position.next = position.end;
      if (options_.offset) position.next = *options_.offset;
      if (options_.from_beginning) {
        LH_ASSIGN(position.next, topic_.offset_for(partition, client::kEarliest));
      }
      if (options_.until_end && position.next >= position.end) continue;
      positions_[partition] = position;
    }
    return {};
  }

  Result<bool> read(int32_t partition, Position& position, std::chrono::milliseconds wait) {
    LH_ASSIGN(client::Fetched fetched, topic_.fetch(partition, position.next, wait));
    for (const Message& message : fetched.messages) {
      if (enough() || (options_.until_end && message.offset >= position.end)) break;
      print(options_, partition, message);
      ++printed_;
    }
    bool moved = fetched.next_offset > position.next;
    position.next = std::max(position.next, fetched.next_offset);
    return moved;
  }

  bool enough() const { return options_.max_messages > 0 && printed_ >= options_.max_messages; }

  client::TopicClient& topic_;
  const ConsumeOptions& options_;
  std::map<int32_t, Position> positions_;
  int64_t printed_ = 0;
};

Result<void> consume(const GlobalOptions& global, const KafkaOptions& kafka,
                     const ConsumeOptions& options) {
  LH_ASSIGN(auto brokers, find_brokers(global, kafka));
  client::IoThread thread("kafka");
  client::Pool pool(thread, {});
  client::TopicClient topic(pool, std::move(brokers), options.topic);
  auto done = Consumer(topic, options).run();
  fflush(stdout);
  return done;
}

}  // namespace

int run_consume(const GlobalOptions& global, const KafkaOptions& kafka,
                const ConsumeOptions& options) {
  return report(consume(global, kafka, options));
}

}  // namespace longhaul::cli
