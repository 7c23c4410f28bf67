#include "local/region.h"

#include "local/api/http_server.h"
#include "local/node/node.h"

namespace longhaul::local {
namespace {

constexpr size_t kHistory = 2'000;  // changes that watches can go back; each holds its objects

}  // namespace

struct Region::Impl {
  base::FileSystem& files;
  const base::Clock& clock;
  base::Random& random;
  base::Logger log;
  RegionOptions options;
  std::string kubeconfig = {};
  std::unique_ptr<Store> store = {};
  std::unique_ptr<Api> api = {};
  std::unique_ptr<HttpServer> server = {};
  std::unique_ptr<Node> node = {};

  base::Result<void> start() {
    std::string objects = options.directory + "/api";
    LH_TRY(files.create_directories(objects));
    LH_ASSIGN(store, Store::open(files, objects, kHistory));
    api = std::make_unique<Api>(*store, clock, random);
    LH_ASSIGN(server, HttpServer::start(*api, clock, options.port, log.with_area("api")));
    kubeconfig = options.directory + "/kubeconfig";
    std::string text = kubeconfig_text(options.name, server->url());
    return base::write_file_atomic(files, kubeconfig, base::as_bytes(text));
  }
};

base::Result<std::unique_ptr<Region>> Region::start(base::FileSystem& files,
                                                    const base::Clock& clock, base::Random& random,
                                                    base::Logger log, RegionOptions options) {
  std::unique_ptr<Impl> impl(new Impl{files, clock, random, log, std::move(options)});
  LH_TRY(impl->start());
  return std::unique_ptr<Region>(new Region(std::move(impl)));
}

Region::Region(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Region::~Region() {
  impl_->node.reset();
  impl_->server.reset();
}

Api& Region::api() { return *impl_->api; }
std::string Region::url() const { return impl_->server->url(); }
uint16_t Region::port() const { return impl_->server->port(); }
const std::string& Region::kubeconfig() const { return impl_->kubeconfig; }

base::Result<void> Region::start_node() {
  NodeOptions options;
  options.name = impl_->options.name;
  options.directory = impl_->options.directory;
  options.addresses = impl_->options.addresses;
  options.images = impl_->options.images;
  LH_ASSIGN(impl_->node, Node::start(*impl_->api, impl_->files, impl_->clock,
                                     impl_->log.with_area("node"), std::move(options)));
  return {};
}

void Region::stop_pods() {
  if (impl_->node) impl_->node->stop();
}

}  // namespace longhaul::local
