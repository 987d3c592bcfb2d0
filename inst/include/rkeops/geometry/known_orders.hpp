// Orders of data that their owner keeps as they are (Input::keep), so that a variable is put in order once.
#pragma once

#include <list>
#include <memory>
#include <mutex>

#include "order.hpp"

namespace rkeops {

// Where a coordinate comes from: a column of a matrix.
struct CoordinateSource {
  const void* data;
  std::int64_t rows, column;
  bool by_rows;
  bool operator==(const CoordinateSource& b) const {
    return data == b.data && rows == b.rows && column == b.column && by_rows == b.by_rows;
  }
};

class KnownOrders {
 public:
  using Held = std::shared_ptr<const Order>;
  struct Key {
    std::vector<CoordinateSource> sources;  // none: these points cannot be known again
    std::int64_t leaf;
    bool operator==(const Key& other) const { return leaf == other.leaf && sources == other.sources; }
  };

  static KnownOrders& instance() {
    static auto* orders = new KnownOrders();
    return *orders;
  }

  Held find(const Key& key) {
    if (key.sources.empty()) return nullptr;
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto k = entries_.begin(); k != entries_.end(); ++k) {
      if (!(k->first == key)) continue;
      entries_.splice(entries_.begin(), entries_, k);
      return k->second;
    }
    return nullptr;
  }

  void keep(const Key& key, Held order) {
    if (key.sources.empty()) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    entries_.emplace_front(key, std::move(order));
    if (entries_.size() > heuristics::known_orders) entries_.pop_back();
  }

  // The data at this address end, or change.
  void forget(const void* data) {
    const std::lock_guard<std::mutex> lock(mutex_);
    entries_.remove_if([&](const Entry& entry) {
      const std::vector<CoordinateSource>& sources = entry.first.sources;
      return std::any_of(sources.begin(), sources.end(), [&](const CoordinateSource& s) { return s.data == data; });
    });
  }

 private:
  using Entry = std::pair<Key, Held>;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the one used last comes first
};

}  // namespace rkeops
