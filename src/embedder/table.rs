//! Provisional vectors: a static table that is distilled from a model once, one vector for each token of its vocabulary. The vector of a
//! text is their weighted sum, which takes a fifteenth of the model's time and ranks a little worse (`tests/bench/README.md`). It stands
//! in until the model's own vectors are made.
//!
//! As Model2Vec does it (Tulkens and van Dongen, 2024): each token goes through the model by itself; the mean of all and the direction
//! that all have in common are taken out; rare tokens count more (SIF: Arora, Liang and Ma, ICLR 2017), by the place in the
//! vocabulary, which is ordered by frequency (Zipf).

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::encoder::{EmbedError, Vector, normalized};
use crate::file;

/// Name of the file in the model's directory.
pub const TABLE: &str = "provisional.table";

const MAGIC: &[u8; 16] = b"ra-agent-table-1";
const DIGEST_BYTES: usize = 32;
/// Weight of rare tokens against frequent ones, as in the paper.
const SIF: f64 = 1e-4;
/// Rounds in which the common direction is found; it is far ahead of the second.
const ROUNDS: usize = 30;

#[derive(Debug, thiserror::Error)]
#[error("the table for provisional vectors in {path} cannot be written: {source}; check the space on its disk")]
pub struct TableError {
    path: PathBuf,
    source: std::io::Error,
}

/// How a cosine of the table's vectors is put on the scale of the model's: both have the same mean and spread then, over the same pairs of
/// texts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CosineScale {
    pub slope: f32,
    pub offset: f32,
}

impl CosineScale {
    pub const SAME: Self = Self { slope: 1.0, offset: 0.0 };

    /// From cosines of the same pairs, by the table and by the model.
    pub fn between(pairs: &[(f32, f32)]) -> Self {
        let count = pairs.len().max(1) as f32;
        let moments = |of: fn(&(f32, f32)) -> f32| {
            let mean = pairs.iter().map(of).sum::<f32>() / count;
            let variance = pairs.iter().map(|pair| (of(pair) - mean).powi(2)).sum::<f32>() / count;
            (mean, variance.sqrt())
        };
        let ((mean, spread), (model_mean, model_spread)) = (moments(|pair| pair.0), moments(|pair| pair.1));
        if spread <= f32::EPSILON {
            return Self::SAME;
        }
        let slope = model_spread / spread;
        Self { slope, offset: model_mean - slope * mean }
    }

    pub fn apply(&self, cosine: f32) -> f32 {
        cosine * self.slope + self.offset
    }
}

/// One vector for each token.
#[derive(Clone, Debug, PartialEq)]
pub struct StaticTable {
    pub scale: CosineScale,
    /// What a row's components are multiplied by.
    units: Vec<f32>,
    /// As many for each token as a vector has dimensions.
    components: Vec<i8>,
}

impl StaticTable {
    /// Makes it of the model's vectors for the tokens, in the order of the vocabulary.
    pub fn distil(mut vectors: Vec<Vector>) -> Self {
        subtract_mean(&mut vectors);
        let common = common_direction(&vectors);
        for vector in &mut vectors {
            let along = dot(vector, &common);
            vector.iter_mut().zip(&common).for_each(|(value, direction)| *value -= along * direction);
        }
        let harmonic: f64 = (2..vectors.len() + 2).map(|rank| 1.0 / rank as f64).sum();
        let (mut units, mut components) = (Vec::new(), Vec::new());
        for (index, vector) in vectors.iter().enumerate() {
            let probability = 1.0 / ((index + 2) as f64 * harmonic);
            let weight = (SIF / (SIF + probability)) as f32;
            let greatest = vector.iter().fold(f32::MIN_POSITIVE, |most, value| most.max(value.abs()));
            units.push(weight * greatest / f32::from(i8::MAX));
            components.extend(vector.iter().map(|value| (value / greatest * f32::from(i8::MAX)).round() as i8));
        }
        Self { scale: CosineScale::SAME, units, components }
    }

    /// Length of its vectors.
    pub fn dimensions(&self) -> usize {
        self.components.len().checked_div(self.units.len()).unwrap_or_default()
    }

