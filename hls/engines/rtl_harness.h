// Clocks a design with what a file says, and writes down every valid output word.
//
// A cycle of the stimulus is a word of flags (1: valid, 2: reset) and the words of the input ports. A row of the answer
// is the cycle, a bit for each output port that is valid, and the words of the output ports.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>
#include "verilated.h"

template <class Port> const uint32_t* put(Port& port, int width, const uint32_t* at) {
  uint64_t value = at[0];
  if (width > 32) value |= uint64_t(at[1]) << 32;
  port = Port(value);
  return at + (width + 31) / 32;
}
template <std::size_t N> const uint32_t* put(VlWide<N>& port, int, const uint32_t* at) {
  for (std::size_t i = 0; i < N; ++i) port[i] = at[i];
  return at + N;
}
template <class Port> uint32_t* get(const Port& port, int width, uint32_t* at) {
  const uint64_t value = port;
  at[0] = uint32_t(value);
  if (width > 32) at[1] = uint32_t(value >> 32);
  return at + (width + 31) / 32;
}
template <std::size_t N> uint32_t* get(const VlWide<N>& port, int, uint32_t* at) {
  for (std::size_t i = 0; i < N; ++i) at[i] = port[i];
  return at + N;
}

void set_inputs(Vtop& top, const uint32_t* at);
void get_outputs(Vtop& top, uint32_t* at);
uint32_t valid_outputs(Vtop& top);
void set_valid(Vtop& top, bool valid);
void set_reset(Vtop& top, bool reset);

inline void clock(Vtop& top) {
  top.clk = 1;
  top.eval();
  top.clk = 0;
  top.eval();
}

template <size_t Inputs, size_t Outputs> int simulate(int argc, char** argv) {
  if (argc != 3) return 2;
  std::FILE* stimulus = std::fopen(argv[1], "rb");
  std::FILE* answer = std::fopen(argv[2], "wb");
  if (!stimulus || !answer) return 2;
  VerilatedContext context;
  // Verilator's own choice is zeros.
  context.randReset(2);
  context.randSeed(1);
  Vtop top{&context};
  top.clk = 0;
  set_reset(top, true);
  set_valid(top, false);
  top.eval();
  for (int i = 0; i < 3; ++i) clock(top);
  std::vector<uint32_t> given(1 + Inputs), row(2 + Outputs);
  for (uint32_t cycle = 0; std::fread(given.data(), 4, given.size(), stimulus) == given.size(); ++cycle) {
    set_valid(top, given[0] & 1);
    set_reset(top, (given[0] >> 1) & 1);
    set_inputs(top, given.data() + 1);
    top.eval();
    row[1] = valid_outputs(top);
    if (row[1]) {
      row[0] = cycle;
      get_outputs(top, row.data() + 2);
      std::fwrite(row.data(), 4, row.size(), answer);
    }
    clock(top);
  }
  std::fclose(stimulus);
  if (std::fclose(answer)) return 2;
  return 0;
}
