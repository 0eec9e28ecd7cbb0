//! Why a question has no answer.

/// Why something ended early.
#[derive(Debug)]
pub enum Failure {
    /// Bad input, found before any work: exit status 2.
    Input(anyhow::Error),
    /// It failed while running: exit status 1.
    Running(anyhow::Error),
}

impl Failure {
    /// Bad input.
    pub fn input(error: impl Into<anyhow::Error>) -> Self {
        Self::Input(error.into())
    }

    /// A failure while running.
    pub fn running(error: impl Into<anyhow::Error>) -> Self {
        Self::Running(error.into())
    }
}
