// metadata.managedFields: who owns which field, and what follows from it for applies and updates.
#pragma once

#include <string>
#include <vector>

#include "local/api/field_set.h"

namespace longhaul::local {

/// Who writes, as the entries of metadata.managedFields tell writers apart.
struct Writer {
  std::string manager;
  std::string api_version;  // of the object as it was sent
  std::string subresource;  // "" or "status"
  std::string now;          // RFC 3339
};

/// The managers of one object.
class ManagedFields {
 public:
  /// From an object's metadata; malformed entries are dropped.
  explicit ManagedFields(const Json& object);

  /// Puts `config` over `live`: new fields are set, fields that the writer applied before and no
  /// longer does are removed unless another manager owns them too. 409 with a cause per field when
  /// `config` would change fields of other managers, unless `force`, which takes them over.
  Answer<Json> apply(const Json& live, const Json& config, const Schema::Ptr& schema,
                     const Writer& writer, bool force);
  /// What an update (PUT, other patches, POST) changed belongs to its writer from now on.
  void update(const Json& before, const Json& after, const Schema::Ptr& schema,
              const Writer& writer);
  /// After pruning, defaulting and the like: ownership of fields that are gone ends.
  void forget_missing(const Json& object, const Schema::Ptr& schema);

  /// Writes metadata.managedFields. Entries whose fields did not change keep their time, also
  /// when they were written anew.
  void write(Json& object) const;

 private:
  struct Entry {
    std::string manager, operation, api_version, subresource, time;
    FieldSet fields;
  };
  Entry& entry(const Writer& writer, const std::string& operation);
  void remove_from_others(const Entry& mine, const FieldSet& fields);
  Answer<void> check_conflicts(const Entry& mine, const FieldSet& changed) const;
  void set_fields(Entry& entry, FieldSet fields, const std::string& now);

  std::vector<Entry> entries_;
};

/// The parts of an object that ownership is tracked for: without apiVersion, kind, and what the
/// server sets in metadata.
Json tracked_part(const Json& object);

/// True if two states of an object differ in nothing, or only in the times of its managers.
bool same_but_times(const Json& a, const Json& b);

}  // namespace longhaul::local
