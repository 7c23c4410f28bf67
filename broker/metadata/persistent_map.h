// An ordered map whose versions share structure: changing one entry of a map of 10,000 copies about
// 14 nodes, and every older version stays as it was. That is what lets an image be swapped whole.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace longhaul::broker::metadata {

/// Immutable: `with` and `without` return a new map. Copying is copying a pointer. A
/// height-balanced tree. Iteration is by `for_each` and `from`, in key order. Safe to share between
/// threads.
template <class Key, class Value>
class PersistentMap {
 public:
  PersistentMap() = default;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  /// Null if absent; valid as long as any map that holds it.
  template <class K>
  const Value* find(const K& key) const {
    const Node* node = root_.get();
    while (node != nullptr) {
      if (key < node->key) {
        node = node->left.get();
      } else if (node->key < key) {
        node = node->right.get();
      } else {
        return &node->value;
      }
    }
    return nullptr;
  }
  template <class K>
  bool contains(const K& key) const {
    return find(key) != nullptr;
  }

  PersistentMap with(const Key& key, Value value) const {
    bool added = false;
    Link root = insert(root_, key, std::move(value), added);
    return PersistentMap(std::move(root), size_ + (added ? 1 : 0));
  }
  PersistentMap without(const Key& key) const {
    if (!contains(key)) return *this;
    return PersistentMap(erase(root_, key), size_ - 1);
  }

  /// Calls `visit(key, value)` for every entry in order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    from_start([&](const Key& key, const Value& value) {
      visit(key, value);
      return true;
    });
  }
  /// From the first key that is not less than `first`, while `visit(key, value)` returns true.
  template <class K, class Visit>
  void from(const K& first, Visit&& visit) const {
    std::vector<const Node*> path;
    for (const Node* node = root_.get(); node != nullptr;) {
      if (node->key < first) {
        node = node->right.get();
      } else {
        path.push_back(node);
        node = node->left.get();
      }
    }
    walk(path, visit);
  }

 private:
  struct Node;
  using Link = std::shared_ptr<const Node>;
  struct Node {
    Key key;
    Value value;
    Link left, right;
    int height = 1;
  };

  PersistentMap(Link root, size_t size) : root_(std::move(root)), size_(size) {}

  template <class Visit>
  void from_start(Visit&& visit) const {
    std::vector<const Node*> path;
    for (const Node* node = root_.get(); node != nullptr; node = node->left.get())
      path.push_back(node);
    walk(path, visit);
  }
  template <class Visit>
  static void walk(std::vector<const Node*>& path, Visit&& visit) {
    while (!path.empty()) {
      const Node* node = path.back();
      path.pop_back();
      if (!visit(node->key, node->value)) return;
      for (node = node->right.get(); node != nullptr; node = node->left.get()) path.push_back(node);
    }
  }

  static int height(const Link& link) { return link ? link->height : 0; }
  static Link make(const Key& key, const Value& value, Link left, Link right) {
    int tall = 1 + std::max(height(left), height(right));
    return std::make_shared<const Node>(Node{key, value, std::move(left), std::move(right), tall});
  }
  /// As `make`, where the heights of the two sides may differ by two.
  static Link balance(const Key& key, const Value& value, Link left, Link right) {
    int lean = height(left) - height(right);
    if (lean > 1) {
      if (height(left->left) >= height(left->right))
        return make(left->key, left->value, left->left, make(key, value, left->right, right));
      const Node& middle = *left->right;
      return make(middle.key, middle.value, make(left->key, left->value, left->left, middle.left),
                  make(key, value, middle.right, right));
    }
    if (lean < -1) {
      if (height(right->right) >= height(right->left))
        return make(right->key, right->value, make(key, value, left, right->left), right->right);
      const Node& middle = *right->left;
      return make(middle.key, middle.value, make(key, value, left, middle.left),
                  make(right->key, right->value, middle.right, right->right));
    }
    return make(key, value, std::move(left), std::move(right));
  }
  static Link insert(const Link& at, const Key& key, Value value, bool& added) {
    if (!at) {
      added = true;
      return make(key, value, nullptr, nullptr);
    }
    if (key < at->key)
      return balance(at->key, at->value, insert(at->left, key, std::move(value), added), at->right);
    if (at->key < key)
      return balance(at->key, at->value, at->left, insert(at->right, key, std::move(value), added));
    return make(key, value, at->left, at->right);
  }
  static Link erase(const Link& at, const Key& key) {
    if (key < at->key) return balance(at->key, at->value, erase(at->left, key), at->right);
    if (at->key < key) return balance(at->key, at->value, at->left, erase(at->right, key));
    if (!at->left) return at->right;
    if (!at->right) return at->left;
    const Node* next = at->right.get();
    while (next->left) next = next->left.get();
    return balance(next->key, next->value, at->left, erase(at->right, next->key));
  }

  Link root_;
  size_t size_ = 0;
};

}  // namespace longhaul::broker::metadata
