//! One test binary: the laws that the simulator must obey, held against independent solutions.

mod nets;
mod noise;
mod noise_alone;
mod noise_bytes;
mod noise_nets;
mod noise_orders;
mod oracle;
mod readings;
mod solvers;
mod spice;
mod traces;
mod saturating;
mod shards;
mod references;
mod thresholds;
mod wrapper;
mod clocked;
mod covariance;
mod decks;
mod jacobian;
mod dc;
mod facts;
mod outcomes;
