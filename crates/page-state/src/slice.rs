//! Parts of the page that note when they are read and when they may have changed, so that a view is computed anew
//! only when something that it was computed from may differ.

use std::cell::Cell;
use std::fmt::{self, Debug};
use std::ops::{Deref, DerefMut};
use std::thread::LocalKey;

/// How many slices a page has: their numbers are below this.
pub const SLICES: usize = 15;

/// A set of slices, a bit for each.
pub type Set = u16;

thread_local! {
    static READ: Cell<Set> = const { Cell::new(0) };
    static WRITTEN: Cell<Set> = const { Cell::new(0) };
}

/// Which slices `look` reads, with its result. The set of an outer call has them, too.
pub fn reading<R>(look: impl FnOnce() -> R) -> (Set, R) {
    noted(&READ, look)
}

/// Which slices `act` may have changed, with its result.
pub fn writing<R>(act: impl FnOnce() -> R) -> (Set, R) {
    noted(&WRITTEN, act)
}

fn noted<R>(noted: &'static LocalKey<Cell<Set>>, run: impl FnOnce() -> R) -> (Set, R) {
    let outer = noted.replace(0);
    let result = run();
    let inner = noted.get();
    noted.set(outer | inner);
    (inner, result)
}

/// Not inlined: a page has a thousand places that look at a slice, and they are to be downloaded.
#[inline(never)]
fn note(noted: &'static LocalKey<Cell<Set>>, slice: Set) {
    noted.set(noted.get() | slice);
}

/// A part of the page by its number, which no other part has.
#[derive(Clone, Default)]
pub struct Slice<T, const N: usize>(T);

impl<T, const N: usize> Slice<T, N> {
    const BIT: Set = {
        assert!(N < SLICES);
        1 << N
    };

    pub(crate) fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T, const N: usize> Deref for Slice<T, N> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        note(&READ, Self::BIT);
        &self.0
    }
}

impl<T, const N: usize> DerefMut for Slice<T, N> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        note(&WRITTEN, Self::BIT);
        &mut self.0
    }
}

impl<T: PartialEq, const N: usize> PartialEq for Slice<T, N> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T: Debug, const N: usize> Debug for Slice<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// For how long views do not hear of new frames after a drawing that took the page this long, in milliseconds: an eighth of the
/// time at most is spent on drawing (rastering and compositing take as much again, in threads of the browser's), so that what
/// computes the frames keeps the processors, and ten drawings a second are made even where each is slow.
pub fn rest_ms(drawing_ms: f64) -> f64 {
    const LEAST: f64 = 16.0;
    const MOST: f64 = 100.0;
    (7.0 * drawing_ms).clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_drawings_are_made_less_often_but_go_on() {
        assert_eq!(rest_ms(0.0), 16.0);
        assert_eq!(rest_ms(10.0), 70.0);
        assert_eq!(rest_ms(5_000.0), 100.0);
        assert_eq!(rest_ms(-1.0), 16.0, "a clock that went back");
    }

    #[test]
    fn what_is_read_and_written_is_noted_and_nothing_else() {
        let (mut a, b) = (Slice::<_, 0>::new(1), Slice::<_, 1>::new(2));
        assert_eq!(reading(|| *a), (1, 1));
        assert_eq!(reading(|| *a + *b), (3, 3));
        assert_eq!(writing(|| *b), (0, 2));
        assert_eq!(writing(|| *a = 5).0, 1);
        let (outer, (inner, _)) = reading(|| (*a, reading(|| *b)).1);
        assert_eq!((outer, inner), (3, 2), "an inner look is a part of the outer one");
    }
}
