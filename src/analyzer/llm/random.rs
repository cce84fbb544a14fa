//! The only place that asks for randomness; everything else is handed a number.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// A number from 0 to 1, different each time. The standard library seeds its hashers from the system's randomness.
pub fn random_unit() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 11;
    // 53 bits are exact in an f64
    bits as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_random_number_is_one() {
        let numbers: Vec<f64> = (0..100).map(|_| random_unit()).collect();
        assert!(numbers.iter().all(|n| (0.0..1.0).contains(n)));
        assert!(numbers.windows(2).any(|pair| pair[0] != pair[1]));
    }
}
