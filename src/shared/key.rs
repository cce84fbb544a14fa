//! The keys of the shared cache: what signs entries, whose signatures count, and the secret that object names are made with.

use std::fmt;
use std::path::Path;

use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use ring::{digest, hmac};
use serde::{Deserialize, Serialize};

use super::entry::{EntryKind, EntryName};
use crate::config::TrustedKey;
use crate::domain::Hash;
use crate::file;

/// Bytes of a key, of its seed, and of the name secret.
pub const KEY_BYTES: usize = 32;
/// Bytes of a signature.
pub const SIGNATURE_BYTES: usize = 64;

#[derive(Debug, thiserror::Error)]
pub enum SharedKeyError {
    #[error(
        "the shared cache has no key: {path} is missing; `ra-agent shared keygen` makes one on the machine that writes, \
         `ra-agent shared keygen --reader` there prints the one for a machine that reads"
    )]
    Missing { path: String },
    #[error("{path} can be read by others; `chmod 600 {path}`")]
    Open { path: String },
    #[error("{path} cannot be used: {reason}; `ra-agent shared keygen` makes another one once it is moved away")]
    Unusable { path: String, reason: String },
    #[error("the system gives no random bytes, so no key was made")]
    NoRandomness,
}

/// Who signed an entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey(pub [u8; KEY_BYTES]);

impl PublicKey {
    /// From 64 hex digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        Hash::from_hex(text).map(|bytes| Self(*bytes.as_bytes()))
    }

    /// The first 16 hex digits, by which people tell keys apart.
    pub fn fingerprint(&self) -> String {
        self.to_string().chars().take(16).collect()
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What `shared.key` says.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedKey {
    name_secret: [u8; KEY_BYTES],
    /// `None`: this machine only reads.
    seed: Option<[u8; KEY_BYTES]>,
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedKey").field("signs", &self.seed.is_some()).finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFileText {
    name_secret: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_key: Option<String>,
}

impl SharedKey {
    pub const fn new(name_secret: [u8; KEY_BYTES], seed: Option<[u8; KEY_BYTES]>) -> Self {
        Self { name_secret, seed }
    }

    /// A new secret, and a new key that signs.
    ///
    /// # Errors
    /// If the system gives no random bytes.
    pub fn generate() -> Result<Self, SharedKeyError> {
        Ok(Self { name_secret: random()?, seed: Some(random()?) })
    }

    /// The same names, another key that signs.
    ///
    /// # Errors
    /// As [`SharedKey::generate`].
    pub fn rotated(&self) -> Result<Self, SharedKeyError> {
        Ok(Self { name_secret: self.name_secret, seed: Some(random()?) })
    }

    /// What a machine needs that only reads.
    pub const fn for_reader(&self) -> Self {
        Self { name_secret: self.name_secret, seed: None }
    }

    /// The key that others have to trust; `None`: this one signs nothing.
    pub fn public(&self) -> Option<PublicKey> {
        let pair = self.pair()?;
        pair.public_key().as_ref().try_into().ok().map(PublicKey)
    }

    fn pair(&self) -> Option<Ed25519KeyPair> {
        Ed25519KeyPair::from_seed_unchecked(&self.seed?).ok()
    }

    /// The file as it is written.
    pub fn text(&self) -> String {
        let secret = PublicKey(self.name_secret).to_string();
        let mut text = format!(
            "# ra-agent: the key of the shared cache. The name secret keeps object names from saying what they hold.\nname_secret = \"{secret}\"\n"
        );
        if let (Some(seed), Some(public)) = (self.seed, self.public()) {
            text += &format!(
                "# Signs what this machine shares; it never leaves it. Its public key is {public}.\nsigning_key = \"{}\"\n",
                PublicKey(seed)
            );
        }
        text
    }

    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let read: KeyFileText = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        let bytes = |name: &str, hex: &str| {
            let key = PublicKey::from_hex(hex).ok_or_else(|| format!("{name} is not 64 hex digits"))?;
            Ok::<_, String>(key.0)
        };
        let seed = read.signing_key.map(|hex| bytes("signing_key", &hex)).transpose()?;
        Ok(Self { name_secret: bytes("name_secret", &read.name_secret)?, seed })
    }

    /// Reads `shared.key`.
    ///
    /// # Errors
    /// If it is missing, can be read by others, or is not such a file.
    pub fn load(path: &Path) -> Result<Self, SharedKeyError> {
        use std::os::unix::fs::PermissionsExt;
        let shown = path.display().to_string();
        let unusable = |reason: String| SharedKeyError::Unusable { path: shown.clone(), reason };
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(SharedKeyError::Missing { path: shown });
            }
            Err(error) => return Err(unusable(error.to_string())),
        };
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(SharedKeyError::Open { path: shown });
        }
        let text = std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
        Self::parse(&text).map_err(unusable)
    }

    /// Writes `shared.key`, readable by its owner alone.
    ///
    /// # Errors
    /// If it cannot be written; an earlier one is then untouched.
    pub fn save(&self, path: &Path) -> Result<(), SharedKeyError> {
        file::replace_entry(path, self.text().as_bytes(), 0o600)
            .map_err(|error| SharedKeyError::Unusable { path: path.display().to_string(), reason: error.to_string() })
    }
}

