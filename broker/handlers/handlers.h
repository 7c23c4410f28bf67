// One handler an API, in a file an API family. Each decodes its request, and answers it at once or
// later; see call.h. What the controller decides is in ask_controller.h alone. What an API does is
// Kafka's protocol guide and the KIP named there.
#pragma once

#include "broker/handlers/call.h"
#include "broker/handlers/services.h"

namespace longhaul::broker::handlers {

// produce.cc
void handle_produce(Services& services, Call call);

// fetch.cc (KIP-227 sessions, KIP-74 limits, KIP-516 topic IDs)
void handle_fetch(Services& services, Call call);

// list_offsets.cc (KIP-79, KIP-734; KIP-101, KIP-320)
void handle_list_offsets(Services& services, Call call);
void handle_offset_for_leader_epoch(Services& services, Call call);

// delete_records.cc (KIP-107)
void handle_delete_records(Services& services, Call call);

// metadata.cc
void handle_metadata(Services& services, Call call);
// cluster.cc (KIP-700, KIP-919)
void handle_describe_cluster(Services& services, Call call);
// describe_topic_partitions.cc (KIP-966)
void handle_describe_topic_partitions(Services& services, Call call);
// log_dirs.cc (KIP-113, KIP-827)
void handle_describe_log_dirs(Services& services, Call call);
void handle_alter_replica_log_dirs(Services& services, Call call);

// api_versions.cc (KIP-511, KIP-584)
void handle_api_versions(Services& services, Call call);

// envelope.cc (KIP-590)
void handle_envelope(Services& services, Call call);

// configs.cc (KIP-133, KIP-226)
void handle_describe_configs(Services& services, Call call);

// producer_ids.cc (KIP-98, KIP-360)
void handle_init_producer_id(Services& services, Call call);

// find_coordinator.cc (KIP-699)
void handle_find_coordinator(Services& services, Call call);

// groups.cc
void handle_join_group(Services& services, Call call);
void handle_sync_group(Services& services, Call call);
void handle_heartbeat(Services& services, Call call);
void handle_leave_group(Services& services, Call call);
void handle_describe_groups(Services& services, Call call);
void handle_list_groups(Services& services, Call call);
void handle_delete_groups(Services& services, Call call);

// offsets.cc (KIP-211, KIP-496, KIP-709)
void handle_offset_commit(Services& services, Call call);
void handle_offset_fetch(Services& services, Call call);
void handle_offset_delete(Services& services, Call call);

}  // namespace longhaul::broker::handlers
