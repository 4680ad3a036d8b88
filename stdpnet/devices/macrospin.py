"""One nanomagnet as one spin: its parameters, its fields and its energy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stdpnet.config import Parameters, number, quantity
from stdpnet.units import UNITS, Quantity, QuantityLike, amp, as_quantity, second

Array = NDArray[np.float64]

_FIELD = amp / UNITS["m"]
_JOULE = UNITS["J"]

#: Boltzmann constant in J/K, exact in the SI.
BOLTZMANN = 1.380649e-23
#: Vacuum permeability in V s / (A m); CODATA 2018.
MU_0 = 1.25663706212e-6
#: Gyromagnetic ratio for fields in A/m: mu_0 times the electron's
#: 1.76085963023e11 rad / (s T) (CODATA 2018), in m / (A s).
GAMMA_0 = MU_0 * 1.76085963023e11


@dataclass(frozen=True, kw_only=True)
class Macrospin(Parameters):
    r"""Nanomagnet on a magneto-electric oxide, uniformly magnetized.

    The direction :math:`m` of the magnetization follows the
    Landau-Lifshitz-Gilbert equation

    .. math::
        \dot m = -\gamma_0 \, m \times H + \alpha \, m \times \dot m, \qquad
        H = H_k m_x \hat x - N M_s m_z \hat z + H_{ME} + H_{th}, \qquad
        H_{ME} = \frac{\alpha_{ME} V}{t_{ME}}

    with all fields in A/m and :math:`\gamma_0 = \mu_0 |\gamma_e|` = 2.2128e5
    m/(A s). The magnet lies in the plane: :math:`x` is its easy axis, along
    its length, and :math:`z` is normal to the film. It rests at
    :math:`m_x = -1`. A positive voltage drives it towards :math:`m_x = +1`,
    the other minimum of its energy

    .. math::
        E = \mu_0 M_s \Omega \left( -\tfrac12 H_k m_x^2
            + \tfrac12 N M_s m_z^2 - H_{ME} \cdot m \right),

    where :math:`\Omega` is the volume of an elliptic cylinder. The heat is a
    field that fluctuates (Stratonovich), the same in both terms of the
    equation; in a time step :math:`\Delta t` each of its components is
    Gaussian with the standard deviation

    .. math::
        \sigma = \sqrt{\frac{2 \alpha k_B T}{\gamma_0 \mu_0 M_s \Omega \, \Delta t}}.

    Parameters
    ----------
    length, width, thickness : Quantity, length
        Axes of the ellipse, and height. 100 nm x 60 nm x 2.5 nm is small
        enough to be magnetized uniformly, and large enough to stay where it
        is for hours.
    saturation_magnetization : Quantity, A/m
        :math:`M_s`; a round value near that of cobalt-iron alloys.
    anisotropy_field : Quantity, A/m
        :math:`H_k`. The default is what the shape alone gives: the difference
        of the demagnetizing factors along width and length, times
        :math:`M_s`, and with it a barrier of 32 :math:`k_B T` at 300 K.
    demagnetization : float
        :math:`N`, the difference of the demagnetizing factors along thickness
        and width. It holds the magnet in the plane. Zero leaves a purely
        uniaxial magnet.
    damping : float
        Gilbert's :math:`\alpha`: a few times that of a metal film on its own,
        for a thin film loses more to its neighbours.
    temperature : Quantity, temperature
        Of the magnet. Zero switches the fluctuations off.
    coupling : Quantity, A/V
        Magneto-electric coefficient :math:`\alpha_{ME}` as magnetization per
        field; :math:`\mu_0 \alpha_{ME}`, 0.23 ns/m, is the form in s/m. With the
        default, half a volt switches the magnet without heat.
    oxide_thickness : Quantity, length
        :math:`t_{ME}`, across which the voltage lies.
    tilt : float
        Angle of the magneto-electric field with the easy axis, in the plane,
        in degrees. Along the axis (zero) it lowers the barrier without
        moving the resting state, so that only heat starts the switching.
    dt : Quantity, time
        Time step of the integration. At the default :math:`|m|` is conserved
        to 1e-6 over a nanosecond without being held at one.

    Notes
    -----
    `advance` integrates with Heun's scheme, whose limit is the Stratonovich
    solution.

    Why a flat magnet with the field along its easy axis: the two states differ
    only in sign, and the voltage lowers one barrier without moving the state
    that it protects, so that heat decides when the magnet leaves. The
    demagnetizing field makes it settle at the rate
    :math:`\alpha \gamma_0 N M_s / 2`, within a nanosecond; a purely uniaxial
    magnet of the same barrier takes twenty times as long.

    References
    ----------
    Brown (1963), doi:10.1103/PhysRev.130.1677, for the thermal field;
    Garcia-Palacios and Lazaro (1998), doi:10.1103/PhysRevB.58.14937, for its
    integration; Jaiswal et al. (2017), doi:10.1109/TED.2017.2671353, for the
    neuron that is made of it. All defaults are ours.
    """

    length: Quantity = quantity("100 nm", above=0, doc="long axis of the ellipse")
    width: Quantity = quantity("60 nm", above=0, doc="short axis of the ellipse")
    thickness: Quantity = quantity("2.5 nm", above=0, doc="height of the magnet")
    saturation_magnetization: Quantity = quantity(
        1e6 * _FIELD, above=0, doc="magnetization"
    )
    anisotropy_field: Quantity = quantity(
        18e3 * _FIELD, low=0, doc="field of the easy axis"
    )
    demagnetization: float = number(0.91, low=0, high=1, doc="out-of-plane factor")
    damping: float = number(0.02, low=0, doc="Gilbert damping")
    temperature: Quantity = quantity("300 K", low=0, doc="of the magnet")
    coupling: Quantity = quantity("180 uS", above=0, doc="magneto-electric coefficient")
    oxide_thickness: Quantity = quantity("5 nm", above=0, doc="of the oxide")
    tilt: float = number(0.0, low=0, high=90, doc="field to easy axis, in degrees")
    dt: Quantity = quantity("0.1 ps", above=0, doc="time step")

    @property
    def energy_per_field(self) -> float:
        r"""Energy of the moment in a field, :math:`\mu_0 M_s \Omega`, in J per A/m."""
        volume = np.pi / 4 * self.length * self.width * self.thickness
        return float(MU_0 * self.saturation_magnetization.value * volume.value)

    @property
    def barrier(self) -> Quantity:
        """Energy between the two resting states at zero voltage."""
        return 0.5 * self.energy_per_field * self.anisotropy_field.value * _JOULE

    @property
    def critical_voltage(self) -> Quantity:
        """Voltage that switches the magnet in the end without heat.

        Stoner and Wohlfarth (1948), doi:10.1098/rsta.1948.0007; slow fields.
        """
        angle = np.deg2rad(self.tilt)
        powers = np.cos(angle) ** (2 / 3) + np.sin(angle) ** (2 / 3)
        field = self.anisotropy_field * float(powers**-1.5)
        return field * self.oxide_thickness / self.coupling

    @property
    def stiffness(self) -> Array:
        """Field per component of `m` that it causes itself, in A/m, shape (3, 1)."""
        out_of_plane = self.demagnetization * self.saturation_magnetization.value
        return np.array([[self.anisotropy_field.value], [0.0], [-out_of_plane]])

    def drive(self, voltage_v: ArrayLike) -> Array:
        """Return the magneto-electric field of voltages.

        Parameters
        ----------
        voltage_v : float or array, shape (n,)
            Voltages, in volt.

        Returns
        -------
        ndarray, shape (3, 1) or (3, n)
            Fields, in A/m.
        """
        angle = np.deg2rad(self.tilt)
        axis = np.array([[np.cos(angle)], [np.sin(angle)], [0.0]])
        per_volt = self.coupling.value / self.oxide_thickness.value
        return axis * (per_volt * np.atleast_1d(np.asarray(voltage_v, float)))

    def energy(self, m: Array, voltage_v: ArrayLike = 0.0) -> Array:
        """Return the energies of magnets of shape (3, n), in joule, shape (n,)."""
        field = 0.5 * self.stiffness * m + self.drive(voltage_v)
        return np.asarray(-self.energy_per_field * (field * m).sum(axis=0))

    def thermal_field(self) -> float:
        """Return the standard deviation of a component in one time step, in A/m."""
        heat = 2 * self.damping * BOLTZMANN * self.temperature.value
        return float(np.sqrt(heat / (GAMMA_0 * self.energy_per_field * self.dt.value)))

    def steps(self, duration: QuantityLike) -> int:
        """Return how many time steps a duration has, rounded.

        Raises
        ------
        ValueError
            If it is not a time, or shorter than a step.
        """
        asked = as_quantity(duration)
        if asked.dimension != second.dimension:
            raise ValueError(f"a duration must be a time like 1 ns, got {asked}")
        n_steps = round(asked.value / self.dt.value)
        if n_steps < 1:
            raise ValueError(
                f"a duration must be at least one time step, {self.dt}, got {asked}; "
                "give a smaller dt"
            )
        return n_steps
