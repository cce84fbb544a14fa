//! One shared result as bytes: what it is, who signed it, and its packed content. Pure.
//!
//! ```text
//! 0   version (1)      2   schema (4)     38  bytes of the content (4)     46  signer (32)
//! 1   kind (1)         6   key (32)       42  bytes of it, packed (4)      78  signature (64)     142  content, zstd
//! ```
//! The signature covers everything else. Numbers are little-endian.

use std::fmt;

use super::key::{KEY_BYTES, KeyRing, PublicKey, SIGNATURE_BYTES};
use crate::domain::Hash;

/// Version of this layout.
const ENTRY_VERSION: u8 = 1;
/// What a signature is about, so that it serves for nothing else.
const DOMAIN: &[u8] = b"ra-agent shared entry\0";
const SIGNER_AT: usize = 46;
const SIGNATURE_AT: usize = SIGNER_AT + KEY_BYTES;
const CONTENT_AT: usize = SIGNATURE_AT + SIGNATURE_BYTES;
/// Most bytes of a content: an answer has some thousand.
pub const LARGEST_CONTENT: usize = 8 * 1024 * 1024;
/// zstd level: as stored analyses are packed.
const LEVEL: i32 = 9;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntryKind {
    /// What a model answered about a file; it was paid for.
    Answer,
    /// The vector of a chunk.
    Vector,
    /// What the local analyzer says of a file.
    Analysis,
}

impl EntryKind {
    pub const ALL: [Self; 3] = [Self::Answer, Self::Vector, Self::Analysis];

    pub const fn tag(self) -> u8 {
        match self {
            Self::Answer => 1,
            Self::Vector => 2,
            Self::Analysis => 3,
        }
    }

    /// The directory of its packs.
    pub const fn directory(self) -> &'static str {
        match self {
            Self::Answer => "answers",
            Self::Vector => "vectors",
            Self::Analysis => "analyses",
        }
    }
}

/// A keyed hash that an entry is found by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryName(pub [u8; EntryName::BYTES]);

impl EntryName {
    pub const BYTES: usize = 16;

    /// From 32 hex digits.
    pub(super) fn parse(hex: &str) -> Option<Self> {
        let digits: Vec<u8> = hex.chars().filter_map(|digit| digit.to_digit(16)?.try_into().ok()).collect();
        let (pairs, rest) = digits.as_chunks::<2>();
        let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
        if hex.len() != digits.len() || !rest.is_empty() {
            return None;
        }
        bytes.try_into().ok().map(Self)
    }

    /// The beginning of a longer hash.
    pub(super) fn first_of(hash: &[u8]) -> Self {
        Self(std::array::from_fn(|at| hash.get(at).copied().unwrap_or_default()))
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What a machine looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WantedEntry {
    pub kind: EntryKind,
    pub key: Hash,
    /// Version of the content's form that this program reads.
    pub schema: u32,
}

/// A result that is shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedEntry {
    pub kind: EntryKind,
    pub key: Hash,
    pub schema: u32,
    pub content: Vec<u8>,
}

/// An entry that was found, checked and unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenEntry {
    pub entry: SharedEntry,
    pub signer: PublicKey,
}

/// Why an entry is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntryRefusal {
    /// It is shorter or longer than it says.
    Size,
    /// Another version of the layout.
    Version,
    /// Its signer is not trusted here.
    UntrustedSigner,
    Signature,
    /// Another kind, or another key than its name says.
    Key,
    Schema,
    /// Its content cannot be unpacked.
    Content,
}

impl EntryRefusal {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Version => "version",
            Self::UntrustedSigner => "untrusted signer",
            Self::Signature => "signature",
            Self::Key => "key",
            Self::Schema => "schema",
            Self::Content => "content",
        }
    }
}

/// Packs and signs an entry. `None`: this machine has no key that signs, or the content is too large.
pub fn seal(ring: &KeyRing, entry: &SharedEntry) -> Option<Vec<u8>> {
    let signer = ring.public()?;
    if entry.content.len() > LARGEST_CONTENT {
        return None;
    }
    let packed = zstd::bulk::compress(&entry.content, LEVEL).ok()?;
    let mut bytes = Vec::with_capacity(CONTENT_AT + packed.len());
    bytes.extend([ENTRY_VERSION, entry.kind.tag()]);
    bytes.extend(entry.schema.to_le_bytes());
    bytes.extend(entry.key.as_bytes());
    bytes.extend(u32::try_from(entry.content.len()).ok()?.to_le_bytes());
    bytes.extend(u32::try_from(packed.len()).ok()?.to_le_bytes());
    bytes.extend(signer.0);
    let signature = ring.sign(&message(&bytes, &packed))?;
    bytes.extend(signature);
    bytes.extend(packed);
    Some(bytes)
}

