#pragma once

// Plays the part of a task that runs beside others: it runs at once, to its end.

namespace sycl::ext::intel::experimental {

template <auto &function> class task_sequence {
  public:
    template <class... Arguments> void async(const Arguments &...arguments) { function(arguments...); }
};

} // namespace sycl::ext::intel::experimental
