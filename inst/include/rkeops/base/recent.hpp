// A map of bounded size: what was used longest ago gives way.
#pragma once

#include <list>
#include <string>
#include <unordered_map>
#include <utility>

namespace rkeops {

template <class Value, class Key = std::string>
class Recent {
 public:
  // Null if there is none; else it is now the one used last.
  const Value* find(const Key& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->second;
  }

  void insert(const Key& key, Value value, std::size_t capacity) {
    if (find(key)) {
      entries_.front().second = std::move(value);
    } else {
      entries_.emplace_front(key, std::move(value));
      index_[key] = entries_.begin();
    }
    while (entries_.size() > capacity) {
      index_.erase(entries_.back().first);
      entries_.pop_back();
    }
  }

  void clear() {
    index_.clear();
    entries_.clear();
  }

  std::size_t size() const { return entries_.size(); }

 private:
  using Entries = std::list<std::pair<Key, Value>>;
  Entries entries_;
  std::unordered_map<Key, typename Entries::iterator> index_;
};

}  // namespace rkeops
