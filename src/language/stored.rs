//! Outlines in the form in which they are stored: some twentieth of what they take when they are unpacked. Of the files of a view most are
//! not looked at for a change, so they are kept like this.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

use zstd::bulk::{Compressor, Decompressor};

use super::Outline;
use crate::tally::{self, Deed};

/// zstd level: written and read on every commit, so speed counts.
const COMPRESSION_LEVEL: i32 = 3;
/// Bytes that an outline may unpack to: what is larger is damaged.
const UNPACKED_MAX: u64 = 1 << 30;

/// An outline in its stored form. One that says nothing takes no bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredOutline(Option<Arc<[u8]>>);

impl StoredOutline {
    /// As it was read from a store.
    pub fn from_stored(bytes: Vec<u8>) -> Self {
        Self(Some(bytes.into()))
    }

    /// Its bytes; `None`: it says nothing.
    pub fn bytes(&self) -> Option<&[u8]> {
        self.0.as_deref()
    }

    /// How many bytes that are.
    pub fn size(&self) -> usize {
        self.bytes().map_or(0, <[u8]>::len)
    }

    pub fn is_silent(&self) -> bool {
        self.0.is_none()
    }

    /// Unpacks it; `None`, so that it is made again, if it is another version's or damaged.
    pub fn unpack(&self) -> Option<Outline> {
        let Some(packed) = &self.0 else { return Some(Outline::default()) };
        tally::add(Deed::Outline, 1);
        Outline::from_bytes(&unpacked(packed)?)
    }

    /// The same; one that cannot be unpacked says nothing.
    pub fn unpack_or_silence(&self) -> Outline {
        self.unpack().unwrap_or_default()
    }

    /// Whether both say and ask the same, be it on other lines.
    pub fn is_same_but_for_lines(&self, other: &Self) -> bool {
        self == other || self.unpack_or_silence().is_same_but_for_lines(&other.unpack_or_silence())
    }
}

impl From<&Outline> for StoredOutline {
    fn from(outline: &Outline) -> Self {
        if *outline == Outline::default() { Self(None) } else { Self(Some(packed(&outline.to_bytes()).into())) }
    }
}

impl From<&Arc<Outline>> for StoredOutline {
    fn from(outline: &Arc<Outline>) -> Self {
        Self::from(outline.as_ref())
    }
}

impl From<&Self> for StoredOutline {
    fn from(stored: &Self) -> Self {
        stored.clone()
    }
}

/// An outline that is unpacked when it is first looked at.
#[derive(Clone, Debug, Default)]
pub struct LazyOutline {
    stored: StoredOutline,
    unpacked: OnceLock<Arc<Outline>>,
}

impl LazyOutline {
    pub fn new(stored: StoredOutline) -> Self {
        Self { stored, unpacked: OnceLock::new() }
    }

    /// One that is at hand.
    pub fn of(outline: &Arc<Outline>) -> Self {
        Self { stored: outline.into(), unpacked: OnceLock::from(Arc::clone(outline)) }
    }

    pub fn stored(&self) -> &StoredOutline {
        &self.stored
    }

    pub fn get(&self) -> &Arc<Outline> {
        self.unpacked.get_or_init(|| Arc::new(self.stored.unpack_or_silence()))
    }

    pub fn is_unpacked(&self) -> bool {
        self.unpacked.get().is_some()
    }

    /// Gives back what unpacking took.
    pub fn pack(&mut self) {
        self.unpacked.take();
    }
}

impl Outline {
    /// What is compressed to be stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        // An outline holds no map with odd keys and no sequence of unknown length, the only things that postcard refuses.
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// Inverse of [`Outline::to_bytes`]; `None` if the bytes are another version's or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let outline: Self = postcard::from_bytes(bytes).ok()?;
        // The symbols of a file without scopes, a manifest say, are none that source could name.
        let defined = if outline.model.scopes.is_empty() { 0 } else { outline.symbols.len() };
        let are_sound = outline.facts.as_ref().is_none_or(|facts| facts.is_sound(outline.symbols.len()));
        (are_sound && outline.model.is_sound(defined)).then_some(outline)
    }
}

thread_local! {
    /// Setting one up costs more than packing a small outline.
    static PACKER: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Compresses bytes. zstd fails only for want of memory; then there are none, which is as if they were damaged.
pub(crate) fn packed(bytes: &[u8]) -> Vec<u8> {
    PACKER.with_borrow_mut(|packer| {
        if packer.is_none() {
            *packer = Compressor::new(COMPRESSION_LEVEL).ok();
        }
        packer.as_mut().and_then(|packer| packer.compress(bytes).ok()).unwrap_or_default()
    })
}

/// Inverse of [`packed`]; `None` if the bytes are damaged.
pub(crate) fn unpacked(packed: &[u8]) -> Option<Vec<u8>> {
    let size = zstd::zstd_safe::get_frame_content_size(packed).ok()??;
    if size > UNPACKED_MAX {
        return None;
    }
    UNPACKER.with_borrow_mut(|unpacker| {
        if unpacker.is_none() {
            *unpacker = Decompressor::new().ok();
        }
        unpacker.as_mut()?.decompress(packed, usize::try_from(size).ok()?).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Language;
    use crate::language::Parsed;

    fn outline(text: &str) -> Outline {
        let parsed = Parsed::new(Language::RUST, text);
        (Language::RUST.spec().outline)(&parsed).0
    }

    #[test]
    fn an_outline_survives_its_stored_form_and_damage_is_no_panic() {
        let said = outline("pub struct S { a: u8 }\nimpl S { fn f(&self) -> u8 { self.a } }\n");
        let stored = StoredOutline::from(&said);
        assert_eq!(stored.unpack().as_ref(), Some(&said));
        assert_eq!(StoredOutline::from_stored(stored.bytes().unwrap().to_vec()), stored);
        let silent = StoredOutline::from(&Outline::default());
        assert!(silent.is_silent() && silent.unpack() == Some(Outline::default()));
        for at in 0..stored.size() {
            let mut bytes = stored.bytes().unwrap().to_vec();
            bytes[at] ^= 0x55;
            StoredOutline::from_stored(bytes).unpack_or_silence();
            StoredOutline::from_stored(stored.bytes().unwrap()[..at].to_vec()).unpack_or_silence();
        }
        let mut lazy = LazyOutline::new(stored);
        assert!(!lazy.is_unpacked() && **lazy.get() == said && lazy.is_unpacked());
        lazy.pack();
        assert!(!lazy.is_unpacked());
    }
}
