//! The maintainability index of a file.
//!
//! `171 − 5.2·ln(V) − 0.23·G − 16.2·ln(L)`, with V, G and L the means per function of Halstead's volume, cyclomatic complexity and lines of code:
//! D. Coleman, D. Ash, B. Lowther, P. Oman, "Using Metrics to Evaluate Software System Maintainability", IEEE Computer 27(8), 1994, without its
//! comment term; scaled to 0..100 by `max(0, MI · 100 / 171)` as Microsoft has it (Visual Studio, "Code metrics – Maintainability index range").

/// What the index needs to know of one function.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Halstead's volume, in bits.
    pub volume: f64,
    pub cyclomatic: u32,
    pub code_lines: u32,
}

/// The index of a file with these functions, 0 to 100 in steps of 0.1; `None` without functions.
pub fn index(samples: &[Sample]) -> Option<f64> {
    if samples.is_empty() {
        return None;
    }
    let count = f64::from(u32::try_from(samples.len()).unwrap_or(u32::MAX));
    let mean = |of: fn(&Sample) -> f64| (samples.iter().map(of).sum::<f64>() / count).max(1.0);
    let volume = mean(|s| s.volume);
    let cyclomatic = mean(|s| f64::from(s.cyclomatic));
    let lines = mean(|s| f64::from(s.code_lines));
    let index = 171.0 - 5.2 * volume.ln() - 0.23 * cyclomatic - 16.2 * lines.ln();
    Some(((index * 100.0 / 171.0).clamp(0.0, 100.0) * 10.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_and_more_complex_is_worse() {
        let small = index(&[Sample { volume: 50.0, cyclomatic: 2, code_lines: 6 }]).unwrap();
        let large = index(&[Sample { volume: 5_000.0, cyclomatic: 40, code_lines: 200 }]).unwrap();
        assert!(small > 60.0 && large < 30.0, "{small} {large}");
        assert_eq!(index(&[]), None);
    }
}
