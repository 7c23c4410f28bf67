#include "local/api/router.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/result.h"
#include "local/api/discovery.h"
#include "local/api/table.h"
#include "local/api/text.h"
#include "operator/kube/object.h"

namespace longhaul::local {
namespace {

using Query = std::multimap<std::string, std::string>;

std::string decode(std::string_view text, bool plus_is_space) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr ==
            text.data() + i + 3) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i] == '+' && plus_is_space ? ' ' : text[i];
    }
  }
  return out;
}

Query parse_query(std::string_view text) {
  Query query;
  while (!text.empty()) {
    std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    size_t equals = pair.find('=');
    std::string_view value = equals == pair.npos ? "" : pair.substr(equals + 1);
    query.emplace(decode(pair.substr(0, equals), true), decode(value, true));
  }
  return query;
}

std::string param(const Query& query, const std::string& name) {
  auto found = query.find(name);
  return found == query.end() ? "" : found->second;
}

bool is_true(const std::string& text) { return text == "true" || text == "1"; }

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> steps;
  while (!path.empty()) {
    path.remove_prefix(1);
    size_t slash = std::min(path.find('/'), path.size());
    if (slash > 0) steps.push_back(decode(path.substr(0, slash), false));
    path.remove_prefix(slash);
  }
  return steps;
}

bool wants_table(const Request& request) {
  // The first media type that can be served wins; clients put tables first if they want them.
  std::string_view first = std::string_view(request.accept).substr(0, request.accept.find(','));
  return first.find("as=Table") != first.npos && first.find("g=meta.k8s.io") != first.npos;
}

Answer<WriteOptions> write_options(const Request& request, const Query& query,
                                   std::vector<std::string>* warnings) {
  WriteOptions options;
  options.manager = param(query, "fieldManager");
  if (options.manager.empty())
    options.manager = request.user_agent.substr(0, request.user_agent.find('/'));
  if (options.manager.empty()) options.manager = "unknown";
  if (options.manager.size() > 128)
    return refuse(422, "Invalid", "fieldManager: Too long: may not be more than 128 bytes");
  std::string dry_run = param(query, "dryRun"), validation = param(query, "fieldValidation");
  if (!dry_run.empty() && dry_run != "All")
    return refuse(422, "Invalid",
                  "dryRun: Unsupported value: \"" + dry_run + "\": supported values: \"All\"");
  options.dry_run = !dry_run.empty();
  options.force = is_true(param(query, "force"));
  if (validation == "Strict") {
    options.validation = FieldValidation::kStrict;
  } else if (validation == "Warn" || validation.empty()) {
    options.validation = FieldValidation::kWarn;
  } else if (validation != "Ignore") {
    return refuse(422, "Invalid",
                  "fieldValidation: Unsupported value: \"" + validation +
                      "\": supported values: \"\", \"Ignore\", \"Strict\", "
                      "\"Warn\"");
  }
  options.warnings = warnings;
  return options;
}

std::string media_type(const std::string& content_type) {
  std::string type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ')) type.pop_back();
  return type;
}

Answer<Json> parse_body(const Request& request, std::vector<std::string>* duplicates) {
  std::string type = media_type(request.content_type);
  if (type == "application/yaml" || type == "application/apply-patch+yaml") {
    auto documents = parse_yaml(request.body, duplicates);
    if (!documents) return bad_request("error decoding YAML: " + documents.error().message);
    if (documents->size() != 1) return bad_request("the body must hold exactly one object");
    return std::move(documents->front());
  }
  bool json = type.empty() || type == "application/json" || type.ends_with("-patch+json");
  if (!json)
    return refuse(415, "UnsupportedMediaType",
                  "the body of the request was in an unknown format - accepted media types "
                  "include: application/json, application/yaml");
  auto object = parse_json(request.body, duplicates);
  if (!object) return bad_request("the body is not valid JSON: " + object.error().message);
  return std::move(*object);
}

