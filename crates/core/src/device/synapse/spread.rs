//! The constants of every device of an array, drawn once.

use rand_distr::{Distribution, StandardNormal};

use super::Site;
use super::soft_bounds::symmetry;
use super::step::One;
use crate::random::{Kind, stream};
use crate::spec::devices::{PulsedSpec, StepSpec};

/// Constants of devices, a list for each: a pulse touches only those of its model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Devices {
    /// Δ⁺.
    pub up: Vec<f32>,
    /// Δ⁻.
    pub down: Vec<f32>,
    /// b⁺.
    pub high: Vec<f32>,
    /// b⁻.
    pub low: Vec<f32>,
    /// Slopes or exponents of either direction; empty for models that have none.
    pub extra: Vec<[f32; 2]>,
    /// Reference that weights are seen against; empty without one.
    pub reference: Vec<f32>,
    /// Share that an update's leakage leaves, minus 1; empty without leakage.
    pub leak: Vec<f32>,
}

/// Constants of devices in a row; see [`Devices`].
pub(super) struct Block<'a> {
    pub up: &'a [f32],
    pub down: &'a [f32],
    pub high: &'a [f32],
    pub low: &'a [f32],
    pub extra: &'a [[f32; 2]],
}

impl Devices {
    /// Draws `count` devices. What has no spread has its mean, exactly.
    pub fn draw(spec: &PulsedSpec, count: usize, site: Site) -> Self {
        let mut drawn = Self::default();
        for device in 0..count {
            let mut stream = stream(site.key(Kind::DeviceSpread, device, 0));
            // Always the same draws in the same order, so that a spread more leaves the others as they were.
            let xi: [f64; 8] = std::array::from_fn(|_| StandardNormal.sample(&mut stream));
            drawn.push(spec, xi);
        }
        drawn
    }

    fn push(&mut self, spec: &PulsedSpec, [high, low, gain, skew, first, second, reference, life]: [f64; 8]) {
        let high = (spec.bounds.up * (1.0 + spec.bounds_dtod.up * high)).abs();
        let low = -(spec.bounds.down * (1.0 + spec.bounds_dtod.down * low)).abs();
        let gain = if spec.log_normal { (spec.step_dtod * gain).exp() } else { 1.0 + spec.step_dtod * gain };
        let skew = spec.up_down_dtod * skew;
        let up = (spec.step * (spec.up_down.min(0.0) + gain + skew)).abs();
        let down = (spec.step * (-spec.up_down.max(0.0) + gain - skew)).abs();
        let one = One { up, down, high, low, extra: [0.0; 2] };
        match &spec.step_model {
            StepSpec::Linear { slope, slope_dtod, mean_bounds, .. } => {
                let [top, bottom] =
                    if *mean_bounds { [spec.bounds.up, spec.bounds.down] } else { [high, low] };
                let up = (slope.up + slope_dtod * first).abs() * up / top;
                let down = (slope.down + slope_dtod * second).abs() * down / bottom;
                self.extra.push([up as f32, down as f32]);
            }
            StepSpec::Power { gamma, gamma_dtod } => {
                let own = [gamma.up + gamma_dtod * first, gamma.down + gamma_dtod * second];
                self.extra.push(own.map(|gamma| gamma.abs() as f32));
            }
            StepSpec::SoftBounds { reference: spread, subtract_symmetry, .. }
                if *subtract_symmetry || *spread > 0.0 =>
            {
                let middle = if *subtract_symmetry { symmetry(&one) } else { 0.0 };
                self.reference.push((middle + spread * reference) as f32);
            }
            _ => {}
        }
        if let Some(life_time) = spec.lifetime {
            // A lifetime below one update cannot be told from one.
            let updates = (life_time.updates * (1.0 + life_time.dtod * life)).abs().max(1.0);
            self.leak.push((-1.0 / updates) as f32);
        }
        self.up.push(up as f32);
        self.down.push(down as f32);
        self.high.push(high as f32);
        self.low.push(low as f32);
    }

    /// The constants of a device.
    #[inline(always)]
    pub fn one(&self, device: usize) -> One {
        let extra = self.extra.get(device).copied().unwrap_or_default();
        One {
            up: f64::from(self.up[device]),
            down: f64::from(self.down[device]),
            high: f64::from(self.high[device]),
            low: f64::from(self.low[device]),
            extra: extra.map(f64::from),
        }
    }

    /// The constants of some devices in a row.
    #[inline(always)]
    pub(super) fn block(&self, first: usize, count: usize) -> Block<'_> {
        let part = first..first + count;
        let extra = if self.extra.is_empty() { &self.extra[..] } else { &self.extra[part.clone()] };
        Block {
            up: &self.up[part.clone()],
            down: &self.down[part.clone()],
            high: &self.high[part.clone()],
            low: &self.low[part],
            extra,
        }
    }

    /// The reference of a device, 0 without one.
    #[inline(always)]
    pub fn reference(&self, device: usize) -> f64 {
        self.reference.get(device).copied().map_or(0.0, f64::from)
    }
}

impl PulsedSpec {
    /// The mean device: no spread, no noise.
    pub fn without_spread(&self) -> Self {
        let mut mean = Self {
            step_dtod: 0.0,
            step_noise: 0.0,
            up_down_dtod: 0.0,
            bounds_dtod: crate::spec::devices::Pair::default(),
            write_noise: 0.0,
            ..self.clone()
        };
        match &mut mean.step_model {
            StepSpec::Linear { slope_dtod, .. } => *slope_dtod = 0.0,
            StepSpec::SoftBounds { reference, .. } => *reference = 0.0,
            StepSpec::Power { gamma_dtod, .. } => *gamma_dtod = 0.0,
            StepSpec::Ideal
            | StepSpec::Constant
            | StepSpec::Exponential { .. }
            | StepSpec::Piecewise { .. } => {}
        }
        if let Some(life) = &mut mean.lifetime {
            life.dtod = 0.0;
        }
        if let Some(pair) = &mut mean.one_sided {
            pair.reset_noise = 0.0;
        }
        mean
    }
}
