// A folder for one test, gone with all it holds when the test ends.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;

  /// The path of `name` inside the folder.
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }
  /// Writes a file, making the folders in its name; returns its path.
  std::string write(const std::string& name, std::string_view content) const;
  std::string read(const std::string& name) const;
  /// The names of everything inside, hidden files too, sorted.
  std::vector<std::string> names() const;

 private:
  std::filesystem::path path_;
};
