// How much time compression may take: one scale for every codec, named as options name it.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace vmlift {

enum class Effort { fast, balanced, small };

inline std::optional<Effort> effort_named(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, Effort>, 3> kNames = {
      {{"fast", Effort::fast}, {"default", Effort::balanced}, {"small", Effort::small}}};
  for (const auto& [known, effort] : kNames) {
    if (known == name) return effort;
  }
  return std::nullopt;
}

}  // namespace vmlift
