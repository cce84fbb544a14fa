//! Inputs that are almost well formed.

use super::fuzz::Target;
use super::random::Random;

/// Longest input in bytes: more only takes longer.
const LONGEST: usize = 4_096;

/// Makes inputs from examples.
pub struct Mutator<'a> {
    random: &'a mut Random,
    target: &'a Target,
}

impl<'a> Mutator<'a> {
    pub fn new(target: &'a Target, random: &'a mut Random) -> Self {
        Self { random, target }
    }

    /// An example, changed in one to eight places.
    pub fn next(&mut self) -> Vec<u8> {
        let example = self.random.one_of(self.target.examples).as_bytes();
        // a window of a long one
        let from = if example.len() > LONGEST { self.at(example.len() - LONGEST) } else { 0 };
        let mut bytes = example[from..].iter().copied().take(LONGEST).collect::<Vec<u8>>();
        for _ in 0..=self.random.below(8) {
            self.change(&mut bytes);
        }
        bytes.truncate(LONGEST);
        bytes
    }

    fn at(&mut self, length: usize) -> usize {
        self.random.below(length as u64 + 1) as usize
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let (start, other) = (self.at(bytes.len()), self.at(bytes.len()));
        let end = other.min(start + 64).max(start);
        match self.random.below(8) {
            0 => bytes.truncate(start),
            1 => drop(bytes.drain(start..end)),
            2 | 3 => {
                let word = self.random.one_of(self.target.words).as_bytes();
                drop(bytes.splice(start..start, word.iter().copied()));
            }
            4 => {
                let word = self.random.one_of(self.target.words).repeat(1 + self.random.below(200) as usize);
                drop(bytes.splice(start..end, word.into_bytes()));
            }
            5 => {
                let piece = bytes[start..end].to_vec();
                drop(bytes.splice(other..other, piece));
            }
            6 => {
                let noise: Vec<u8> = (0..=self.random.below(4)).map(|_| self.random.below(256) as u8).collect();
                drop(bytes.splice(start..start, noise));
            }
            _ => {
                if let Some(byte) = bytes.get_mut(start) {
                    *byte ^= 1 << self.random.below(8);
                }
            }
        }
    }
}
