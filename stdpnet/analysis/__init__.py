"""What a run learned: numbers first, then plots, then one report."""

from stdpnet.analysis.compression import bank_costs as bank_costs
from stdpnet.analysis.compression_plots import plot_compression as plot_compression
from stdpnet.analysis.compression_plots import plot_connectivity as plot_connectivity
from stdpnet.analysis.compression_plots import plot_levels as plot_levels
from stdpnet.analysis.figures import FIGURES as FIGURES
from stdpnet.analysis.figures import draw_figure as draw_figure
from stdpnet.analysis.figures import save_figure as save_figure
from stdpnet.analysis.kernel_plots import plot_kernel_history as plot_kernel_history
from stdpnet.analysis.kernel_plots import plot_kernels as plot_kernels
from stdpnet.analysis.kernel_plots import plot_weight_histogram as plot_weight_histogram
from stdpnet.analysis.kernels import convergence_index as convergence_index
from stdpnet.analysis.kernels import distinct_kernels as distinct_kernels
from stdpnet.analysis.kernels import kernel_images as kernel_images
from stdpnet.analysis.kernels import order_kernels as order_kernels
from stdpnet.analysis.kernels import tile as tile
from stdpnet.analysis.kernels import weight_histogram as weight_histogram
from stdpnet.analysis.numbers import result_sentence as result_sentence
from stdpnet.analysis.raster import plot_example as plot_example
from stdpnet.analysis.raster import plot_raster as plot_raster
from stdpnet.analysis.raster import plot_spikes_per_example as plot_spikes_per_example
from stdpnet.analysis.readout import confusion as confusion
from stdpnet.analysis.readout import fewer_errors as fewer_errors
from stdpnet.analysis.readout import plot_confusion as plot_confusion
from stdpnet.analysis.readout import plot_label_curve as plot_label_curve
from stdpnet.analysis.receptive_fields import (
    plot_receptive_fields as plot_receptive_fields,
)
from stdpnet.analysis.recorded import MissingArraysError as MissingArraysError
from stdpnet.analysis.recorded import Run as Run
from stdpnet.analysis.recorded import load_run as load_run
from stdpnet.analysis.report import write_report as write_report
from stdpnet.analysis.sound_numbers import SoundNumbers as SoundNumbers
from stdpnet.analysis.sound_numbers import measure_sound as measure_sound
from stdpnet.analysis.sound_plots import draw_sound as draw_sound
from stdpnet.analysis.training import plot_convergence as plot_convergence
from stdpnet.analysis.training import plot_curves as plot_curves
from stdpnet.analysis.training import plot_per_map as plot_per_map