fn message(head: &[u8], packed: &[u8]) -> Vec<u8> {
    [DOMAIN, head, packed].concat()
}

/// The parts of an entry, none of them believed.
struct ReadEntry<'b> {
    bytes: &'b [u8],
    kind: u8,
    schema: u32,
    key: Hash,
    content_bytes: usize,
    signer: PublicKey,
}

fn read(bytes: &[u8]) -> Result<ReadEntry<'_>, EntryRefusal> {
    let part = |at: usize, length: usize| bytes.get(at..at + length).ok_or(EntryRefusal::Size);
    let number = |at: usize| -> Result<u32, EntryRefusal> {
        Ok(u32::from_le_bytes(part(at, 4)?.try_into().map_err(|_| EntryRefusal::Size)?))
    };
    if *part(0, 1)?.first().ok_or(EntryRefusal::Size)? != ENTRY_VERSION {
        return Err(EntryRefusal::Version);
    }
    part(SIGNATURE_AT, SIGNATURE_BYTES)?;
    let (content_bytes, packed_bytes) = (number(38)? as usize, number(42)? as usize);
    if bytes.len() != CONTENT_AT + packed_bytes || content_bytes > LARGEST_CONTENT {
        return Err(EntryRefusal::Size);
    }
    let signer = part(SIGNER_AT, KEY_BYTES)?.try_into().map_err(|_| EntryRefusal::Size)?;
    Ok(ReadEntry {
        bytes,
        kind: bytes[1],
        schema: number(2)?,
        key: Hash::from_bytes(part(6, 32)?).ok_or(EntryRefusal::Size)?,
        content_bytes,
        signer: PublicKey(signer),
    })
}

impl ReadEntry<'_> {
    /// Checks who signed it, and that the signature is about these bytes.
    fn check_signature(&self, ring: &KeyRing) -> Result<(), EntryRefusal> {
        if !ring.trusts(&self.signer) {
            return Err(EntryRefusal::UntrustedSigner);
        }
        let message = message(&self.bytes[..SIGNATURE_AT], &self.bytes[CONTENT_AT..]);
        let signature = &self.bytes[SIGNATURE_AT..CONTENT_AT];
        if KeyRing::verifies(&self.signer, &message, signature) { Ok(()) } else { Err(EntryRefusal::Signature) }
    }

    fn content(&self) -> Result<Vec<u8>, EntryRefusal> {
        let content = zstd::bulk::decompress(&self.bytes[CONTENT_AT..], self.content_bytes);
        content.ok().filter(|content| content.len() == self.content_bytes).ok_or(EntryRefusal::Content)
    }
}

/// Checks and unpacks an entry that was found under the name of what is wanted.
///
/// # Errors
/// Why it is not used; the signature is checked before its content is touched.
pub fn open(ring: &KeyRing, wanted: &WantedEntry, bytes: &[u8]) -> Result<TakenEntry, EntryRefusal> {
    let read = read(bytes)?;
    read.check_signature(ring)?;
    if read.kind != wanted.kind.tag() || read.key != wanted.key {
        return Err(EntryRefusal::Key);
    }
    if read.schema != wanted.schema {
        return Err(EntryRefusal::Schema);
    }
    let entry = SharedEntry { kind: wanted.kind, key: read.key, schema: read.schema, content: read.content()? };
    Ok(TakenEntry { entry, signer: read.signer })
}

/// Checks an entry of a pack against the name that the pack has it under. Returns who signed it.
///
/// # Errors
/// Why no machine with this trust uses it.
pub fn verify(ring: &KeyRing, kind: EntryKind, name: &EntryName, bytes: &[u8]) -> Result<PublicKey, EntryRefusal> {
    let read = read(bytes)?;
    read.check_signature(ring)?;
    if read.kind != kind.tag() || ring.name(kind, &read.key) != *name {
        return Err(EntryRefusal::Key);
    }
    read.content()?;
    Ok(read.signer)
}

#[cfg(test)]
#[path = "entry_tests.rs"]
mod tests;