fn random() -> Result<[u8; KEY_BYTES], SharedKeyError> {
    let mut bytes = [0; KEY_BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| SharedKeyError::NoRandomness)?;
    Ok(bytes)
}

/// Everything that names, signs and checks.
pub struct KeyRing {
    names: hmac::Key,
    pair: Option<Ed25519KeyPair>,
    public: Option<PublicKey>,
    trusted: Vec<TrustedKey>,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("public", &self.public).field("trusted", &self.trusted).finish_non_exhaustive()
    }
}

impl KeyRing {
    pub fn new(key: &SharedKey, trusted: &[TrustedKey]) -> Self {
        Self {
            names: hmac::Key::new(hmac::HMAC_SHA256, &key.name_secret),
            pair: key.pair(),
            public: key.public(),
            trusted: trusted.to_vec(),
        }
    }

    /// The key that this machine signs with.
    pub const fn public(&self) -> Option<PublicKey> {
        self.public
    }

    /// What an entry is found by. It says nothing about the entry to those who lack the secret.
    pub fn name(&self, kind: EntryKind, key: &Hash) -> EntryName {
        let mut context = hmac::Context::with_key(&self.names);
        context.update(b"entry");
        context.update(&[kind.tag()]);
        context.update(key.as_bytes());
        EntryName::first_of(context.sign().as_ref())
    }

    /// The name of a pack, which follows from its content alone: who writes the same pack twice writes the same object.
    pub fn pack_name(&self, content: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.names);
        context.update(b"pack");
        context.update(digest::digest(&digest::SHA256, content).as_ref());
        EntryName::first_of(context.sign().as_ref()).to_string()
    }

    /// What the shared index has for this purpose: names that say nothing, and the key that its rows are encrypted with.
    pub(super) fn derived(&self, purpose: &str, of: &Hash) -> [u8; KEY_BYTES] {
        let mut context = hmac::Context::with_key(&self.names);
        context.update(b"index");
        context.update(Hash::of_fields([purpose.as_bytes(), of.as_bytes()]).as_bytes());
        let tag = context.sign();
        std::array::from_fn(|at| tag.as_ref().get(at).copied().unwrap_or_default())
    }

    /// `None`: this machine only reads.
    pub(super) fn sign(&self, message: &[u8]) -> Option<[u8; SIGNATURE_BYTES]> {
        self.pair.as_ref()?.sign(message).as_ref().try_into().ok()
    }

    pub(super) fn trusts(&self, signer: &PublicKey) -> bool {
        self.public.as_ref() == Some(signer) || self.trusted.iter().any(|trusted| trusted.key == signer.0)
    }

    pub(super) fn verifies(signer: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
        signer.verifies(message, signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_comes_back_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("shared.key");
        assert!(matches!(SharedKey::load(&path), Err(SharedKeyError::Missing { .. })));
        let key = SharedKey::generate().unwrap();
        key.save(&path).unwrap();
        assert_eq!(SharedKey::load(&path).unwrap(), key);
        let reader = key.for_reader();
        assert_eq!(SharedKey::parse(&reader.text()).unwrap(), reader);
        assert_eq!(reader.public(), None);
        assert!(!reader.text().contains("signing_key"));
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
        assert!(matches!(SharedKey::load(&path), Err(SharedKeyError::Open { .. })));
    }

    #[test]
    fn what_is_no_key_file_says_why() {
        for (text, why) in [
            ("name_secret = \"00\"", "name_secret is not 64 hex digits"),
            ("signing_key = \"00\"", "name_secret"),
            ("name_secret = 3", "invalid type"),
        ] {
            let error = SharedKey::parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        let debug = format!("{:?}", SharedKey::new([7; KEY_BYTES], Some([9; KEY_BYTES])));
        assert_eq!(debug, "SharedKey { signs: true, .. }", "no secret is logged");
    }

    #[test]
    fn names_depend_on_the_secret_the_kind_and_the_key() {
        let ring = |secret: u8| KeyRing::new(&SharedKey::new([secret; KEY_BYTES], None), &[]);
        let (one, other) = (ring(1), ring(2));
        let name = one.name(EntryKind::Answer, &Hash::of(b"a"));
        assert_eq!(name, ring(1).name(EntryKind::Answer, &Hash::of(b"a")));
        assert_ne!(name, other.name(EntryKind::Answer, &Hash::of(b"a")));
        assert_ne!(name, one.name(EntryKind::Vector, &Hash::of(b"a")));
        assert_ne!(name, one.name(EntryKind::Answer, &Hash::of(b"b")));
        assert_ne!(one.pack_name(b"x"), other.pack_name(b"x"));
    }

    #[test]
    fn a_rotated_key_signs_otherwise_and_names_alike() {
        let key = SharedKey::generate().unwrap();
        let rotated = key.rotated().unwrap();
        assert_ne!(key.public(), rotated.public());
        let name = |key: &SharedKey| KeyRing::new(key, &[]).name(EntryKind::Answer, &Hash::of(b"a"));
        assert_eq!(name(&key), name(&rotated));
    }
}
