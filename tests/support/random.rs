//! Reproducible chance: the same seed gives the same story.

/// The seed of the gate, so that two runs of it do the same.
const SEED: u64 = 20_260_501;

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014).
pub struct Random(u64);

impl Random {
    /// Seeded by `RA_AGENT_TEST_SEED`: a number, or `random` for another story each time. Prints the seed, which the test
    /// runner shows when the test fails.
    pub fn from_environment() -> Self {
        let seed = match std::env::var("RA_AGENT_TEST_SEED").as_deref() {
            Err(_) => SEED,
            Ok("random") => from_the_clock(),
            Ok(number) => number.parse().unwrap_or_else(|_| panic!("RA_AGENT_TEST_SEED={number}: a number, or random")),
        };
        println!("RA_AGENT_TEST_SEED={seed}");
        Self(seed)
    }

    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 on, below the limit.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    pub fn one_of<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.below(things.len() as u64) as usize]
    }
}

fn from_the_clock() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64
}

pub fn number_from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
