//! What an experiment takes of the machine, summed up before any of it is taken.

use super::plan::RunPlan;
use dyadsim_core::data::Dataset;
use dyadsim_core::learn::circuit_of;
use dyadsim_core::machine;
use dyadsim_core::solve::DENSE;
use dyadsim_core::spec::FeedbackSynapses;

/// Weight-sized arrays of a run: weights, gradient and two moments.
const COPIES: f64 = 4.0;
/// State-sized arrays of a batch: eight stages, and buffers.
const STAGES: f64 = 14.0;
/// Directions that a search for eigenvalues keeps where the Jacobian is too wide to be held whole.
const DIRECTIONS: f64 = 80.0;
/// A row of metrics, and one of a layer, in memory and as text (bytes).
const ROWS: (f64, f64) = (600.0, 300.0);

/// Memory of an experiment (bytes), its largest run on every thread.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Need {
    /// Weights, gradient and moments.
    pub weights: f64,
    /// Potentials of a batch.
    pub states: f64,
    /// The margin's search for eigenvalues.
    pub spectrum: f64,
    /// Rows of all tables.
    pub tables: f64,
}

impl Need {
    /// The sum for some runs, with scalars of so many bytes.
    #[must_use]
    pub fn of(plans: &[RunPlan], dataset: &Dataset, threads: usize, scalar: f64) -> Self {
        let workers = threads.min(plans.len()).max(1) as f64;
        let mut need = Self::default();
        for plan in plans {
            let experiment = &plan.resolved.experiment;
            let layers: Vec<f64> = experiment.network.iter().map(|&neurons| neurons as f64).collect();
            let feedback = circuit_of(plan.rule, &plan.resolved.circuit).feedback;
            // Feedback synapses of their own, once more while they are programmed; those that descend have
            // gradient and moments, but for the first layer, and keep what layers read.
            let copies = match (feedback.synapses, feedback.learning.programs()) {
                (FeedbackSynapses::Shared, _) => COPIES,
                (FeedbackSynapses::Separate, false) => COPIES + 1.0,
                (FeedbackSynapses::Separate, true) => COPIES + 2.0,
            };
            let terms = feedback.learning.terms();
            let learned = if terms.is_some() { COPIES - 1.0 } else { 0.0 };
            let stages = STAGES + f64::from(u8::from(terms.is_some_and(|terms| terms.reads_inputs())));
            let pairs = |layers: &[f64]| layers.windows(2).map(|n| n[1] * n[0]).sum::<f64>();
            let synapses = pairs(&layers) + layers[1..].iter().sum::<f64>();
            let among =
                if plan.resolved.circuit.lateral { layers[1..].iter().map(|n| n * n).sum() } else { 0.0 };
            let held = copies * synapses + learned * pairs(&layers[1..]) + COPIES * among;
            let compartments = 2.0 * layers[1..].iter().sum::<f64>();
            let samples = experiment.batch.min(dataset.train.len()) as f64;
            let basis = if compartments <= DENSE as f64 { compartments } else { DIRECTIONS };
            need.weights = need.weights.max(workers * held * scalar);
            need.states = need.states.max(workers * stages * compartments * samples * scalar);
            // Twice: the basis and what is made of it; in double precision always.
            need.spectrum = need.spectrum.max(workers * 2.0 * basis * compartments * 8.0);
            let rows = experiment.epochs as f64 + 1.0;
            need.tables += rows * (ROWS.0 + ROWS.1 * (layers.len() - 1) as f64);
        }
        need
    }

    /// The key to blame and why, if this machine has less; nothing if it has enough.
    #[must_use]
    pub fn beyond(&self) -> Option<(&'static str, String)> {
        let parts = [
            ("weights", self.weights),
            ("states of a batch", self.states),
            ("eigenvalues", self.spectrum),
            ("tables", self.tables),
        ];
        let told = machine::beyond(&parts)?;
        let largest = parts.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map_or("", |part| part.0);
        let key = match largest {
            "states of a batch" if self.weights + self.spectrum < 0.1 * self.states => "batch",
            "tables" => "epochs",
            _ => "network",
        };
        Some((key, told))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dyadsim_core::data::{Request, load};
    use dyadsim_core::spec::parse_experiment;

    const EXPERIMENT: &str = "name = 'n'\ncircuit = {}\ndataset = 'yin-yang'\nnetwork = [4, 6, 3]\nepochs = 1\n\
        batch = 50\nseeds = [1]\nrules = ['bp']\noptimizer = { kind = 'sgd', learning_rate = 0.1 }\n";

    fn need(change: (&str, &str)) -> Need {
        need_of(&EXPERIMENT.replace(change.0, change.1))
    }

    fn need_of(text: &str) -> Need {
        let plans = super::super::plan(&parse_experiment("e.toml", text, &[]).unwrap()).unwrap();
        let data = load(&Request { train: Some(100), ..Request::named("yin-yang") }).unwrap();
        Need::of(&plans, &data, 2, 8.0)
    }

    #[test]
    fn a_batch_beyond_the_data_set_takes_no_more_than_the_data_set() {
        // 18 compartments, 14 arrays of 8 bytes for each of 100 samples.
        let states = need(("batch = 50", "batch = 1000000")).states;
        assert!((states - 14.0 * 18.0 * 100.0 * 8.0).abs() < 1e-6, "{states}");
    }

    #[test]
    fn feedback_synapses_of_their_own_are_held_too() {
        // 4-6-3: 24 + 18 weights and 9 biases; weights, gradient, two moments, and feedback of the same size.
        assert_eq!(need(("", "")).weights, 4.0 * 51.0 * 8.0);
        let separate = "circuit = { feedback = { synapses = 'separate' } }";
        assert_eq!(need(("circuit = {}", separate)).weights, 5.0 * 51.0 * 8.0);
        let learning = |name: &str| {
            let separate =
                format!("circuit = {{ feedback = {{ synapses = 'separate', learning = '{name}' }} }}");
            let text = EXPERIMENT.replace("circuit = {}", &separate);
            need_of(&text.replace("['bp']", "['bp-feedback']"))
        };
        // Once more, as they are programmed.
        assert_eq!(learning("sign-symmetry").weights, 6.0 * 51.0 * 8.0);
        // Gradient and two moments of the 18 synapses to which errors come.
        assert_eq!(learning("weight-mirror").weights, (5.0 * 51.0 + 3.0 * 18.0) * 8.0);
        assert!(learning("weight-mirror").states > learning("symmetric-alignment").states);
    }

    #[test]
    fn a_network_or_a_number_of_epochs_that_no_machine_holds_is_named() {
        let network = need(("[4, 6, 3]", "[4, 1000000, 1000000, 3]")).beyond().unwrap();
        assert_eq!(network.0, "network");
        assert!(network.1.contains("weights 2.98e4 GiB"), "{}", network.1);
        assert_eq!(need(("", "")).beyond(), None);
    }
}
