#pragma once

// Plays the part of SmartHLS' FIFOs, for simulation with g++ only: without an end, and an error if read when empty.

#include <deque>
#include <stdexcept>
#include <string>

#ifndef DEFAULT_FIFO_DEPTH
#define DEFAULT_FIFO_DEPTH 2
#endif

namespace hls {

template <typename T> class FIFO {
  public:
    explicit FIFO(unsigned = 0) {}

    void setDepth(unsigned) {}
    bool empty() const { return values.empty(); }
    unsigned get_usedw() const { return values.size(); }
    void write(const T &value) { values.push_back(value); }

    T read() {
        if (values.empty())
            throw std::runtime_error("a FIFO was read when it was empty");
        T value = values.front();
        values.pop_front();
        return value;
    }

  private:
    std::deque<T> values;
};

} // namespace hls
