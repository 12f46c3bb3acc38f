// A new layer from outside the library: multiplies each channel by a learned
// number, and stands in a model like any other.
#include <sigtape/sigtape.h>

#include <iostream>

using namespace sigtape;

class ChannelScale : public Module {
 public:
  const char* type() const override { return "channel_scale"; }

 protected:
  ValueShape on_build(const ValueShape& input, TensorOptions options) override {
    scale_ = add_parameter("scale", ones({input.channels}, options));
    return input;
  }
  Value on_forward(const Value& x) override {
    return {x.data * scale_, x.lengths};
  }

 private:
  Tensor scale_;
};

int main() {
  manual_seed(0);
  auto scale = std::make_shared<ChannelScale>();
  scale->set_name("scale");
  auto model = sequential(scale, signature({.depth = 3}), linear({.out = 2}));

  Tensor streams = randn({8, 20, 3});
  const Tensor output = (*model)(streams);
  std::cout << "output " << output.shape() << "\n";
  sum(output * output).backward();
  for (const NamedTensor& p : model->named_parameters()) {
    std::cout << p.name << " " << p.tensor.shape() << ", |gradient| "
              << norm(p.tensor.grad()).item() << "\n";
  }
  const bool reached = norm(model->parameters()[0].grad()).item() > 0;
  return reached ? 0 : 1;
}
