// Threads for one call: started when there is enough work, gone when it ends, so that nothing outlives a fork.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <fstream>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

namespace rkeops {

// Cores this process may use: affinity mask and cgroup quota respected.
inline int available_threads() {
  int count = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) count = std::max(1, CPU_COUNT(&set));
  double quota = -1, period = -1;
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  if (!(v2 >> quota >> period)) {
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") >> quota;
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_period_us") >> period;
  }
  if (quota > 0 && period > 0) count = std::min(count, std::max(1, static_cast<int>(quota / period + 0.5)));
#endif
  return count;
}

// Runs task(index, worker) for index 0 .. count-1 on `threads` workers; each task once, in rising order of start.
// `poll(done)` runs on the calling thread some twenty times a second and returns false to stop: tasks should then
// end soon, as `stopping` tells them. The first exception of a task is thrown here after all workers have ended.
class TaskRunner {
 public:
  std::atomic<bool> stopping{false};

  void run(std::int64_t count, int threads, const std::function<void(std::int64_t, int)>& task,
           const std::function<bool(std::int64_t)>& poll) {
    threads = static_cast<int>(std::min<std::int64_t>(threads, count));
    if (threads <= 1) return run_here(count, task, poll);
    std::vector<std::thread> workers;
    std::atomic<int> active{threads};
    std::mutex mutex;
    std::condition_variable ended;
    const auto work = [&](int worker) {
      try {
        for (std::int64_t k; !stopping && (k = next_++) < count; ++done_) task(k, worker);
      } catch (...) {
        const std::lock_guard<std::mutex> lock(mutex);
        if (!failure_) failure_ = std::current_exception();
        stopping = true;
      }
      const std::lock_guard<std::mutex> lock(mutex);
      if (--active == 0) ended.notify_all();
    };
    for (int worker = 0; worker < threads; ++worker) {
      try {
        workers.emplace_back(work, worker);
      } catch (const std::system_error&) {  // no more threads to be had: those there do the work
        const std::lock_guard<std::mutex> lock(mutex);
        active -= threads - worker;
        if (worker == 0) break;
        threads = worker;
      }
    }
    if (workers.empty()) return run_here(count, task, poll);
    {
      std::unique_lock<std::mutex> lock(mutex);
      while (!ended.wait_for(lock, std::chrono::milliseconds(50), [&] { return active <= 0; })) {
        lock.unlock();
        if (!poll(done_)) stopping = true;
        lock.lock();
      }
    }
    for (std::thread& worker : workers) worker.join();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void run_here(std::int64_t count, const std::function<void(std::int64_t, int)>& task,
                const std::function<bool(std::int64_t)>& poll) {
    auto last = std::chrono::steady_clock::now();
    for (std::int64_t k = 0; k < count && !stopping; ++k) {
      task(k, 0);
      const auto now = std::chrono::steady_clock::now();
      if (now - last < std::chrono::milliseconds(50)) continue;
      last = now;
      if (!poll(k + 1)) stopping = true;
    }
  }

  std::atomic<std::int64_t> next_{0}, done_{0};
  std::exception_ptr failure_;
};

}  // namespace rkeops