Answer<DeleteOptions> delete_options(const Request& request, const Query& query) {
  DeleteOptions options;
  Json body = Json::object();
  if (!request.body.empty()) {
    LH_ASSIGN(body, parse_body(request, nullptr));
  }
  using op::kube::at_path;
  using op::kube::string_at;
  options.uid = string_at(body, {"preconditions", "uid"});
  options.resource_version = string_at(body, {"preconditions", "resourceVersion"});
  options.propagation = string_at(body, {"propagationPolicy"}, param(query, "propagationPolicy"));
  if (at_path(body, {"orphanDependents"}) == true) options.propagation = "Orphan";
  if (const Json& grace = at_path(body, {"gracePeriodSeconds"}); grace.is_number_integer())
    options.grace_seconds = grace.get<int64_t>();
  int64_t seconds = 0;
  std::string grace = param(query, "gracePeriodSeconds");
  if (!grace.empty() &&
      std::from_chars(grace.data(), grace.data() + grace.size(), seconds).ec == std::errc())
    options.grace_seconds = seconds;
  options.dry_run = !param(query, "dryRun").empty() || !at_path(body, {"dryRun"}).empty();
  return options;
}

Response json_response(int status, const Json& body) {
  return {status, "application/json", to_text(body)};
}

Json list_body(const Kind& kind, const ObjectList& list) {
  Json items = Json::array();
  for (const ObjectPtr& object : list.objects) items.push_back(*object);
  return {{"kind", kind.name + "List"},
          {"apiVersion", kind.api_version()},
          {"metadata", {{"resourceVersion", std::to_string(list.revision)}}},
          {"items", std::move(items)}};
}

Json deleted_status(const Target& target, const Json& object) {
  return {{"kind", "Status"},
          {"apiVersion", "v1"},
          {"metadata", Json::object()},
          {"status", "Success"},
          {"details",
           {{"name", target.name},
            {"group", target.kind->group},
            {"kind", target.kind->plural},
            {"uid", op::kube::uid_of(object)}}}};
}

}  // namespace

Router::Router(Api& api, const base::Clock& clock, std::string address)
    : api_(api), clock_(clock), address_(std::move(address)) {}

Response Router::handle(const Request& request) const {
  auto response = route(request);
  if (response) return std::move(*response);
  return json_response(response.error().code, status_of(response.error()));
}

// /api/v1/… or /apis/GROUP/VERSION/…, then [namespaces/NS/]PLURAL[/NAME[/status]].
Answer<Target> Router::parse_target(const std::vector<std::string>& path) const {
  auto unknown = [] {
    return refuse(404, "NotFound", "the server could not find the requested resource");
  };
  if (path.empty()) return unknown();
  size_t at = path[0] == "api" ? 2 : 3;
  if ((path[0] != "api" && path[0] != "apis") || path.size() <= at) return unknown();
  std::string group = path[0] == "api" ? "" : path[1];
  const std::string& version = path[at - 1];
  Target target;
  bool in_namespace = path[at] == "namespaces" && path.size() > at + 2 &&
                      path[at + 2] != "status" && path[at + 2] != "finalize";
  if (in_namespace) {
    target.name_space = path[at + 1];
    at += 2;
  }
  LH_ASSIGN(target.kind, api_.kind(group, version, path[at]));
  if (target.kind->namespaced != in_namespace && (in_namespace || path.size() > at + 1))
    return unknown();
  if (path.size() > at + 1) target.name = path[at + 1];
  if (path.size() > at + 2) target.subresource = path[at + 2];
  if (path.size() > at + 3) return unknown();
  if (!target.subresource.empty() && !(target.subresource == "status" && target.kind->has_status))
    return unknown();
  return target;
}

Answer<Response> Router::route(const Request& request) const {
  std::string_view whole = request.target;
  std::string_view path = whole.substr(0, whole.find('?'));
  Query query =
      parse_query(path.size() < whole.size() ? whole.substr(path.size() + 1) : std::string_view());
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (request.method == "GET") {
    if (path == "/healthz" || path == "/readyz" || path == "/livez")
      return Response{200, "text/plain; charset=utf-8", "ok"};
    if (auto found = discovery(path, api_.kinds(), address_)) return json_response(200, *found);
  }
  LH_ASSIGN(Target target, parse_target(split_path(path)));
  if (request.method == "GET") return read(request, target, query);
  if (request.method == "DELETE") return remove(request, target, query);
  if (request.method == "POST" || request.method == "PUT" || request.method == "PATCH")
    return write(request, target, query);
  return refuse(405, "MethodNotAllowed",
                "the server does not allow this method on the requested "
                "resource");
}

