// What a fuzzer is made of, whichever driver runs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

/// Inputs to start from: well-formed ones, made by the library and by code.
using Seeds = std::vector<std::vector<std::byte>>;

/// A small image of every format and subformat that can be created.
Seeds image_seeds();
/// Archives with plain, GNU and pax headers.
Seeds archive_seeds();
/// gzip, xz and zstd streams, single and one behind the other.
Seeds stream_seeds();
Seeds manifest_seeds();
/// A machine with one of everything, in every dialect that is read, and a list of snapshots.
Seeds definition_seeds();

/// The seeds of the fuzzer that is linked in.
Seeds seeds();
