// What the code for one instruction set offers.
#pragma once
#include <cstddef>

struct Level {
  const char* name;
  int lanes;                      // events of one block
  long event_size, output_size;   // numbers of an event and of its outputs
  std::size_t bytes;              // memory of one thread
  void (*prepare)(void* memory);  // fills the memory before its first block
  // Runs the first `valid` events of a block; gives whether all their numbers are finite.
  bool (*run)(const void* events, bool is_double, int valid, double* outputs, void* memory);
};
