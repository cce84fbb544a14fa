use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use tokio::runtime::Runtime;

use super::super::asked_rest::AskedRest;
use super::super::key::SharedKey;
use super::*;
use crate::config::TrustedKey;
use crate::domain::Hash;

/// A store in memory, and machines that use it.
pub(in crate::shared) struct Team {
    pub runtime: Runtime,
    pub memory: Arc<InMemory>,
    dir: tempfile::TempDir,
}

impl Team {
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Self { runtime, memory: Arc::new(InMemory::new()), dir: tempfile::tempdir().unwrap() }
    }

    /// A machine with a key of its own that trusts machine 1; a new process each time.
    pub fn machine(&self, seed: u8) -> RemoteResults {
        let key = |seed| SharedKey::new([9; 32], Some([seed; 32]));
        let trusted = TrustedKey { key: key(1).public().unwrap().0, label: "first".to_owned() };
        let place = SharedPlace {
            objects: self.memory.clone(),
            prefix: ObjectPath::from("team"),
            root: None,
            asked: AskedRest::default(),
        };
        let dir = self.dir.path().join(seed.to_string());
        std::fs::create_dir_all(&dir).unwrap();
        let ring = KeyRing::new(&key(seed), &[trusted]);
        RemoteResults::with(place, ring, &dir, true, self.runtime.handle().clone())
    }

    pub fn objects(&self) -> Vec<ObjectPath> {
        let listed = self.runtime.block_on(self.memory.list(None).collect::<Vec<_>>());
        let mut paths: Vec<ObjectPath> = listed.into_iter().map(|object| object.unwrap().location).collect();
        paths.sort();
        paths
    }

    /// Changes an object as one may who can write in the bucket.
    pub fn tamper(&self, path: &ObjectPath, change: impl FnOnce(&mut Vec<u8>)) {
        self.runtime.block_on(async {
            let mut bytes = self.memory.get(path).await.unwrap().bytes().await.unwrap().to_vec();
            change(&mut bytes);
            self.memory.put(path, PutPayload::from(bytes)).await.unwrap();
        });
    }

    /// Puts an object where there may be none.
    pub fn memory_put(&self, path: &ObjectPath, bytes: Vec<u8>) {
        self.runtime.block_on(self.memory.put(path, PutPayload::from(bytes))).unwrap();
    }

    pub fn delete(&self, path: &ObjectPath) {
        self.runtime.block_on(self.memory.delete(path)).unwrap();
    }
}

pub(in crate::shared) fn entry(kind: EntryKind, number: u32) -> SharedEntry {
    let content = format!("content {number} ").repeat(20).into_bytes();
    SharedEntry { kind, key: Hash::of(&number.to_le_bytes()), schema: 1, content }
}

pub(in crate::shared) fn answers(numbers: std::ops::Range<u32>) -> Vec<SharedEntry> {
    numbers.map(|number| entry(EntryKind::Answer, number)).collect()
}

pub(in crate::shared) fn wanted(entries: &[SharedEntry]) -> Vec<WantedEntry> {
    entries.iter().map(|one| WantedEntry { kind: one.kind, key: one.key, schema: one.schema }).collect()
}

/// What a machine gets, in the order in which it was asked for.
pub(in crate::shared) fn got(machine: &mut RemoteResults, entries: &[SharedEntry]) -> Vec<SharedEntry> {
    let taken = machine.get_many(&wanted(entries)).unwrap();
    let by_key: HashMap<Hash, SharedEntry> = taken.into_iter().map(|one| (one.entry.key, one.entry)).collect();
    entries.iter().filter_map(|one| by_key.get(&one.key).cloned()).collect()
}

