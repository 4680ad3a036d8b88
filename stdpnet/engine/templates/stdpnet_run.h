// What a program of stdpnet adds to Brian2's standalone code: presentations,
// stimuli from files, counts to files, and indices that are computed.
#pragma once
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <signal.h>
#include <sys/prctl.h>
#endif

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace stdpnet {

#ifdef __linux__
// Ends with the thread that started it, however that ends.
inline const int ends_with_parent = prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
inline size_t example = 0;       // of this run, from 0
inline size_t presentation = 0;  // more than examples, if some are shown again
inline int32_t step = 0;         // of this presentation, from 0
inline double gain = 1;          // on all rates: one where an example is shown first
inline bool is_last = true;      // of the presentations of this example

// Stands in for an index array of Brian2 whose entries need not be stored.
struct Shift {
  int32_t base;
  int32_t stride = 1;
  int32_t operator[](size_t i) const { return base + static_cast<int32_t>(i) * stride; }
};
struct Listed {
  int32_t base;
  const int32_t* list;
  int32_t operator[](size_t i) const { return base + list[i]; }
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
// After these steps of a presentation its rates are zero.
inline int32_t n_input_steps() {
  static const int32_t n = std::stoi(setting("STDPNET_INPUT_STEPS"));
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

// How often something is to be recorded, in presentations; zero: not at all.
inline size_t record_every(const std::string& name) {
  static const std::string wanted = "," + setting("STDPNET_RECORD") + ",";
  const size_t at = wanted.find("," + name + ":");
  return at == std::string::npos ? 0 : std::stoul(wanted.substr(at + name.size() + 2));
}
inline bool records(const std::string& name) { return record_every(name) > 0; }

// Numbers of spikes, synaptic events and weight updates, by name.
inline std::map<std::string, int64_t>& tallies() {
  static std::map<std::string, int64_t> all;
  return all;
}
inline int64_t& tally(const std::string& name) { return tallies()[name]; }

// Spikes as (presentation, step, neuron), only of the groups asked for.
class SpikeLog {
 public:
  explicit SpikeLog(const std::string& name) : tally_(tally(name + ".spikes")) {
    if (records(name + ".spikes")) output_ = new Output("record_" + name + ".spikes");
  }
  void add(const int32_t* events, int32_t n) {
    tally_ += n;
    if (output_ == nullptr) return;
    for (int32_t k = 0; k < n; k++) {
      const int32_t row[3] = {static_cast<int32_t>(presentation), step, events[k]};
      output_->write(row, sizeof(row));
    }
  }

 private:
  int64_t& tally_;
  Output* output_ = nullptr;
};

// A variable of chosen neurons, step by step.
class StateLog {
 public:
  explicit StateLog(const std::string& name) {
    if (!records(name)) return;
    std::ifstream file(path("ids_" + name), std::ios::binary);
    int32_t id;
    while (file.read(reinterpret_cast<char*>(&id), sizeof(id))) ids_.push_back(id);
    output_ = new Output("record_" + name);
  }
  template <typename T>
  void add(const T* values) {
    if (output_ == nullptr) return;
    for (int32_t id : ids_) output_->write(&values[id], sizeof(T));
  }

 private:
  std::vector<int32_t> ids_;
  Output* output_ = nullptr;
};

// All weights, every so many presentations.
class WeightLog {
 public:
  explicit WeightLog(const std::string& name) : every_(record_every(name)) {
    if (every_ > 0) output_ = new Output("record_" + name);
  }
  template <typename T>
  void add(const T* values, size_t n) {
    if (every_ > 0 && (presentation + 1) % every_ == 0) output_->write(values, n * sizeof(T));
  }

 private:
  size_t every_;
  Output* output_ = nullptr;
};

// Neurons that have spiked in this presentation, or whose traces still tell of it, by position.
class Spiked {
 public:
  Spiked(size_t n_sites, int32_t n_maps)
      : count_(n_sites), maps_(n_sites * n_maps), seen_(n_sites * n_maps), n_maps_(n_maps) {}
  template <typename Tells>
  void begin(const Tells& tells) {
    if (presentation_ == presentation) return;
    for (int32_t neuron : neurons_) seen_[neuron] = count_[neuron / n_maps_] = 0;
    before_.swap(neurons_);
    neurons_.clear();
    for (int32_t neuron : before_)
      if (tells(neuron)) add(&neuron, 1);
    presentation_ = presentation;
  }
  void add(const int32_t* events, int32_t n) {
    for (int32_t k = 0; k < n; k++) {
      const int32_t neuron = events[k], site = neuron / n_maps_;
      if (seen_[neuron]) continue;
      seen_[neuron] = 1;
      maps_[static_cast<size_t>(site) * n_maps_ + count_[site]++] = neuron % n_maps_;
      neurons_.push_back(neuron);
    }
  }
  int32_t count(int32_t site) const { return count_[site]; }
  const int32_t* maps(int32_t site) const { return &maps_[static_cast<size_t>(site) * n_maps_]; }

 private:
  std::vector<int32_t> count_, maps_, neurons_, before_;
  std::vector<char> seen_;
  int32_t n_maps_;
  size_t presentation_ = 0;
};
inline Spiked& spiked(const std::string& group, size_t n_sites, int32_t n_maps) {
  static std::map<std::string, Spiked> all;
  return all.try_emplace(group, n_sites, n_maps).first->second;
}

// The synapses that are left of kernels, row by row of the maps and map by map. None
// goes during a run.
class Left {
 public:
  template <typename T>
  Left(const T* kept, int32_t n_taps, int32_t n_maps)
      : row_(n_taps + 1), column_(n_maps + 1) {
    for (int32_t tap = 0; tap < n_taps; tap++) {
      for (int32_t map = 0; map < n_maps; map++)
        if (kept[static_cast<size_t>(tap) * n_maps + map]) {
          maps_.push_back(map);
          column_[map + 1]++;
        }
      row_[tap + 1] = static_cast<int32_t>(maps_.size());
    }
    all_ = maps_.size() == static_cast<size_t>(n_taps) * n_maps;
    for (int32_t map = 0; map < n_maps; map++) column_[map + 1] += column_[map];
    taps_.resize(maps_.size());
    std::vector<int32_t> next(column_);
    for (int32_t tap = 0; tap < n_taps; tap++)
      for (int32_t k = row_[tap]; k < row_[tap + 1]; k++) taps_[next[maps_[k]]++] = tap;
  }
  bool all() const { return all_; }
  int32_t n_maps(int32_t tap) const { return row_[tap + 1] - row_[tap]; }
  const int32_t* maps(int32_t tap) const { return &maps_[row_[tap]]; }
  int32_t n_taps(int32_t map) const { return column_[map + 1] - column_[map]; }
  const int32_t* taps(int32_t map) const { return &taps_[column_[map]]; }

 private:
  std::vector<int32_t> row_, column_, maps_, taps_;
  bool all_;
};

inline int32_t ceil_div(int32_t a, int32_t b) { return a <= 0 ? 0 : (a + b - 1) / b; }

// When an example is shown again, with higher rates: while a group spikes too little.
class Again {
 public:
  Again() {
    std::istringstream text(setting("STDPNET_AGAIN"));
    std::string groups, group;
    if (!(text >> groups >> least_ >> brighter_ >> limit_)) return;
    std::istringstream names(groups);
    while (std::getline(names, group, ',')) spikes_.push_back(&tally(group + ".spikes"));
    before_.resize(spikes_.size());
  }
  void first() {
    gain = 1;
    times_ = 0;
  }
  void begin() {
    for (size_t k = 0; k < spikes_.size(); k++) before_[k] = *spikes_[k];
  }
  bool enough() const {
    if (times_ >= limit_) return true;
    for (size_t k = 0; k < spikes_.size(); k++)
      if (*spikes_[k] - before_[k] < least_) return false;
    return true;
  }
  void next() {
    gain += brighter_;
    times_++;
  }

 private:
  std::vector<const int64_t*> spikes_;
  std::vector<int64_t> before_;
  int64_t least_ = 0;
  double brighter_ = 0;
  size_t limit_ = 0, times_ = 0;
};

// Brian2's run loop without its clock bookkeeping (a system call a step): every
// object of the step clock each step, the others at the beginning of the run, or at
// the start or the end of a presentation.
template <typename Objects, typename Clock>
void run(const Objects& objects, Clock& clock, Clock& begin_clock, Clock& start_clock,
         double& completed) {
  std::vector<void (*)()> begins, starts, steps, ends;
  for (const auto& object : objects) {
    if (object.second == nullptr) continue;
    auto& called = object.first == &clock         ? steps
                   : object.first == &begin_clock ? begins
                   : object.first == &start_clock ? starts
                                                  : ends;
    called.push_back(object.second);
  }
  Again again;
  Output presentations("presentations");
  for (auto run_object : begins) run_object();
  for (example = 0; example < n_examples(); example++) {
    again.first();
    for (uint32_t shown = 1;; shown++) {
      again.begin();
      for (auto run_object : starts) run_object();
      for (step = 0; step < n_steps(); step++) {
        for (auto run_object : steps) run_object();
        clock.tick();
      }
      is_last = again.enough();
      for (auto run_object : ends) run_object();
      presentation++;
      if (is_last) {
        presentations.write(&shown, sizeof(shown));
        break;
      }
      again.next();
    }
  }
  Output::close_all();
  std::ofstream tally_file(path("tally"));
  for (const auto& [name, n] : tallies()) tally_file << name << " " << n << "\n";
  if (!tally_file.flush()) fail("cannot write " + path("tally"));
  completed = 1.0;
}

}  // namespace stdpnet
