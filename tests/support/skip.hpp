// A test that cannot run here says why and ends: `if (!present) return skip("qemu-img is absent")`.
// Only doctest's own result decides about failure; a skipped case that passed ends with kSkipped,
// which ctest counts as skipped.
#pragma once

#include <string_view>

namespace vmlift::test {

inline constexpr int kSkipped = 77;

void skip(std::string_view reason);

}  // namespace vmlift::test
