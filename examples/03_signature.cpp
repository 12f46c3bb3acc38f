// The signature of a path: its levels, Chen's identity, and its gradient.
#include <sigtape/sigtape.h>

#include <cmath>
#include <iostream>

int main() {
  using namespace sigtape;
  // One path of three points in the plane: right, then up.
  Tensor path =
      from_values({0, 0, 1, 0, 1, 1}, {1, 3, 2}, {DType::float64, {}});
  path.set_requires_grad();
  const Tensor s = signature(path, 2);
  std::cout << "words 1, 2, 11, 12, 21, 22: " << s << "\n";

  // Half the difference of words 12 and 21 is the signed (Levy) area between
  // the path and its chord: 1/2 of the unit square here.
  const Tensor area = (slice(s, 1, 3, 4) - slice(s, 1, 4, 5)) * 0.5;
  area.backward();
  std::cout << "area " << area.item() << ", gradient " << path.grad() << "\n";

  // Chen's identity: the signature of a whole is the product of those of its
  // parts.
  const Tensor first = signature(slice(path, 1, 0, 2), 2);
  const Tensor second = signature(slice(path, 1, 1, 3), 2);
  const Tensor whole = signature_combine(first, second, 2, 2);
  const double difference = max(abs(whole - s)).item();
  std::cout << "Chen's identity holds to " << difference << "\n";
  return area.item() == 0.5 && difference < 1e-15 ? 0 : 1;
}
