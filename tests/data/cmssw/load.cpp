// Loads models together, `load local|global LIBRARY VECTORS ...`, and compares each with its own vectors.
#include <dlfcn.h>

#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "emulator.h"

using hls4mlEmulator::Model;

struct Loaded {
  void* library;
  Model* model;
  std::vector<std::vector<double>> events, outputs;
};

static std::vector<std::vector<double>> rows(FILE* file, int count, int size) {
  std::vector<std::vector<double>> found(count, std::vector<double>(size));
  for (auto& row : found) {
    for (double& value : row) {
      if (std::fscanf(file, "%la", &value) != 1) throw std::runtime_error("vectors are too short");
    }
  }
  return found;
}

int main(int count, char** words) {
  const int scope = std::strcmp(words[1], "global") == 0 ? RTLD_GLOBAL : RTLD_LOCAL;
  std::vector<Loaded> all;
  for (int i = 2; i + 1 < count; i += 2) {
    void* library = dlopen(words[i], RTLD_LAZY | scope);
    if (library == nullptr) return std::printf("%s\n", dlerror()), 2;
    auto* create = reinterpret_cast<Model* (*)()>(dlsym(library, "create_model"));
    FILE* file = std::fopen(words[i + 1], "r");
    int events = 0, inputs = 0, outputs = 0;
    if (std::fscanf(file, "%d %d %d", &events, &inputs, &outputs) != 3) return 2;
    auto given = rows(file, events, inputs);
    all.push_back({library, create(), given, rows(file, events, outputs)});
    std::fclose(file);
  }
  // By turns: nothing of a model may be in another one.
  for (std::size_t event = 0; event < all[0].events.size(); ++event) {
    for (Loaded& own : all) own.model->prepare_input(static_cast<const double*>(own.events[event].data()));
    for (Loaded& own : all) own.model->predict();
    for (Loaded& own : all) {
      std::vector<double> found(own.outputs[event].size());
      own.model->read_result(found.data());
      if (found != own.outputs[event]) return std::printf("event %zu differs\n", event), 1;
    }
  }
  try {
    all[0].model->prepare_input(std::vector<int>());
    return std::printf("a wrong type was taken\n"), 1;
  } catch (const std::invalid_argument& error) {
    std::printf("%s\n", error.what());
  }
  for (Loaded& own : all) {
    reinterpret_cast<void (*)(Model*)>(dlsym(own.library, "destroy_model"))(own.model);
    dlclose(own.library);
  }
  std::printf("equal\n");
}
