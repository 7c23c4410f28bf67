#include <errno.h>
#include <fmt/core.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <map>

#include "base/clock.h"
#include "cli/kafka.h"
#include "client/io_thread.h"
#include "client/topic_client.h"

namespace longhaul::cli {
namespace {

using base::Errc;
using base::Result;
using client::Message;

constexpr size_t kBatchMessages = 1000;
constexpr size_t kBatchBytes = 256 << 10;
constexpr size_t kLongestLine = 32 << 20;

/// Lines of a descriptor, as many at a time as are there without waiting.
class LineReader {
 public:
  explicit LineReader(int descriptor) : descriptor_(descriptor) {}

  /// The next line; false at the end.
  Result<bool> next(std::string& line) {
    while (true) {
      if (size_t end = buffer_.find('\n', at_); end != buffer_.npos) {
        line.assign(buffer_, at_, end - at_);
        at_ = end + 1;
        return true;
      }
      if (ended_) {
        line = buffer_.substr(at_);
        at_ = buffer_.size();
        return !line.empty();
      }
      LH_TRY(fill());
    }
  }
  /// True if `next` would have to wait for more.
  bool would_wait() const {
    if (ended_ || buffer_.find('\n', at_) != buffer_.npos) return false;
    pollfd wait{descriptor_, POLLIN, 0};
    return poll(&wait, 1, 0) == 0;
  }

 private:
  Result<void> fill() {
    buffer_.erase(0, std::exchange(at_, 0));
    if (buffer_.size() > kLongestLine)
      return base::fail(Errc::kTooLarge, "a line is longer than 32 MiB");
    char chunk[64 << 10];
    ssize_t size = read(descriptor_, chunk, sizeof chunk);
    if (size < 0 && errno == EINTR) return {};
    if (size < 0)
      return base::fail(Errc::kIo, std::string("reading standard input: ") + strerror(errno));
    ended_ = size == 0;
    buffer_.append(chunk, static_cast<size_t>(size));
    return {};
  }

  const int descriptor_;
  std::string buffer_;
  size_t at_ = 0;
  bool ended_ = false;
};

Result<std::vector<client::MessageHeader>> parse_headers(const std::vector<std::string>& given) {
  std::vector<client::MessageHeader> out;
  for (const std::string& pair : given) {
    size_t equals = pair.find('=');
    if (equals == pair.npos)
      return base::fail(Errc::kInvalidArgument, "--header " + pair + ": must be NAME=VALUE");
    out.push_back({pair.substr(0, equals), pair.substr(equals + 1)});
  }
  return out;
}

records::Codec codec_of(const std::string& name) {
  if (name == "gzip") return records::Codec::kGzip;
  if (name == "snappy") return records::Codec::kSnappy;
  if (name == "lz4") return records::Codec::kLz4;
  if (name == "zstd") return records::Codec::kZstd;
  return records::Codec::kNone;
}

/// Collects lines into a batch for each partition and writes them.
class Producer {
 public:
  Producer(client::TopicClient& topic, const ProduceOptions& options, int32_t partitions,
           std::vector<client::MessageHeader> headers)
      : topic_(topic), options_(options), partitions_(partitions), headers_(std::move(headers)) {}

  Result<void> add(const std::string& line) {
    Message message;
    message.headers = headers_;
    size_t split = options_.key_separator.empty() ? line.npos : line.find(options_.key_separator);
    if (!options_.key_separator.empty() && split == line.npos)
      return base::fail(Errc::kInvalidArgument, "a line has no \"" + options_.key_separator +
                                                    "\" between key and value: " + line);
    if (split != line.npos) {
      message.key = line.substr(0, split);
      split += options_.key_separator.size();
    }
    message.value = split == line.npos ? line : line.substr(split);
    message.timestamp = clock_.wall_ms();
    bytes_ += line.size();
    ++count_;
    int32_t partition = options_.partition.value_or(
        message.key ? client::TopicClient::partition_for(*message.key, partitions_)
                    : turn_ % partitions_);
    pending_[partition].push_back(std::move(message));
    return {};
  }
  bool full() const { return count_ >= kBatchMessages || bytes_ >= kBatchBytes; }

  Result<void> flush() {
    for (auto& [partition, messages] : pending_) {
      auto offset = topic_.produce(partition, messages, codec_of(options_.codec));
      if (!offset) return tl::unexpected(offset.error());
      written_ += messages.size();
    }
    if (!pending_.empty()) ++turn_;
    pending_.clear();
    bytes_ = count_ = 0;
    return {};
  }
  size_t written() const { return written_; }

 private:
  client::TopicClient& topic_;
  const ProduceOptions& options_;
  const int32_t partitions_;
  const std::vector<client::MessageHeader> headers_;
  base::SystemClock clock_;
  std::map<int32_t, std::vector<Message>> pending_;
  size_t bytes_ = 0, count_ = 0, written_ = 0;
  int32_t turn_ = 0;
};

Result<void> write_lines(Producer& producer) {
  LineReader lines(STDIN_FILENO);
  std::string line;
  while (true) {
    LH_ASSIGN(bool more, lines.next(line));
    if (!more) return producer.flush();
    LH_TRY(producer.add(line));
    if (producer.full() || lines.would_wait()) LH_TRY(producer.flush());
  }
}

Result<void> produce(const GlobalOptions& global, const KafkaOptions& kafka,
                     const ProduceOptions& options) {
  LH_ASSIGN(auto headers, parse_headers(options.headers));
  LH_ASSIGN(auto brokers, find_brokers(global, kafka));
  client::IoThread thread("kafka");
  client::Pool pool(thread, {});
  client::TopicClient topic(pool, std::move(brokers), options.topic);
  auto partitions = topic.partitions();
  if (!partitions && partitions.error().code == Errc::kNotFound)
    partitions.error().message += "; `longhaul topic create " + options.topic + "` makes it";
  if (!partitions) return tl::unexpected(partitions.error());
  if (options.partition && (*options.partition < 0 || *options.partition >= *partitions))
    return base::fail(Errc::kInvalidArgument,
                      fmt::format("{} has the partitions 0 to {}", options.topic, *partitions - 1));
  Producer producer(topic, options, *partitions, std::move(headers));
  auto done = write_lines(producer);
  fmt::print(stderr, "{} records written\n", producer.written());
  return done;
}

}  // namespace

int run_produce(const GlobalOptions& global, const KafkaOptions& kafka,
                const ProduceOptions& options) {
  return report(produce(global, kafka, options));
}

}  // namespace longhaul::cli
