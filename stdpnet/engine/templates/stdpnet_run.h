// What a program of stdpnet adds to Brian2's standalone code: presentations,
// stimuli from files, counts to files, and indices that are computed.
#pragma once
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <vector>

namespace stdpnet {

inline size_t example = 0;  // of this run, from 0
inline int32_t step = 0;    // of this presentation, from 0

// Stands in for an index array of Brian2 whose entries need not be stored.
struct Shift {
  int32_t base;
  int32_t stride = 1;
  int32_t operator[](size_t i) const { return base + static_cast<int32_t>(i) * stride; }
};
struct Fixed {
  int32_t value;
  int32_t operator[](size_t) const { return value; }
};

[[noreturn]] inline void fail(const std::string& message) {
  std::cerr << message << std::endl;
  std::exit(1);
}

inline std::string setting(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) fail(std::string("the environment variable ") + name + " is not set");
  return value;
}

inline size_t n_examples() {
  static const size_t n = std::stoul(setting("STDPNET_EXAMPLES"));
  return n;
}
inline int32_t n_steps() {
  static const int32_t n = std::stoi(setting("STDPNET_STEPS"));
  return n;
}
inline unsigned long seed() { return std::stoul(setting("STDPNET_SEED")); }
inline std::string path(const std::string& name) {
  static const std::string folder = setting("STDPNET_RUN");
  return folder + "/" + name;
}

// Rows of a raw array (n_examples, width), read from the run's folder.
template <typename T>
class Stimulus {
 public:
  Stimulus(const std::string& name, size_t width) : width_(width) {
    const std::string file = path(name);
    const int handle = open(file.c_str(), O_RDONLY);
    struct stat info;
    if (handle < 0 || fstat(handle, &info) != 0) fail("cannot read " + file);
    const size_t size = n_examples() * width * sizeof(T);
    if (static_cast<size_t>(info.st_size) != size)
      fail(file + " has " + std::to_string(info.st_size) + " bytes, not " + std::to_string(size));
    if (size > 0) {
      data_ = static_cast<const T*>(mmap(nullptr, size, PROT_READ, MAP_PRIVATE, handle, 0));
      if (data_ == MAP_FAILED) fail("cannot map " + file);
    }
    close(handle);
  }
  const T* row(size_t i) const { return data_ + i * width_; }

 private:
  const T* data_ = nullptr;
  size_t width_;
};

// A file in the run's folder that results are appended to.
class Output {
 public:
  explicit Output(const std::string& name) : name_(path(name)) {
    file_ = std::fopen(name_.c_str(), "wb");
    if (file_ == nullptr) fail("cannot write " + name_);
    open_files().push_back(this);
  }
  void write(const void* data, size_t bytes) {
    if (std::fwrite(data, 1, bytes, file_) != bytes) fail("cannot write " + name_);
  }
  static void close_all() {
    for (Output* output : open_files())
      if (std::fclose(output->file_) != 0) fail("cannot write " + output->name_);
    open_files().clear();
  }

 private:
  static std::vector<Output*>& open_files() {
    static std::vector<Output*> files;
    return files;
  }
  std::string name_;
  std::FILE* file_;
};

inline bool records(const std::string& name) {
  static const std::string wanted = "," + setting("STDPNET_RECORD") + ",";
  return wanted.find("," + name + ",") != std::string::npos;
}

// Spikes as (example, step, neuron), only of the groups asked for.
class SpikeLog {
 public:
  explicit SpikeLog(const std::string& name) {
    if (records(name)) output_ = new Output("spikes_" + name);
  }
  void add(const int32_t* events, int32_t n) {
    if (output_ == nullptr) return;
    for (int32_t k = 0; k < n; k++) {
      const int32_t row[3] = {static_cast<int32_t>(example), step, events[k]};
      output_->write(row, sizeof(row));
    }
  }

 private:
  Output* output_ = nullptr;
};

inline int32_t ceil_div(int32_t a, int32_t b) { return a <= 0 ? 0 : (a + b - 1) / b; }

// Brian2's run loop without its clock bookkeeping (a system call a step): every
// object of the step clock each step, the others at the end of a presentation.
template <typename Objects, typename Clock>
void run(const Objects& objects, Clock& clock, double& completed) {
  std::vector<void (*)()> steps, ends;
  for (const auto& object : objects) {
    if (object.second == nullptr) continue;
    (object.first == &clock ? steps : ends).push_back(object.second);
  }
  for (example = 0; example < n_examples(); example++) {
    for (step = 0; step < n_steps(); step++) {
      for (auto run_object : steps) run_object();
      clock.tick();
    }
    for (auto run_object : ends) run_object();
  }
  Output::close_all();
  completed = 1.0;
}

}  // namespace stdpnet