#[test]
fn what_one_machine_shares_another_takes_in_few_requests() {
    let team = Team::new();
    let entries = answers(0..3_000);
    let mut writer = team.machine(1);
    assert_eq!(writer.share(&entries).unwrap(), 3_000);
    let mut reader = team.machine(2);
    assert_eq!(got(&mut reader, &entries), entries);
    let health = reader.health();
    assert!(health.lists == 1 && health.gets <= 4, "{health:?}");
    let taken = reader.get_many(&wanted(&entries[..1])).unwrap();
    assert_eq!(Some(taken[0].signer), writer.ring().public());
    // A new process knows the indexes; what is known to be there is not listed again.
    let mut reader = team.machine(2);
    let (lists, gets) = (reader.health().lists, reader.health().gets);
    assert_eq!(got(&mut reader, &entries[5..6]), entries[5..6]);
    assert_eq!((reader.health().lists - lists, reader.health().gets - gets), (0, 1));
}

#[test]
fn what_is_there_is_not_written_again_and_equal_packs_are_one() {
    let team = Team::new();
    let entries = answers(0..10);
    team.machine(1).share(&entries).unwrap();
    team.machine(1).share(&entries).unwrap();
    assert_eq!(team.objects().len(), 1);
    let mut other = team.machine(2);
    assert_eq!(other.lacks(&wanted(&answers(8..12))).unwrap(), wanted(&answers(10..12)));
}

#[test]
fn a_machine_that_reads_writes_nothing() {
    let team = Team::new();
    let mut reader = team.machine(1);
    reader.may_write = false;
    assert!(matches!(reader.share(&answers(0..1)), Err(SharedError::ReadOnly)));
    assert!(team.objects().is_empty());
}

#[test]
fn an_entry_of_a_stranger_is_reported_and_not_used() {
    let team = Team::new();
    let entries = answers(0..3);
    team.machine(3).share(&entries).unwrap();
    let mut reader = team.machine(2);
    assert_eq!(got(&mut reader, &entries), []);
    assert_eq!(reader.health().refused["untrusted signer"], 3);
    let gets = reader.health().gets;
    assert_eq!(got(&mut reader, &entries), []);
    assert_eq!(reader.health().gets, gets, "it is not fetched again by this process");
    // The same from one that is trusted.
    team.machine(1).share(&entries).unwrap();
    let mut reader = team.machine(2);
    assert_eq!(got(&mut reader, &entries), entries, "a bad entry does not hide a good one");
}

#[test]
fn damage_anywhere_costs_no_more_than_what_is_damaged() {
    let team = Team::new();
    let entries = answers(0..40);
    team.machine(1).share(&entries).unwrap();
    let path = team.objects().remove(0);
    let mut whole = Vec::new();
    team.tamper(&path, |bytes| whole = bytes.clone());
    for seed in 0..60_u64 {
        let at = usize::try_from(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) % whole.len() as u64).unwrap();
        team.tamper(&path, |bytes| {
            *bytes = whole.clone();
            match seed % 3 {
                0 => bytes[at] ^= 0x10,
                1 => bytes.truncate(at),
                _ => drop(bytes.splice(at..at, [0; 7])),
            }
        });
        let dir = tempfile::tempdir().unwrap();
        let place = SharedPlace {
            objects: team.memory.clone(),
            prefix: ObjectPath::from("team"),
            root: None,
            asked: AskedRest::default(),
        };
        let ring = KeyRing::new(&SharedKey::new([9; 32], Some([1; 32])), &[]);
        let mut reader = RemoteResults::with(place, ring, dir.path(), false, team.runtime.handle().clone());
        let found = got(&mut reader, &entries);
        assert!(found.iter().all(|one| entries.contains(one)), "nothing wrong is used: {seed} at {at}");
        let survey = reader.survey().unwrap();
        assert_eq!(survey.damaged.len(), 1, "{seed} at {at}: {survey:?}");
        let known = found.len() as u32;
        assert!(known < 40 || survey.refused.is_empty(), "{seed} at {at}");
    }
}

