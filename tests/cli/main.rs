//! The program as a user meets it: commands in, exit status, files and words out.

mod bad_input;
mod bench;
mod chips;
mod compare;
mod cost;
mod figures;
mod folders;
mod gradients;
mod keys;
mod lists;
mod maps;
mod meaning;
mod messages;
mod mutated_tables;
mod mutation;
mod noise;
mod readings;
mod references;
mod robustness;
mod settle;
mod simulators;
mod sizes;
mod spice;
mod stability;
mod streams;
mod yields;
