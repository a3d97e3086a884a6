#pragma once

// Plays the part of SYCL and of Intel's extensions, for simulation with g++ only: as much as hls4ml's firmware uses.

#include <cstdint>
#include <deque>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#define SYCL_EXTERNAL

namespace sycl {

using exception = std::runtime_error;
using exception_list = std::vector<std::exception_ptr>;

namespace property::queue {
struct enable_profiling {};
} // namespace property::queue

// How many words each pipe holds.
inline std::vector<size_t (*)()> &fillings() {
    static std::vector<size_t (*)()> kept;
    return kept;
}

class queue {
  public:
    template <class Selector, class Handler, class Property> queue(const Selector &, const Handler &, const Property &) {}

    template <class Name, class Kernel> void single_task(const Kernel &kernel) { kernel(); }

    void wait() {
        for (auto filling : fillings())
            if (filling() != 0)
                throw std::runtime_error("a pipe holds words that no task has read");
    }
};

namespace ext::oneapi::experimental {

struct properties_tag {};

struct properties {
    template <class... Values> constexpr explicit properties(const Values &...) {}
};

} // namespace ext::oneapi::experimental

namespace ext::intel {

struct selector {};
inline constexpr selector fpga_emulator_selector_v{};

} // namespace ext::intel

namespace ext::intel::experimental {

struct property {};
template <int...> inline constexpr property ready_latency{};
template <int...> inline constexpr property streaming_interface{};
template <int...> inline constexpr property pipelined{};

// Without an end, and an error if read when empty.
template <class Name, class Value, int32_t capacity = 0, class Properties = property, typename... More> class pipe {
  public:
    static void write(const Value &value) { values().push_back(value); }
    static void write(queue &, const Value &value) { write(value); }

    static Value read() {
        if (values().empty())
            throw std::runtime_error(std::string("a pipe was read when it was empty: ") + __PRETTY_FUNCTION__);
        Value value = values().front();
        values().pop_front();
        return value;
    }
    static Value read(queue &) { return read(); }

    // The words that were written and not yet read.
    static std::deque<Value> &values() {
        static std::deque<Value> kept;
        static bool known = (fillings().push_back([] { return values().size(); }), true);
        return kept;
    }
};

} // namespace ext::intel::experimental

} // namespace sycl
