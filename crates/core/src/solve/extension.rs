//! What happens within a step of a Dormand–Prince method: its continuous extension, of fourth order for 5(4)
//! and of seventh for 8(5,3).
//!
//! Both are the cubic through the ends and the rates there, plus `θ²(1−θ)²` times a cubic of the share `θ` of
//! the step that has passed, the *bend*. Hairer, Nørsett & Wanner, *Solving Ordinary Differential Equations
//! I* (1993), II.6; coefficients from their codes DOPRI5 (`CONTD5`) and DOP853 (`CONTD8`), rounded to double
//! precision.

use ode_solvers::DVector;

/// Which Dormand–Prince pair.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    /// 5(4).
    Five,
    /// 8(5,3).
    Eight,
}

/// A sum over stages: which, counted from 1, and their weights.
type Terms = &'static [(usize, f64)];

/// The bend of 5(4).
const FIVE: [Terms; 1] = [&[
    (1, -12715105075.0 / 11282082432.0),
    (3, 87487479700.0 / 32700410799.0),
    (4, -10690763975.0 / 1880347072.0),
    (5, 701980252875.0 / 199316789632.0),
    (6, -1453857185.0 / 822651844.0),
    (7, 69997945.0 / 29380423.0),
]];
/// Three more stages of 8(5,3), the 14th to the 16th, after the rate at the end as the 13th.
const STAGES: [Terms; 3] = [
    &[
        (1, 0.056167502283047954),
        (7, 0.25350021021662483),
        (8, -0.2462390374708025),
        (9, -0.12419142326381637),
        (10, 0.15329179827876568),
        (11, 0.00820105229563469),
        (12, 0.007567897660545699),
        (13, -0.008298),
    ],
    &[
        (1, 0.03183464816350214),
        (6, 0.028300909672366776),
        (7, 0.053541988307438566),
        (8, -0.05492374857139099),
        (11, -0.00010834732869724932),
        (12, 0.0003825710908356584),
        (13, -0.00034046500868740456),
        (14, 0.1413124436746325),
    ],
    &[
        (1, -0.42889630158379194),
        (6, -4.697621415361164),
        (7, 7.683421196062599),
        (8, 4.06898981839711),
        (9, 0.3567271874552811),
        (13, -0.0013990241651590145),
        (14, 2.9475147891527724),
        (15, -9.15095847217987),
    ],
];
/// The bend of 8(5,3), from lowest power to highest.
const EIGHT: [Terms; 4] = [
    &[
        (1, -8.428938276109013),
        (6, 0.5667149535193777),
        (7, -3.0689499459498917),
        (8, 2.38466765651207),
        (9, 2.117034582445028),
        (10, -0.871391583777973),
        (11, 2.2404374302607883),
        (12, 0.6315787787694688),
        (13, -0.08899033645133331),
        (14, 18.148505520854727),
        (15, -9.194632392478356),
        (16, -4.436036387594894),
    ],
    &[
        (1, 10.427508642579134),
        (6, 242.28349177525817),
        (7, 165.20045171727028),
        (8, -374.5467547226902),
        (9, -22.113666853125306),
        (10, 7.733432668472264),
        (11, -30.674084731089398),
        (12, -9.332130526430229),
        (13, 15.697238121770845),
        (14, -31.139403219565178),
        (15, -9.35292435884448),
        (16, 35.81684148639408),
    ],
    &[
        (1, 19.985053242002433),
        (6, -387.0373087493518),
        (7, -189.17813819516758),
        (8, 527.8081592054236),
        (9, -11.57390253995963),
        (10, 6.8812326946963),
        (11, -1.0006050966910838),
        (12, 0.7777137798053443),
        (13, -2.778205752353508),
        (14, -60.19669523126412),
        (15, 84.32040550667716),
        (16, 11.99229113618279),
    ],
    &[
        (1, -25.69393346270375),
        (6, -154.18974869023643),
        (7, -231.5293791760455),
        (8, 357.6391179106141),
        (9, 93.40532418362432),
        (10, -37.45832313645163),
        (11, 104.0996495089623),
        (12, 29.8402934266605),
        (13, -43.53345659001114),
        (14, 96.32455395918828),
        (15, -39.17726167561544),
        (16, -149.72683625798564),
    ],
];

