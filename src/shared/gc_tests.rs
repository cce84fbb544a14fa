use super::super::remote::tests::{Team, answers, got, wanted};
use super::super::{ResultStore, SharedEntry};
use super::*;

/// As if the grace period had passed since everything was written.
const PASSED: Duration = Duration::ZERO;
const HOUR: Duration = Duration::from_secs(3_600);

fn pack(name: u8, is_old: bool, entries: &[u8]) -> CollectedPack {
    let entries: HashSet<EntryName> = entries.iter().map(|entry| EntryName([*entry; 16])).collect();
    let name = PackName { kind: EntryKind::Answer, hex: format!("{name:02x}").repeat(16) };
    CollectedPack { name, is_old, entries: entries.clone(), all: entries }
}

#[test]
fn a_pack_goes_only_if_each_entry_stays_elsewhere() {
    let going = |packs: &[CollectedPack]| superfluous(packs).0;
    assert_eq!(going(&[pack(1, true, &[1, 2]), pack(2, true, &[1, 2, 3])]), [0]);
    assert_eq!(going(&[pack(1, true, &[1, 4]), pack(2, true, &[1, 2, 3])]), [0; 0]);
    assert_eq!(going(&[pack(1, true, &[1, 2]), pack(2, false, &[1, 2, 3])]), [0; 0], "what keeps it is too new");
    assert_eq!(going(&[pack(1, false, &[1]), pack(2, true, &[1, 2])]), [0; 0], "it is too new itself");
    assert_eq!(going(&[pack(1, true, &[1, 2]), pack(2, true, &[1, 2])]), [0], "of two equals one stays");
    assert_eq!(going(&[pack(1, true, &[1, 2]), pack(2, true, &[1, 3, 4]), pack(3, true, &[2, 3, 4])]), [0]);
    assert_eq!(going(&[pack(1, true, &[]), pack(2, false, &[])]), [0], "what holds nothing");
}

#[test]
fn no_choice_of_packs_loses_an_entry() {
    let mut state = 7_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for _ in 0..2_000 {
        let packs: Vec<CollectedPack> = (0..random(7) as u8)
            .map(|name| {
                let entries: Vec<u8> = (0..random(6)).map(|_| random(8) as u8).collect();
                pack(name, random(4) > 0, &entries)
            })
            .collect();
        let (going, _) = superfluous(&packs);
        let all: HashSet<&EntryName> = packs.iter().flat_map(|pack| &pack.all).collect();
        let stays = packs.iter().enumerate().filter(|(at, _)| !going.contains(at));
        let kept: HashSet<&EntryName> = stays.flat_map(|(_, pack)| &pack.all).collect();
        assert_eq!(kept, all, "{packs:?}");
        // Nor do two machines that each remove what the other left.
        let left: Vec<CollectedPack> =
            packs.iter().enumerate().filter(|(at, _)| !going.contains(at)).map(|(_, pack)| pack.clone()).collect();
        assert!(superfluous(&left).0.is_empty(), "once is enough: {packs:?}");
    }
}

#[test]
fn small_packs_are_merged_and_go_after_the_grace_period() {
    let team = Team::new();
    for at in 0..10 {
        team.machine(1).share(&answers(at * 3..at * 3 + 3)).unwrap();
    }
    let entries: Vec<SharedEntry> = answers(0..30);
    let mut reader = team.machine(2);
    reader.refresh().unwrap();
    let mut collector = team.machine(1);
    let planned = collector.collect_garbage(HOUR, true).unwrap();
    assert_eq!((planned.packs, planned.deleted, planned.merged, team.objects().len()), (10, 0, 10, 10));
    let first = collector.collect_garbage(HOUR, false).unwrap();
    assert_eq!((first.deleted, first.merged, team.objects().len()), (0, 10, 11));
    let again = collector.collect_garbage(HOUR, false).unwrap();
    assert_eq!((again.deleted, again.merged, team.objects().len()), (0, 0, 11), "they are merged once");
    let passed = collector.collect_garbage(PASSED, false).unwrap();
    assert_eq!((passed.deleted, passed.merged, team.objects().len()), (10, 0, 1));
    // One that knows the old indexes finds everything, as does a new one.
    assert_eq!(got(&mut reader, &entries), entries);
    assert_eq!(got(&mut team.machine(3), &entries), entries);
    assert_eq!(collector.lacks(&wanted(&entries)).unwrap(), []);
}

#[test]
fn a_damaged_pack_keeps_none_from_staying() {
    let team = Team::new();
    let entries = answers(0..3);
    team.machine(1).share(&entries).unwrap();
    let good = team.objects();
    team.machine(1).share(&answers(0..4)).unwrap();
    let larger = team.objects().into_iter().find(|path| !good.contains(path)).unwrap();
    // Its index says that it has all of them still.
    team.tamper(&larger, |bytes| {
        let end = bytes.len();
        bytes[150..end].fill(7);
    });
    let mut collector = team.machine(1);
    collector.collect_garbage(PASSED, false).unwrap();
    assert!(team.objects().contains(&good[0]));
    assert_eq!(got(&mut team.machine(2), &entries), entries);
}

#[test]
fn what_is_no_pack_goes_once_it_is_old() {
    let team = Team::new();
    team.machine(1).share(&answers(0..3)).unwrap();
    let path = team.objects().remove(0);
    team.tamper(&path, |bytes| bytes.truncate(5));
    let mut collector = team.machine(1);
    assert_eq!(collector.collect_garbage(HOUR, false).unwrap().deleted, 0);
    assert_eq!(collector.collect_garbage(PASSED, false).unwrap().deleted, 1);
    assert!(team.objects().is_empty());
}

#[test]
fn collectors_readers_and_writers_at_once_lose_nothing() {
    let team = Team::new();
    let machines: Vec<RemoteResults> = (0..4).map(|_| team.machine(1)).collect();
    std::thread::scope(|scope| {
        for (number, mut machine) in (0_u32..).zip(machines) {
            scope.spawn(move || {
                for round in 0..12 {
                    match number {
                        0 | 1 => drop(machine.share(&answers(round * 4..round * 4 + 6)).unwrap()),
                        _ => drop(machine.collect_garbage(PASSED, false)),
                    }
                }
            });
        }
    });
    let entries = answers(0..50);
    assert_eq!(got(&mut team.machine(2), &entries), entries);
}

#[test]
fn readers_and_writers_go_on_while_others_collect() {
    let team = Team::new();
    let (mut one, mut other) = (team.machine(1), team.machine(1));
    let (mut collector, mut second, mut reader) = (team.machine(1), team.machine(1), team.machine(2));
    std::thread::scope(|scope| {
        for (writer, from, to) in [(&mut one, 0, 8), (&mut other, 2, 9)] {
            scope.spawn(move || {
                for at in 0..24 {
                    writer.share(&answers(at * 5 + from..at * 5 + to)).unwrap();
                }
            });
        }
        for collector in [&mut collector, &mut second] {
            scope.spawn(move || (0..30).for_each(|_| drop(collector.collect_garbage(PASSED, false))));
        }
        scope.spawn(|| {
            for _ in 0..30 {
                let found = got(&mut reader, &answers(0..130));
                assert!(found.iter().all(|one| answers(0..130).contains(one)));
            }
        });
    });
    let (all, mut last) = (answers(0..124), team.machine(3));
    assert_eq!(got(&mut last, &all), all, "whoever collected, nothing is lost");
    let survey = last.survey().unwrap();
    assert!(survey.damaged.is_empty() && survey.refused.is_empty(), "{survey:?}");
}
