//! Why a question has no answer.

use crate::figure::FigureError;

/// Why something ended early.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Bad input, found before any work: exit status 2.
    #[error("{0:#}")]
    Input(anyhow::Error),
    /// It failed while running: exit status 1.
    #[error("{0:#}")]
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

    /// A figure or report that is not there: what a file holds is bad input, the rest is a failure while
    /// drawing.
    #[must_use]
    pub fn drawing(error: FigureError) -> Self {
        match error {
            FigureError::Font
            | FigureError::Draw { .. }
            | FigureError::Write { .. }
            | FigureError::Template(_) => Self::running(error),
            _ => Self::input(error),
        }
    }
}
