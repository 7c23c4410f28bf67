#include "broker/metrics/endpoint.h"

#include <utility>
#include <vector>

#include "broker/net/reactor.h"

namespace longhaul::broker::metrics {
namespace {

/// 200, or 503 with the reason.
Page health_page(const std::string& why_not) {
  if (why_not.empty()) return {.body = "ok\n"};
  return {.status = 503, .body = why_not + "\n"};
}

}  // namespace

/// Collects on a worker, for everybody who asked before that was done. Lives on the reactor.
class Endpoint::Scraper : public std::enable_shared_from_this<Scraper> {
 public:
  Scraper(net::Reactor& reactor, base::Executor& workers, size_t most)
      : reactor_(reactor), workers_(workers), most_(most) {}

  void scrape(Answer answer) {
    if (waiting_.size() >= most_) return answer(health_page("many wait for the metrics already"));
    waiting_.push_back(std::move(answer));
    if (waiting_.size() > 1) return;
    workers_.post([self = shared_from_this()] {
      self->reactor_.post([self, text = self->exposition.text()] { self->give(text); });
    });
  }

  Exposition exposition;

 private:
  void give(const std::string& text) {
    for (Answer& answer : std::exchange(waiting_, {})) {
      answer({.content_type = kExpositionType, .body = text});
    }
  }

  net::Reactor& reactor_;
  base::Executor& workers_;
  size_t most_;  // who may wait
  std::vector<Answer> waiting_;
};

Endpoint::Endpoint(Context context)
    : context_(std::move(context)),
      pulse_(context_.clock, context_.stuck_after),
      scraper_(std::make_shared<Scraper>(context_.reactor, context_.workers,
                                         context_.limits.connections)) {}

Endpoint::~Endpoint() {
  server_.reset();
  scraper_->exposition.clear();
}

Exposition& Endpoint::exposition() { return scraper_->exposition; }

void Endpoint::watch(std::string name, base::Executor& loop) {
  pulse_.watch(std::move(name), loop);
}

base::Result<void> Endpoint::start(const config::HostPort& address) {
  LH_ASSIGN(server_,
            HttpServer::start(
                address, context_.reactor,
                [this](const std::string& path, Answer to) { answer(path, std::move(to)); },
                context_.limits, context_.log));
  return {};
}

void Endpoint::answer(const std::string& path, Answer answer) {
  if (path == "/livez") return answer(health_page(pulse_.feel()));
  if (path == "/readyz") return answer(health_page(context_.not_ready()));
  if (path == "/metrics") return scraper_->scrape(std::move(answer));
  answer({.status = 404, .body = "only /livez, /readyz and /metrics\n"});
}

}  // namespace longhaul::broker::metrics
