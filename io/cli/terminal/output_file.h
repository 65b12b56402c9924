// Where a report goes: standard output, or a file that is either complete or not there.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include "io/bytes/interrupt.h"
#include "io/cli/terminal/console.h"

namespace gneiss {

class DescriptorStream;

// A file is written under a temporary name in its own folder and renamed by Finish; without Finish
// nothing stays; the mode of a file that was there is kept. A path that is no plain file (a device,
// a pipe) is written directly, "-" and "" are the console's `out`.
class OutputFile {
 public:
  // Throws std::system_error when the file cannot be made. `console` must outlive this.
  OutputFile(const std::string& path, Console& console);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  std::ostream& stream();
  bool is_console() const { return descriptor_ < 0; }

  // Flushes, syncs and renames. Throws std::system_error; call once, after the last write.
  void Finish();

 private:
  void OpenTemporary(mode_t mode);
  [[noreturn]] void Fail(int error, const std::string& path) const;

  Console* console_;
  std::string path_;
  std::string temporary_;  // empty when written directly
  std::optional<RemovedOnInterrupt> on_interrupt_;
  int descriptor_ = -1;
  std::unique_ptr<DescriptorStream> file_;
};

}  // namespace gneiss
