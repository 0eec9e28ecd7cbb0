//! Who hears how far a question is, and what is odd about it.

/// How much work there is, and what a piece of it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent<'a> {
    /// So many pieces.
    Of(usize, &'a str),
    /// So many pieces at most.
    AtMost(usize, &'a str),
    /// Hundredths of a range.
    Along(&'a str),
    /// Work whose end nobody can foresee.
    Unknown(&'a str),
}

/// Hears how far a question is. All methods may be called from any thread.
pub trait Observer: Sync {
    /// Work begins, or another part of it.
    fn begin(&self, _work: Extent<'_>) {}
    /// So many pieces are done.
    fn done(&self, _pieces: usize) {}
    /// So many pieces are to be done besides.
    fn more(&self, _pieces: usize) {}
    /// So many pieces, of all, are done now.
    fn at(&self, _pieces: usize) {}
    /// What is done now, in a few words.
    fn say(&self, _text: &str) {}
    /// The work is done.
    fn end(&self) {}
    /// Time from the first beginning of work to its last end (s), of an observer with a clock.
    fn seconds(&self) -> Option<f64> {
        None
    }
    /// Something that the reader of the answer should know.
    fn warn(&self, _text: &str) {}
}

/// Observer that ignores everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}
