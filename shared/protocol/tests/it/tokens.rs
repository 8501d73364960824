//! Tokens have no `Debug` output, and comparing hashes takes constant time.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use protocol::token::{Hash, NewToken, PresentedToken, generate};

/// A type with `Debug` has two implementations of this trait, so that `<Type as Shown<_>>` does not compile.
trait Shown<T> {
    const NOT: () = ();
}

impl<T> Shown<()> for T {}

impl<T: Debug> Shown<bool> for T {}

#[test]
fn tokens_have_no_debug_output() {
    const { <NewToken as Shown<_>>::NOT };
    const { <PresentedToken as Shown<_>>::NOT };
    assert_eq!(format!("{:?}", generate([1; 8], [2; 32]).hash()), "Hash");
}

/// In hashes of this length, a naive comparison would find a first difference much sooner than a last one.
#[test]
fn hashes_are_compared_in_constant_time() {
    const LENGTH: usize = 1 << 20;
    let zeros = "0".repeat(LENGTH - 1);
    let [stored, early, late] =
        [format!("0{zeros}"), format!("1{zeros}"), format!("{zeros}1")].map(|it| Hash::from(&*it));
    let time = |presented: &Hash| {
        let once = || {
            let started = Instant::now();
            assert_ne!(*presented, stored);
            started.elapsed()
        };
        (0..20).map(|_| once()).min().unwrap_or(Duration::MAX)
    };
    let early = time(&early);
    let late = time(&late);
    assert!(early * 10 > late && late * 10 > early, "{early:?}, {late:?}");
    assert_eq!(stored, stored.clone());
}
