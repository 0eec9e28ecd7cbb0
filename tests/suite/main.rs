//! One test binary: the laws that the simulator must obey, held against independent solutions.

mod nets;
mod noise;
mod noise_alone;
mod noise_bytes;
mod noise_nets;
mod noise_orders;
mod oracle;
mod offsets;
mod readings;
mod solvers;
mod spice;
mod spice_check;
mod traces;
mod saturating;
mod shards;
mod references;
mod thresholds;
mod wrapper;
mod cost;
mod clocked;
mod covariance;
mod decks;
mod jacobian;
mod dc;
mod facts;
mod outcomes;
