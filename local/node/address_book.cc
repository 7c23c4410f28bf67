#include "local/node/address_book.h"

#include <arpa/inet.h>

#include <nlohmann/json.hpp>
#include <set>

#include "local/api/text.h"

namespace longhaul::local {
namespace {

using base::Errc;

constexpr uint32_t kFirst = 2;
constexpr uint32_t kLast = 65'000;
constexpr uint64_t kFileLimit = 16 << 20;

// Some systems treat them as network and broadcast addresses.
bool is_awkward(uint32_t address) { return (address & 0xFF) == 0 || (address & 0xFF) == 0xFF; }

}  // namespace

base::Result<AddressBook> AddressBook::open(base::FileSystem& files, std::string file,
                                            const std::string& base) {
  in_addr address{};
  if (inet_pton(AF_INET, base.c_str(), &address) != 1 || (ntohl(address.s_addr) >> 24) != 127)
    return base::fail(Errc::kInvalidArgument,
                      "\"" + base + "\" is not a loopback address such as 127.77.0.0");
  AddressBook book(files, std::move(file), ntohl(address.s_addr));
  LH_TRY(book.load());
  return book;
}

base::Result<void> AddressBook::load() {
  if (!files_->exists(file_)) return {};
  LH_ASSIGN(base::Bytes bytes, base::read_file(*files_, file_, kFileLimit));
  LH_ASSIGN(Json all, parse_json(base::as_text(bytes)));
  for (auto& [pod, distance] : all.items())
    if (distance.is_number_unsigned()) given_[pod] = distance.get<uint32_t>();
  return {};
}

base::Result<void> AddressBook::save() const {
  return base::write_file_atomic(*files_, file_, base::as_bytes(to_text(Json(given_))));
}

base::Result<std::string> AddressBook::address_of(const std::string& name_space,
                                                  const std::string& pod) {
  std::string key = name_space + "/" + pod;
  auto found = given_.find(key);
  if (found == given_.end()) {
    std::set<uint32_t> taken;
    for (auto& [other, distance] : given_) taken.insert(distance);
    uint32_t free = kFirst;
    while (free <= kLast && (taken.contains(free) || is_awkward(base_ + free))) ++free;
    if (free > kLast) return base::fail(Errc::kUnavailable, "no loopback address is left");
    found = given_.emplace(key, free).first;
    if (auto saved = save(); !saved) {
      given_.erase(key);
      return tl::unexpected(saved.error());
    }
  }
  in_addr address{htonl(base_ + found->second)};
  char text[INET_ADDRSTRLEN];
  return std::string(inet_ntop(AF_INET, &address, text, sizeof text));
}

}  // namespace longhaul::local
