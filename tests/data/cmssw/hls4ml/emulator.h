// Stands in for the header of hls4mlEmulatorExtras: what a model of CMSSW derives from.
#pragma once
#include <any>

namespace hls4mlEmulator {

class Model {
 public:
  virtual ~Model() = default;
  virtual void prepare_input(std::any input) = 0;
  virtual void predict() = 0;
  virtual void read_result(std::any result) = 0;
};

}  // namespace hls4mlEmulator