#[test]
fn a_pack_that_is_gone_is_looked_for_elsewhere() {
    let team = Team::new();
    let entries = answers(0..5);
    team.machine(1).share(&entries).unwrap();
    let mut reader = team.machine(2);
    reader.refresh().unwrap();
    let old = team.objects();
    team.machine(1).share(&answers(0..6)).unwrap();
    team.delete(&old[0]);
    assert_eq!(got(&mut reader, &entries), entries, "its index was known, and the pack had gone");
    let rest = team.objects();
    team.delete(&rest[0]);
    assert_eq!(got(&mut reader, &entries), []);
    assert_eq!(reader.health().problem, None, "an object that is gone is no outage");
}

#[test]
fn two_machines_write_at_once_and_lose_nothing() {
    let team = Team::new();
    let (mut one, mut other) = (team.machine(1), team.machine(1));
    std::thread::scope(|scope| {
        scope.spawn(|| (0..10).all(|at| one.share(&answers(at * 10..at * 10 + 15)).unwrap() == 15));
        scope.spawn(|| (0..10).all(|at| other.share(&answers(at * 10 + 5..at * 10 + 20)).unwrap() == 15));
    });
    let entries = answers(0..110);
    assert_eq!(got(&mut team.machine(2), &entries), entries);
}

#[test]
fn a_store_that_hangs_is_given_up_and_then_left_alone() {
    let team = Team::new();
    let wait = object_store::throttle::ThrottleConfig {
        wait_list_per_call: Duration::from_secs(30),
        ..object_store::throttle::ThrottleConfig::default()
    };
    let hanging: Arc<dyn ObjectStore> = Arc::new(object_store::throttle::ThrottledStore::new(InMemory::new(), wait));
    let dir = tempfile::tempdir().unwrap();
    let place =
        SharedPlace { objects: hanging, prefix: ObjectPath::default(), root: None, asked: AskedRest::default() };
    let ring = KeyRing::new(&SharedKey::new([9; 32], Some([1; 32])), &[]);
    let mut reader = RemoteResults::with(place, ring, dir.path(), false, team.runtime.handle().clone());
    let entries = answers(0..2);
    assert!(matches!(reader.get_many(&wanted(&entries)), Err(SharedError::Outage(_))));
    let sent = reader.health().lists;
    assert!(reader.health().problem.as_ref().unwrap().contains("slow"), "{:?}", reader.health());
    assert!(matches!(reader.get_many(&wanted(&entries)), Err(SharedError::Resting(_))));
    assert_eq!(reader.health().lists, sent, "it is not asked again");
    reader.wake();
    assert!(matches!(reader.get_many(&wanted(&entries)), Err(SharedError::Outage(_))));
}

#[test]
fn objects_under_each_others_names_give_nothing_wrong() {
    let team = Team::new();
    let (one, other) = (answers(0..5), answers(5..10));
    team.machine(1).share(&one).unwrap();
    team.machine(1).share(&other).unwrap();
    let mut knows_them = team.machine(2);
    knows_them.refresh().unwrap();
    let packs = team.objects();
    let mut bytes = Vec::new();
    packs.iter().for_each(|pack| team.tamper(pack, |content| bytes.push(content.clone())));
    team.tamper(&packs[0], |content| *content = bytes[1].clone());
    team.tamper(&packs[1], |content| *content = bytes[0].clone());
    let all = answers(0..10);
    for reader in [&mut knows_them, &mut team.machine(3)] {
        let found = got(reader, &all);
        assert!(found.iter().all(|entry| all.contains(entry)), "{found:?}");
    }
    assert_eq!(team.machine(3).survey().unwrap().damaged.len(), 2);
    // An old object that comes back is what it was: its entries are of their keys for ever.
    team.delete(&packs[0]);
    team.delete(&packs[1]);
    team.machine(1).share(&all).unwrap();
    team.memory_put(&packs[0], bytes[0].clone());
    assert_eq!(got(&mut team.machine(4), &all), all);
}