/// Terms added to the cubic through the ends of a step, compartment by compartment (V).
pub type Bend = Vec<[f64; 4]>;

impl Order {
    /// Evaluations after the first stage, the one at the end of the step among them.
    pub(super) fn stages(self) -> usize {
        match self {
            Self::Five => 6,
            Self::Eight => 12,
        }
    }

    /// Evaluations that its bend takes.
    pub(super) fn further(self) -> usize {
        match self {
            Self::Five => 0,
            Self::Eight => STAGES.len(),
        }
    }

    /// The bend of a step of `length` from `start`, of whose stages the rates are known, the last that at the
    /// end of the step; `rate` evaluates others.
    pub(super) fn bend(
        self,
        length: f64,
        start: &DVector<f64>,
        mut rates: Vec<DVector<f64>>,
        mut rate: impl FnMut(&DVector<f64>) -> DVector<f64>,
    ) -> Bend {
        let sums: &[Terms] = match self {
            Self::Five => &FIVE,
            Self::Eight => &EIGHT,
        };
        if matches!(self, Self::Eight) {
            for terms in STAGES {
                let state = start + sum(length, terms, &rates);
                rates.push(rate(&state));
            }
        }
        let mut bend = vec![[0.0; 4]; start.len()];
        for (power, terms) in sums.iter().enumerate() {
            let values = sum(length, terms, &rates);
            bend.iter_mut().zip(values.iter()).for_each(|(bend, value)| bend[power] = *value);
        }
        bend
    }
}

/// `length Σ c_i k_i`.
fn sum(length: f64, terms: Terms, rates: &[DVector<f64>]) -> DVector<f64> {
    let mut sum = DVector::zeros(rates[0].len());
    terms.iter().for_each(|&(stage, weight)| sum.axpy(length * weight, &rates[stage - 1], 1.0));
    sum
}

/// One compartment within a step: its potential at the share `θ` of the step and the derivative over `θ` (V),
/// from the potentials at both ends, their derivatives over `θ`, and the bend.
pub(super) fn curve(potentials: [f64; 2], moves: [f64; 2], bend: &[f64; 4], share: f64) -> [f64; 2] {
    let rest = 1.0 - share;
    let rise = potentials[1] - potentials[0];
    let first = moves[0] - rise;
    let levels = [bend[2], bend[1], bend[0], rise - moves[1] - first, first, rise, potentials[0]];
    let (mut value, mut slope, mut forward) = (bend[3], 0.0, true);
    for level in levels {
        (value, slope) = if forward {
            (level + share * value, value + share * slope)
        } else {
            (level + rest * value, rest * slope - value)
        };
        forward = !forward;
    }
    [value, slope]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_meets_its_ends_and_their_rates_whatever_its_bend() {
        let bend = [0.3, -0.2, 0.7, -1.1];
        let [from, start] = curve([0.4, -0.6], [0.2, 0.9], &bend, 0.0);
        let [to, end] = curve([0.4, -0.6], [0.2, 0.9], &bend, 1.0);
        assert!((from - 0.4).abs() < 1e-15 && (start - 0.2).abs() < 1e-15, "{from} {start}");
        assert!((to + 0.6).abs() < 1e-15 && (end - 0.9).abs() < 1e-14, "{to} {end}"); // roundings
    }

    #[test]
    fn the_slope_of_a_curve_is_that_of_its_values() {
        let bend = [0.3, -0.2, 0.7, -1.1];
        let at = |share: f64| curve([0.4, -0.6], [0.2, 0.9], &bend, share);
        for share in [0.1, 0.5, 0.8] {
            let difference = (at(share + 1e-5)[0] - at(share - 1e-5)[0]) / 2e-5;
            // A central difference errs by 1e-10/6 of the third derivative, some tens here, and roundings
            // over 1e-5.
            assert!((difference - at(share)[1]).abs() < 1e-8, "{share}");
        }
    }
}
