// Brokers of one region in memory, with what their volumes hold.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>

#include "base/random.h"
#include "operator/reconcile/kafka.h"

namespace longhaul::tests {

/// What the volumes of a cluster hold: its identity and topics. Lost with the last of them.
struct FakeVolume {
  std::string cluster_id;
  struct Topic {
    op::reconcile::TopicState state;
    std::map<std::string, std::string> config;
  };
  std::map<std::string, Topic> topics;
  std::map<std::string, std::string> options;  // of all brokers
};

/// Answers as brokers would that have the data of `volume`; with none, or without a majority of the
/// voters, nobody answers.
class FakeKafka final : public op::reconcile::Kafka {
 public:
  template <class T>
  using Result = base::Result<T>;
  using Addresses = op::reconcile::Addresses;

  FakeVolume* volume = nullptr;
  std::map<int64_t, base::Uuid> running;  // node IDs to the directories they run with
  std::set<int64_t> witnesses;            // those of them that are no brokers
  std::map<int64_t, base::Uuid> voters;
  std::string changes;                          // of the voters, such as "+1002 -1003 "
  std::vector<op::plan::Partition> partitions;  // in sync is who runs, of those named
  int32_t default_partitions = 1;
  std::map<int64_t, std::string> ports;  // node IDs to the ports they listen on
  std::string deaf;                      // addresses that were asked and that nobody listens on
  std::string options_error;             // that altering options gives; empty: none
  int calls = 0;

  /// A cluster that has not been founded.
  void forget();
  bool has_majority() const;

  Result<op::reconcile::ClusterState> describe_cluster(const Addresses& brokers) override;
  Result<op::plan::Quorum> describe_quorum(const Addresses& brokers) override;
  Result<void> add_voter(const Addresses& brokers, const std::string& cluster_id,
                         const op::reconcile::NewVoter& voter) override;
  Result<void> remove_voter(const Addresses& brokers, const std::string& cluster_id,
                            const op::plan::QuorumReplica& voter) override;
  Result<std::vector<op::plan::Partition>> list_partitions(const Addresses& brokers) override;
  Result<std::map<std::string, std::string>> default_options(const Addresses& brokers) override;
  Result<void> alter_default_options(const Addresses& brokers,
                                     const std::map<std::string, std::string>& set,
                                     const std::vector<std::string>& unset) override;
  Result<std::optional<op::reconcile::TopicState>> describe_topic(
      const Addresses& brokers, const std::string& topic) override;
  Result<void> create_topic(const Addresses& brokers, const op::reconcile::NewTopic& t) override;
  Result<void> delete_topic(const Addresses& brokers, const base::Uuid& topic) override;
  Result<void> grow_topic(const Addresses& brokers, const std::string& topic,
                          int32_t partitions) override;
  Result<std::map<std::string, std::string>> topic_config(const Addresses& brokers,
                                                          const std::string& topic) override;
  Result<void> alter_topic_config(const Addresses& brokers, const std::string& topic,
                                  const std::map<std::string, std::string>& set,
                                  const std::vector<std::string>& unset) override;

 private:
  Result<void> reach(const Addresses& brokers);
  std::recursive_mutex mutex_;
  base::SeededRandom random_{7};
};

}  // namespace longhaul::tests
