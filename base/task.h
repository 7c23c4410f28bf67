// A move-only callable, for work that is handed over exactly once.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace longhaul::base {

template <class Signature>
class Callback;

/// Like std::function, but movable captures are enough; calling an empty one is undefined.
template <class R, class... Args>
class Callback<R(Args...)> {
 public:
  Callback() = default;
  template <class F>
  requires(!std::is_same_v<std::decay_t<F>, Callback> &&
           std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
      Callback(F&& function)  // NOLINT: a lambda is passed where a Callback is taken
      : held_(std::make_unique<Holder<std::decay_t<F>>>(std::forward<F>(function))) {}

  R operator()(Args... args) { return held_->call(std::forward<Args>(args)...); }
  explicit operator bool() const { return held_ != nullptr; }

 private:
  struct Held {
    virtual ~Held() = default;
    virtual R call(Args... args) = 0;
  };
  template <class F>
  struct Holder final : Held {
    template <class G>
    explicit Holder(G&& g) : function(std::forward<G>(g)) {}
    R call(Args... args) override { return function(std::forward<Args>(args)...); }
    F function;
  };
  std::unique_ptr<Held> held_;
};

using Task = Callback<void()>;

}  // namespace longhaul::base
