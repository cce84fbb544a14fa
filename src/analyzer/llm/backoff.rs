//! How long to wait before another attempt: exponential backoff with full jitter ("Exponential Backoff And Jitter", AWS Architecture
//! Blog, 2015), which spreads the clients of a server that comes back better than any fixed delay.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);

/// Wait before the attempt after `attempts` of them, never shorter than what the server asked for. `random` is from 0 to 1.
pub fn backoff(attempts: u32, asked_for: Option<Duration>, random: f64) -> Duration {
    let ceiling = FIRST.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1))).min(LONGEST);
    let jittered = ceiling.mul_f64(random.clamp(0.0, 1.0));
    // also behind what the server asked for: all that it rate limited would come back in the same moment
    asked_for.map_or(jittered, |asked| asked.saturating_add(jittered.min(FIRST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_are_spread_over_all_of_it() {
        let longest: Vec<u64> = (1..=12).map(|attempts| backoff(attempts, None, 1.0).as_secs()).collect();
        assert_eq!(longest, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!(backoff(u32::MAX, None, 1.0), LONGEST);
        assert_eq!(backoff(5, None, 0.0), Duration::ZERO);
        assert_eq!(backoff(5, None, 0.5), Duration::from_secs(8));
        assert_eq!(backoff(0, None, 1.0), FIRST);
    }

    #[test]
    fn never_before_the_server_wants_it() {
        for random in [0.0, 0.3, 1.0] {
            let wait = backoff(9, Some(Duration::from_secs(30)), random);
            assert!((30..=31).contains(&wait.as_secs()), "{wait:?}");
        }
        assert_eq!(backoff(1, Some(Duration::MAX), 1.0), Duration::MAX);
    }
}