Answer<Response> Router::read(const Request& request, const Target& target,
                              const Query& query) const {
  LH_ASSIGN(Selector selector, Selector::parse(*target.kind, param(query, "labelSelector"),
                                               param(query, "fieldSelector")));
  if (is_true(param(query, "watch"))) return watch(request, target, query, std::move(selector));
  if (!target.name.empty()) {
    LH_ASSIGN(ObjectPtr object, api_.get(target));
    if (wants_table(request))
      return json_response(
          200, make_table(*target.kind, {&object, 1}, api_.revision(), clock_.wall_ms()));
    return json_response(200, *object);
  }
  ObjectList list = api_.list(target, selector);
  if (wants_table(request))
    return json_response(200,
                         make_table(*target.kind, list.objects, list.revision, clock_.wall_ms()));
  return json_response(200, list_body(*target.kind, list));
}

Answer<Response> Router::watch(const Request& request, const Target& target, const Query& query,
                               Selector selector) const {
  WatchRequest wanted{target,
                      std::move(selector),
                      nullptr,
                      param(query, "resourceVersion"),
                      is_true(param(query, "allowWatchBookmarks")),
                      is_true(param(query, "sendInitialEvents"))};
  if (wants_table(request))
    wanted.present = [kind = target.kind, clock = &clock_](const Json& object) {
      ObjectPtr one = std::make_shared<Json>(object);
      return make_table(*kind, {&one, 1},
                        std::strtoull(op::kube::resource_version_of(object).c_str(), nullptr, 10),
                        clock->wall_ms());
    };
  Response response;
  LH_ASSIGN(response.watch, api_.watch(std::move(wanted)));
  constexpr int64_t kDefaultSeconds = 1800;
  std::string seconds = param(query, "timeoutSeconds");
  response.watch_seconds = kDefaultSeconds;
  if (!seconds.empty())
    response.watch_seconds = std::clamp<int64_t>(std::atoll(seconds.c_str()), 1, 24 * 3600);
  return response;
}

Answer<Response> Router::write(const Request& request, const Target& target,
                               const Query& query) const {
  Response response;
  LH_ASSIGN(WriteOptions options, write_options(request, query, &response.warnings));
  if (request.method == "PATCH") return patch(request, target, query, std::move(options));
  bool create = request.method == "POST";
  if (create == !target.name.empty() || (target.kind->namespaced && target.name_space.empty()))
    return refuse(405, "MethodNotAllowed",
                  "the server does not allow this method on the requested resource");
  LH_ASSIGN(Json object, parse_body(request, &options.duplicates));
  auto done = create ? api_.create(target, std::move(object), options)
                     : api_.replace(target, std::move(object), options);
  LH_ASSIGN(Written written, std::move(done));
  response.status = written.created ? 201 : 200;
  response.body = to_text(*written.object);
  return response;
}

Answer<Response> Router::patch(const Request& request, const Target& target, const Query& query,
                               WriteOptions options) const {
  if (target.name.empty())
    return refuse(405, "MethodNotAllowed",
                  "the server does not allow this method on the requested resource");
  std::string type = media_type(request.content_type);
  if (type == "application/apply-patch+yaml" && param(query, "fieldManager").empty())
    return refuse(422, "Invalid",
                  "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is "
                  "required for apply patch");
  LH_ASSIGN(Json body, parse_body(request, &options.duplicates));
  Response response;
  options.warnings = &response.warnings;
  Answer<Written> done;
  if (type == "application/apply-patch+yaml")
    done = api_.apply(target, std::move(body), options);
  else if (type == "application/merge-patch+json")
    done = api_.patch(target, PatchType::kMerge, body, options);
  else if (type == "application/json-patch+json")
    done = api_.patch(target, PatchType::kJson, body, options);
  else if (type == "application/strategic-merge-patch+json")
    done = api_.patch(target, PatchType::kStrategic, body, options);
  else
    return refuse(415, "UnsupportedMediaType", "unknown kind of patch: \"" + type + "\"");
  LH_ASSIGN(Written written, std::move(done));
  response.status = written.created ? 201 : 200;
  response.body = to_text(*written.object);
  return response;
}

Answer<Response> Router::remove(const Request& request, const Target& target,
                                const Query& query) const {
  LH_ASSIGN(DeleteOptions options, delete_options(request, query));
  if (target.name.empty()) {
    LH_ASSIGN(Selector selector, Selector::parse(*target.kind, param(query, "labelSelector"),
                                                 param(query, "fieldSelector")));
    LH_ASSIGN(ObjectList list, api_.remove_all(target, selector, options));
    return json_response(200, list_body(*target.kind, list));
  }
  LH_ASSIGN(Deleted deleted, api_.remove(target, options));
  if (deleted.gone) return json_response(200, deleted_status(target, *deleted.object));
  return json_response(200, *deleted.object);
}

}  // namespace longhaul::local
