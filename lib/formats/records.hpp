// The records of all formats, for the table in formats.cpp and nobody else.
#pragma once

#include "vmlift/format.hpp"

namespace vmlift {

extern const Format kNbdFormat;
extern const Format kQcow2Format;
extern const Format kRawFormat;
extern const Format kRbdFormat;
extern const Format kVmdkFormat;

}  // namespace vmlift
