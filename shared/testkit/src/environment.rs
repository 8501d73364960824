//! The environment variables of tests.

/// A number from an environment variable, such as the size or the seed of a test.
pub fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().expect("a number"))
}
