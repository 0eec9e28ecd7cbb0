//! Generic functions that are compiled in this crate alone, once for each precision.
//!
//! A compiler makes a copy of a generic function in every crate that calls it. Entry points to whole rooms (a
//! solver, a rule) would bring the room along into every program, test and benchmark: builds take longer, and
//! each copy is compiled as that crate's profile says. [`compiled_once`] has the copies made here and hands
//! out the one that is asked for.

use std::any::Any;

/// The one of two pointers, to the copies of a function in single and in double precision, that is of type
/// `F`.
///
/// # Panics
/// If neither is, which [`compiled_once`] sees to.
pub fn of_precision<F: Copy + 'static>(single: &dyn Any, double: &dyn Any) -> F {
    let found = single.downcast_ref::<F>().or_else(|| double.downcast_ref::<F>());
    // `F` is written once, as a type of the precision: it is that of one of them.
    *found.expect("single and double precision are all there are")
}

/// The copy of `$body::<$t>` that this crate holds, where `$function<T>` is the type of its pointer.
macro_rules! compiled_once {
    ($t:ident, $function:ident, $body:expr) => {{
        static SINGLE: $function<f32> = $body;
        static DOUBLE: $function<f64> = $body;
        $crate::matrix::precision::of_precision::<$function<$t>>(&SINGLE, &DOUBLE)
    }};
}
pub(crate) use compiled_once;
