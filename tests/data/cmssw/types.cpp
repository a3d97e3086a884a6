// The types of hls4ml's own emulators, on the first golden event of the model in LIBRARY.
#include <dlfcn.h>

#include <cstdio>
#include <tuple>

#include "ap_fixed.h"
#include "emulator.h"
#include "golden.h"

int main(int, char** words) {
  void* library = dlopen(words[1], RTLD_LAZY | RTLD_LOCAL);
  auto* model = reinterpret_cast<hls4mlEmulator::Model* (*)()>(dlsym(library, "create_model"))();
  FIRST first[FIRST_SIZE];
  SECOND second[SECOND_SIZE];
  for (int i = 0; i < FIRST_SIZE; ++i) first[i] = kEvents[0][i];
  for (int i = 0; i < SECOND_SIZE; ++i) second[i] = kEvents[0][FIRST_SIZE + i];
  RESULT result[RESULT_SIZE];
  model->prepare_input(std::tuple<FIRST*, SECOND*>(first, second));
  model->predict();
  model->read_result(&result[0]);
  for (int i = 0; i < RESULT_SIZE; ++i) {
    if (result[i].to_double() != kOutputs[0][i]) return 1;
  }
  std::printf("equal\n");
}
