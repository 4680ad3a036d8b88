// Inputs as events: what a presentation holds is sorted by time once, so that a
// step costs only its own spikes. Also the tie rule of winner-take-all.
#pragma once
#include <cmath>
#include <numeric>

#include "stdpnet_run.h"

namespace stdpnet {

// Each neuron spikes once, in the step that its stimulus names, or never.
class StepInput {
 public:
  StepInput(size_t n, int32_t n_steps) : order_(n), start_(n_steps + 2), n_(n), n_steps_(n_steps) {}
  void present(const uint16_t* steps) {
    std::fill(start_.begin(), start_.end(), 0);
    for (size_t i = 0; i < n_; i++)
      if (steps[i] < n_steps_) start_[steps[i] + 2]++;
    for (int32_t s = 2; s < n_steps_ + 2; s++) start_[s] += start_[s - 1];
    for (size_t i = 0; i < n_; i++)
      if (steps[i] < n_steps_) order_[start_[steps[i] + 1]++] = static_cast<int32_t>(i);
  }
  int32_t spikes(int32_t step, int32_t* events) const {
    std::copy(order_.begin() + start_[step], order_.begin() + start_[step + 1], events);
    return start_[step + 1] - start_[step];
  }

 private:
  std::vector<int32_t> order_, start_;
  size_t n_;
  int32_t n_steps_;
};

// Bernoulli draws with probability rate * dt a step, as Brian2's PoissonGroup,
// drawn as the gap to the next spike: work per spike, not per input and step. Such
// gaps have no memory, so with every frame of rates they are drawn anew.
class PoissonInput {
 public:
  PoissonInput(size_t n, int32_t n_steps, int32_t n_frames, double dt)
      : head_(n_steps), next_(n), gap_scale_(n), dt_(dt), n_steps_(n_steps), n_frames_(n_frames) {}
  void present(const float* rates, double gain) {
    rates_ = rates;
    gain_ = gain;
    frame_ = end_ = 0;
  }
  template <typename Random>
  int32_t spikes(int32_t step, int32_t* events, Random& random) {
    if (step >= n_steps_) return 0;
    if (step == end_) begin_frame(step, random);
    int32_t count = 0;
    for (int32_t i = head_[step]; i >= 0; i = next_[i]) events[count++] = i;
    std::sort(events, events + count);
    for (int32_t k = 0; k < count; k++) schedule(events[k], step + 1, random);
    return count;
  }

 private:
  template <typename Random>
  void begin_frame(int32_t step, Random& random) {
    frame_++;
    // The first step that shows the next frame: step * n_frames / n_steps, rounded down.
    end_ = static_cast<int32_t>((frame_ * n_steps_ + n_frames_ - 1) / n_frames_);
    std::fill(head_.begin() + step, head_.begin() + end_, -1);
    for (size_t i = 0; i < next_.size(); i++) {
      const double p = rates_[i] * gain_ * dt_;
      if (p <= 0) continue;
      gap_scale_[i] = p < 1 ? 1 / std::log1p(-p) : 0;
      schedule(static_cast<int32_t>(i), step, random);
    }
    rates_ += next_.size();
  }
  template <typename Random>
  void schedule(int32_t i, int32_t from, Random& random) {
    const double gap = std::log(1 - random.rand()) * gap_scale_[i];
    if (gap >= end_ - from) return;
    const int32_t step = from + static_cast<int32_t>(gap);
    next_[i] = head_[step];
    head_[step] = i;
  }
  std::vector<int32_t> head_, next_;
  std::vector<double> gap_scale_;
  const float* rates_ = nullptr;
  double gain_ = 1, dt_;
  int64_t frame_ = 0;
  int32_t n_steps_, n_frames_, end_ = 0;
};

// Keeps the candidates that no rival candidate beats: more strength wins, then
// the lower map, then the earlier position.
inline int32_t keep_best(int32_t* events, int32_t count, const double* strength, int32_t height,
                         int32_t width, int32_t n_maps, int32_t radius, bool within_map) {
  if (count < 2) return count;
  const auto beats = [&](int32_t a, int32_t b) {  // candidates, by number
    if (strength[a] != strength[b]) return strength[a] > strength[b];
    const int32_t map_a = events[a] % n_maps, map_b = events[b] % n_maps;
    return map_a != map_b ? map_a < map_b : events[a] < events[b];
  };
  const auto offer = [&](int32_t& best, int32_t candidate) {
    if (best < 0 || beats(candidate, best)) best = candidate;
  };
  static std::vector<int32_t> best_site, best_map, kept;
  best_site.assign(height * width, -1);
  best_map.assign(n_maps, -1);
  for (int32_t k = 0; k < count; k++) {
    offer(best_site[events[k] / n_maps], k);
    offer(best_map[events[k] % n_maps], k);
  }
  kept.clear();
  for (int32_t k = 0; k < count; k++) {
    const int32_t site = events[k] / n_maps;
    if (best_site[site] != k) continue;
    if (within_map && best_map[events[k] % n_maps] != k) continue;
    const int32_t y = site / width, x = site % width;
    bool wins = true;
    for (int32_t ry = std::max(0, y - radius); wins && ry <= std::min(height - 1, y + radius); ry++)
      for (int32_t rx = std::max(0, x - radius); rx <= std::min(width - 1, x + radius); rx++) {
        const int32_t rival = best_site[ry * width + rx];
        if (rival >= 0 && rival != k && beats(rival, k)) wins = false;
      }
    if (wins) kept.push_back(events[k]);
  }
  std::copy(kept.begin(), kept.end(), events);
  return static_cast<int32_t>(kept.size());
}

// Keeps at each position as many candidates as it has winners left: more strength
// first, then the lower map. Candidates are in the order of positions, then maps.
template <class Wins>
int32_t keep_ranked(int32_t* events, int32_t count, const double* strength, int32_t n_maps,
                    double winners, const Wins* site_wins) {
  static std::vector<int32_t> ranked;
  int32_t n_kept = 0;
  for (int32_t first = 0, end; first < count; first = end) {
    const int32_t site = events[first] / n_maps;
    for (end = first + 1; end < count && events[end] / n_maps == site;) end++;
    const int32_t left = std::min(end - first, static_cast<int32_t>(winners - site_wins[site]));
    ranked.resize(end - first);
    std::iota(ranked.begin(), ranked.end(), first);
    if (left < end - first) {
      std::nth_element(ranked.begin(), ranked.begin() + left, ranked.end(),
                       [&](int32_t a, int32_t b) {
                         return strength[a] != strength[b] ? strength[a] > strength[b] : a < b;
                       });
      std::sort(ranked.begin(), ranked.begin() + left);
    }
    for (int32_t k = 0; k < left; k++) events[n_kept++] = events[ranked[k]];
  }
  return n_kept;
}

}  // namespace stdpnet
