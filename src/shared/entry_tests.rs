use super::super::key::SharedKey;
use super::*;
use crate::config::TrustedKey;

fn ring(seed: u8) -> KeyRing {
    KeyRing::new(&SharedKey::new([1; KEY_BYTES], Some([seed; KEY_BYTES])), &[])
}

fn entry(text: &str) -> SharedEntry {
    SharedEntry {
        kind: EntryKind::Answer,
        key: Hash::of(text.as_bytes()),
        schema: 3,
        content: text.repeat(9).into_bytes(),
    }
}

fn wanted(entry: &SharedEntry) -> WantedEntry {
    WantedEntry { kind: entry.kind, key: entry.key, schema: entry.schema }
}

#[test]
fn an_entry_comes_back_with_its_signer() {
    let (ring, entry) = (ring(5), entry("what a model said"));
    let bytes = seal(&ring, &entry).unwrap();
    let taken = open(&ring, &wanted(&entry), &bytes).unwrap();
    assert_eq!((taken.entry, Some(taken.signer)), (entry.clone(), ring.public()));
    let empty = SharedEntry { content: Vec::new(), ..entry };
    assert_eq!(open(&ring, &wanted(&empty), &seal(&ring, &empty).unwrap()).unwrap().entry, empty);
}

#[test]
fn a_changed_byte_anywhere_is_refused() {
    let (ring, entry) = (ring(5), entry("what a model said"));
    let bytes = seal(&ring, &entry).unwrap();
    for at in 0..bytes.len() {
        for flip in [1_u8, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= flip;
            let refused = open(&ring, &wanted(&entry), &changed).unwrap_err();
            let named = verify(&ring, entry.kind, &ring.name(entry.kind, &entry.key), &changed).unwrap_err();
            assert_eq!(refused, named, "byte {at}");
            let expected: &[EntryRefusal] = match at {
                0 => &[EntryRefusal::Version],
                38..46 => &[EntryRefusal::Size, EntryRefusal::Signature],
                46..78 => &[EntryRefusal::UntrustedSigner],
                _ => &[EntryRefusal::Signature],
            };
            assert!(expected.contains(&refused), "byte {at}: {refused:?}");
        }
    }
}

#[test]
fn a_cut_or_grown_entry_is_refused() {
    let (ring, entry) = (ring(5), entry("what a model said"));
    let bytes = seal(&ring, &entry).unwrap();
    for length in 0..bytes.len() {
        assert_eq!(open(&ring, &wanted(&entry), &bytes[..length]).unwrap_err(), EntryRefusal::Size, "{length}");
    }
    let grown = [&bytes[..], b"x"].concat();
    assert_eq!(open(&ring, &wanted(&entry), &grown).unwrap_err(), EntryRefusal::Size);
}

#[test]
fn an_entry_of_another_serves_for_no_other_key() {
    let ring = ring(5);
    let (one, other) = (entry("one"), entry("other"));
    let bytes = seal(&ring, &one).unwrap();
    assert_eq!(open(&ring, &wanted(&other), &bytes).unwrap_err(), EntryRefusal::Key);
    let vector = WantedEntry { kind: EntryKind::Vector, ..wanted(&one) };
    assert_eq!(open(&ring, &vector, &bytes).unwrap_err(), EntryRefusal::Key);
    let newer = WantedEntry { schema: 4, ..wanted(&one) };
    assert_eq!(open(&ring, &newer, &bytes).unwrap_err(), EntryRefusal::Schema);
    let name = ring.name(one.kind, &other.key);
    assert_eq!(verify(&ring, one.kind, &name, &bytes).unwrap_err(), EntryRefusal::Key);
}

#[test]
fn only_a_trusted_signature_counts() {
    let (writer, entry) = (ring(5), entry("one"));
    let bytes = seal(&writer, &entry).unwrap();
    let other = ring(6);
    assert_eq!(open(&other, &wanted(&entry), &bytes).unwrap_err(), EntryRefusal::UntrustedSigner);
    let trusted = TrustedKey { key: writer.public().unwrap().0, label: "ci".to_owned() };
    let reader = KeyRing::new(&SharedKey::new([1; KEY_BYTES], None), &[trusted]);
    assert_eq!(open(&reader, &wanted(&entry), &bytes).unwrap().entry, entry);
    assert_eq!(seal(&reader, &entry), None, "a reader signs nothing");
}

#[test]
fn a_content_that_says_another_size_is_not_unpacked_into_memory() {
    // Signed by a trusted machine all the same: what it says of the size is what is unpacked at most.
    let ring = ring(5);
    let packed = zstd::bulk::compress(&vec![0; 1 << 20], LEVEL).unwrap();
    let mut bytes = vec![ENTRY_VERSION, EntryKind::Answer.tag()];
    bytes.extend(3_u32.to_le_bytes());
    bytes.extend(Hash::of(b"bomb").as_bytes());
    bytes.extend(10_u32.to_le_bytes());
    bytes.extend((packed.len() as u32).to_le_bytes());
    bytes.extend(ring.public().unwrap().0);
    bytes.extend(ring.sign(&message(&bytes, &packed)).unwrap());
    bytes.extend(packed);
    let bomb = WantedEntry { kind: EntryKind::Answer, key: Hash::of(b"bomb"), schema: 3 };
    assert_eq!(open(&ring, &bomb, &bytes).unwrap_err(), EntryRefusal::Content);
}