#[test]
fn what_is_not_read_in_time_does_not_count_as_lacking() {
    let team = Team::new();
    for at in 0..3 {
        team.machine(1).share(&answers(at * 5..at * 5 + 5)).unwrap();
    }
    let wait = object_store::throttle::ThrottleConfig {
        wait_get_per_call: Duration::from_millis(20),
        ..object_store::throttle::ThrottleConfig::default()
    };
    let memory: Arc<dyn ObjectStore> = team.memory.clone();
    let slow: Arc<dyn ObjectStore> = Arc::new(object_store::throttle::ThrottledStore::new(memory, wait));
    let dir = tempfile::tempdir().unwrap();
    let place =
        SharedPlace { objects: slow, prefix: ObjectPath::from("team"), root: None, asked: AskedRest::default() };
    let ring = KeyRing::new(&SharedKey::new([9; 32], Some([1; 32])), &[]);
    let mut writer = RemoteResults::with(place, ring, dir.path(), true, team.runtime.handle().clone());
    assert_eq!(writer.refresh_until(clock::monotonic()).unwrap(), 0, "the list has come, and no index in time");
    assert_eq!((writer.is_whole, writer.unknown(&wanted(&answers(0..15))).len()), (false, 15));
    assert_eq!(writer.lacks(&wanted(&answers(0..16))).unwrap(), wanted(&answers(15..16)));
    assert!(writer.is_whole);
}

#[test]
fn a_mount_point_without_its_mount_is_an_outage() {
    let team = Team::new();
    let (top, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (root, away) = (top.path().join("shared"), top.path().join("away"));
    std::fs::create_dir(&root).unwrap();
    let local = object_store::local::LocalFileSystem::new_with_prefix(&root).unwrap();
    let objects: Arc<dyn ObjectStore> = Arc::new(local);
    let machine = || {
        let (objects, root) = (objects.clone(), Some(root.clone()));
        let place = SharedPlace { objects, prefix: ObjectPath::default(), root, asked: AskedRest::default() };
        let ring = KeyRing::new(&SharedKey::new([9; 32], Some([1; 32])), &[]);
        RemoteResults::with(place, ring, state.path(), true, team.runtime.handle().clone())
    };
    let rest = || {
        let health = std::fs::read(state.path().join("health.json")).unwrap();
        serde_json::from_slice::<serde_json::Value>(&health).unwrap()["rest_millis"].as_i64().unwrap()
    };
    let (entries, new) = (answers(0..5), answers(5..7));
    assert_eq!(machine().share(&entries).unwrap(), 5);
    std::fs::rename(&root, &away).unwrap();
    std::fs::create_dir(&root).unwrap();
    let mut one = machine();
    assert_eq!(got(&mut one, &entries), []);
    let mut rests = vec![rest()];
    for _ in 0..3 {
        one.wake();
        assert!(matches!(one.lacks(&wanted(&new)), Err(SharedError::Outage(_))));
        rests.push(rest());
    }
    assert!(one.health().problem.as_ref().unwrap().contains("mount what it is on"), "{:?}", one.health());
    assert!(rests.windows(2).all(|two| two[1] == 2 * two[0]), "it is left alone for longer each time: {rests:?}");
    assert_eq!(std::fs::read_dir(&root).unwrap().count(), 0, "nothing is written below it");
    // Mounted again, it is as it was.
    std::fs::remove_dir(&root).unwrap();
    std::fs::rename(&away, &root).unwrap();
    one.wake();
    assert_eq!(got(&mut one, &entries), entries);
    assert_eq!(one.lacks(&wanted(&entries)).unwrap(), []);
    // A person who emptied it says so.
    std::fs::remove_dir_all(root.join("v1")).unwrap();
    let mut one = machine();
    assert!(one.refresh().is_err());
    one.wake();
    one.accept_empty();
    assert_eq!(one.lacks(&wanted(&entries)).unwrap(), wanted(&entries));
    assert_eq!(one.share(&entries).unwrap(), 5);
    assert_eq!(got(&mut machine(), &entries), entries);
}