    /// The vector of a text with these tokens. Without any token that counts it is all the same, so that it is near to nothing.
    ///
    /// # Errors
    /// None that is known: a sum of finite numbers is finite.
    pub fn vector(&self, tokens: &[u32]) -> Result<Vector, EmbedError> {
        let mut sum = vec![0.0_f32; self.dimensions()];
        for token in tokens.iter().map(|token| *token as usize) {
            let (Some(unit), Some(row)) = (self.units.get(token), self.row(token)) else { continue };
            sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += unit * f32::from(*value));
        }
        if sum.iter().all(|value| *value == 0.0) {
            sum.fill(1.0);
        }
        normalized(sum)
    }

    fn row(&self, token: usize) -> Option<&[i8]> {
        let dimensions = self.dimensions();
        self.components.get(token * dimensions..(token + 1) * dimensions)
    }

    /// Reads it from the model's directory; `None` if there is none, or it is damaged.
    pub fn read(dir: &Path) -> Option<Self> {
        let bytes = std::fs::read(dir.join(TABLE)).ok()?;
        let (content, digest) = bytes.split_at_checked(bytes.len().checked_sub(DIGEST_BYTES)?)?;
        let rest = content.strip_prefix(MAGIC)?;
        if Sha256::digest(content).as_slice() != digest {
            return None;
        }
        let (head, rest) = rest.split_at_checked(12)?;
        let number = |at: usize| head.get(at..at + 4)?.try_into().ok();
        let tokens = u32::from_le_bytes(number(0)?) as usize;
        let scale = CosineScale { slope: f32::from_le_bytes(number(4)?), offset: f32::from_le_bytes(number(8)?) };
        let (units, components) = rest.split_at_checked(tokens * 4)?;
        let units: Vec<f32> =
            units.chunks_exact(4).filter_map(|unit| Some(f32::from_le_bytes(unit.try_into().ok()?))).collect();
        let components: Vec<i8> = components.iter().map(|byte| byte.cast_signed()).collect();
        (tokens > 0 && components.len().is_multiple_of(tokens)).then_some(Self { scale, units, components })
    }

    /// Writes it into the model's directory, as a whole or not at all.
    ///
    /// # Errors
    /// If the disk is full or the directory is not there.
    pub fn write(&self, dir: &Path) -> Result<(), TableError> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend((self.units.len() as u32).to_le_bytes());
        bytes.extend(self.scale.slope.to_le_bytes());
        bytes.extend(self.scale.offset.to_le_bytes());
        bytes.extend(self.units.iter().flat_map(|unit| unit.to_le_bytes()));
        bytes.extend(self.components.iter().map(|component| component.cast_unsigned()));
        let digest = Sha256::digest(&bytes);
        bytes.extend_from_slice(&digest);
        let path = dir.join(TABLE);
        file::replace(&path, &bytes, 0o600).map_err(|source| TableError { path, source })
    }
}

fn subtract_mean(vectors: &mut [Vector]) {
    let mut mean = vec![0.0_f32; vectors.first().map_or(0, Vec::len)];
    for vector in vectors.iter() {
        mean.iter_mut().zip(vector).for_each(|(mean, value)| *mean += value);
    }
    let count = vectors.len().max(1) as f32;
    for vector in vectors {
        vector.iter_mut().zip(&mean).for_each(|(value, mean)| *value -= mean / count);
    }
}

/// The first principal component, by power iteration. All zeros if the vectors have none.
fn common_direction(vectors: &[Vector]) -> Vector {
    let dimensions = vectors.first().map_or(0, Vec::len);
    let mut direction: Vector = (0..dimensions).map(|index| 1.0 + index as f32 / dimensions as f32).collect();
    for _ in 0..ROUNDS {
        let mut next = vec![0.0_f32; dimensions];
        for vector in vectors {
            let along = dot(vector, &direction);
            next.iter_mut().zip(vector).for_each(|(next, value)| *next += along * value);
        }
        direction = match normalized(next) {
            Ok(direction) => direction,
            Err(_) => return vec![0.0; dimensions],
        };
    }
    direction
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors that point anywhere, with a part that all have in common; the same in every run.
    fn vectors(count: usize) -> Vec<Vector> {
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
        };
        let one = |_| {
            let common = next() * 20.0;
            (0..384).map(|at| next() + 3.0 + if at % 2 == 0 { common } else { 0.0 }).collect()
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn what_all_tokens_have_in_common_is_taken_out() {
        let raw = vectors(200);
        let table = StaticTable::distil(raw.clone());
        let mean_cosine = |vectors: &[Vector]| {
            let mut sum = 0.0;
            for (a, b) in vectors.iter().zip(&vectors[1..]) {
                sum += (dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()).abs();
            }
            sum / (vectors.len() - 1) as f32
        };
        let distilled: Vec<Vector> = (0..200).map(|token| table.vector(&[token]).unwrap()).collect();
        assert!(mean_cosine(&raw) > 0.5 && mean_cosine(&distilled) < 0.1, "{}", mean_cosine(&distilled));
    }

    #[test]
    fn rare_tokens_count_more_and_order_does_not() {
        let table = StaticTable::distil(vectors(500));
        let both = table.vector(&[3, 450]).unwrap();
        let near = |token| dot(&both, &table.vector(&[token]).unwrap());
        assert!(near(450) > near(3));
        assert_eq!(table.vector(&[450, 3]).unwrap(), both);
        for odd in [&[][..], &[9_999], &[u32::MAX]] {
            let vector = table.vector(odd).unwrap();
            assert!((dot(&vector, &vector) - 1.0).abs() < 1e-5, "of unit length whatever the text");
        }
    }

    #[test]
    fn a_table_is_read_as_it_was_written_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(StaticTable::read(dir.path()), None);
        let table = StaticTable { scale: CosineScale { slope: 0.5, offset: 0.25 }, ..StaticTable::distil(vectors(20)) };
        table.write(dir.path()).unwrap();
        assert_eq!(StaticTable::read(dir.path()), Some(table));
        let path = dir.path().join(TABLE);
        let whole = std::fs::read(&path).unwrap();
        for length in [0, 5, 30, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(StaticTable::read(dir.path()), None, "cut to {length} bytes");
        }
        let mut other = whole;
        other[100] ^= 1;
        std::fs::write(&path, other).unwrap();
        assert_eq!(StaticTable::read(dir.path()), None, "one bit is another");
    }

    #[test]
    fn a_scale_gives_both_kinds_the_same_mean_and_spread() {
        let pairs: Vec<(f32, f32)> = (0..50).map(|n| (n as f32 / 50.0, 0.6 + n as f32 / 500.0)).collect();
        let scale = CosineScale::between(&pairs);
        for (table, model) in pairs {
            assert!((scale.apply(table) - model).abs() < 1e-4);
        }
        assert_eq!(CosineScale::between(&[(0.5, 0.1), (0.5, 0.9)]), CosineScale::SAME);
    }
}
