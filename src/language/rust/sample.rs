//! A sample of everything that an outline of Rust speaks of.

use std::fmt;

/// What was read.
#[derive(Debug, Clone)]
pub struct Config<'a> {
    pub name: &'a str,
    retries: u32,
}

impl<'a> Config<'a> {
    pub const LIMIT: usize = 3;

    /// Reads it.
    pub fn read(text: &'a str, mut depth: u32) -> Result<Self, Error> {
        if depth > 3 {
            return Err(Error::Deep { line: depth });
        }
        depth += 1;
        match text {
            "" => Err(Error::Missing),
            name => Ok(Self { name, retries: depth }),
        }
    }
}

pub enum Error {
    Missing,
    Deep { line: u32 },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("error")
    }
}

pub trait Read {
    fn all(&self) -> Vec<u8>;
}

macro_rules! twice {
    ($e:expr) => {
        $e + $e
    };
}

pub mod inner {
    pub(crate) async fn wait() {}
}

#[cfg(test)]
mod tests {
    #[test]
    fn twice_is_more() {
        assert_eq!(twice!(1), 2);
    }
}
