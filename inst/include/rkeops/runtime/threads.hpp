// Threads for one call: started when there is enough work, gone when it ends, so that nothing outlives a fork.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace rkeops {

// Runs task(index, worker, runner) for index 0 .. count-1 on `threads` workers; each task once, in rising order of
// start. `poll(done)` runs on the calling thread some twenty times a second and returns false to stop. Long tasks ask
// runner.should_stop() now and then and return early on true. The first exception of a task is thrown by run() after
// all workers have ended.
class TaskRunner {
 public:
  using Task = std::function<void(std::int64_t index, int worker, TaskRunner& runner)>;
  using Poll = std::function<bool(std::int64_t done)>;

  TaskRunner(std::int64_t count, Task task, Poll poll)
      : count_(count), task_(std::move(task)), poll_(std::move(poll)) {}

  // False if it was stopped.
  bool run(int threads) {
    threads = static_cast<int>(std::min<std::int64_t>(threads, count_));
    if (threads <= 1) {
      run_here();
    } else {
      run_on(threads);
    }
    if (failure_) std::rethrow_exception(failure_);
    return !stopping_;
  }

  bool should_stop() {
    if (polls_in_tasks_) poll_if_due();
    return stopping_;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds interval{50};

  void poll_if_due() {
    const auto now = Clock::now();
    if (now - last_poll_ < interval) return;
    last_poll_ = now;
    if (!poll_(done_)) stopping_ = true;
  }

  void run_here() {
    polls_in_tasks_ = true;
    for (std::int64_t k; !stopping_ && (k = next_++) < count_; ++done_) {
      task_(k, 0, *this);
      poll_if_due();
    }
  }

  void run_on(int threads) {
    std::vector<std::thread> workers;
    std::atomic<int> active{threads};
    std::mutex mutex;
    std::condition_variable ended;
    const auto work = [&](int worker) {
      try {
        for (std::int64_t k; !stopping_ && (k = next_++) < count_; ++done_) task_(k, worker, *this);
      } catch (...) {
        const std::lock_guard<std::mutex> lock(mutex);
        if (!failure_) failure_ = std::current_exception();
        stopping_ = true;
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
    if (workers.empty()) return run_here();
    {
      std::unique_lock<std::mutex> lock(mutex);
      while (!ended.wait_for(lock, interval, [&] { return active <= 0; })) {
        lock.unlock();
        if (!poll_(done_)) stopping_ = true;
        lock.lock();
      }
    }
    for (std::thread& worker : workers) worker.join();
  }

  const std::int64_t count_;
  const Task task_;
  const Poll poll_;
  std::atomic<bool> stopping_{false};
  bool polls_in_tasks_ = false;
  Clock::time_point last_poll_ = Clock::now();
  std::atomic<std::int64_t> next_{0}, done_{0};
  std::exception_ptr failure_;
};

}  // namespace rkeops
