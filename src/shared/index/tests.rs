use std::time::Duration;

use super::super::remote::tests::Team;
use super::*;
use crate::shared::health::SharedHealth;

const MODEL: &str = "mini";
const DIMENSIONS: usize = 16;

fn repo(name: &str) -> SharedRepo {
    SharedRepo { name: name.to_owned(), origin: Hash::of(b"root commit") }
}

fn file(path: &str, text: &str) -> SharedFile {
    SharedFile { path: FilePath::new(path), state: Some(Hash::of(text.as_bytes())) }
}

/// A unit vector that is near to those of numbers nearby.
fn vector(number: usize) -> Vec<f32> {
    let angle = number as f32 * 0.01;
    let mut vector = vec![0.0; DIMENSIONS];
    (vector[0], vector[1]) = (angle.cos(), angle.sin());
    vector
}

fn rows(repo: &str, path: &str, numbers: std::ops::Range<usize>) -> Vec<IndexRow> {
    let row = |number: usize| IndexRow {
        id: number.to_string(),
        item: SharedItem {
            repo: repo.to_owned(),
            path: path.to_owned(),
            start_line: number as u32 + 1,
            end_line: number as u32 + 2,
            entity_type: "function".to_owned(),
            entity_name: format!("function_{number}"),
            chunk: std::array::from_fn(|at| (number >> (8 * at.min(7))) as u8),
        },
        vector: vector(number),
    };
    numbers.map(row).collect()
}

/// Files with their rows, as a machine has them now.
type Present<'p> = &'p [(&'p str, &'p str, std::ops::Range<usize>)];

fn give(machine: &mut RemoteResults, name: &str, present: Present<'_>, recheck: bool) -> usize {
    let files = present.iter().map(|(path, text, _)| file(path, text)).collect();
    let plan = machine.plan_index((MODEL, DIMENSIONS), &repo(name), files, recheck).unwrap();
    let Some(mut plan) = plan else { return 0 };
    let changed = std::mem::take(&mut plan.changed);
    let with_rows = changed.into_iter().map(|file| {
        let (path, _, numbers) = present.iter().find(|(path, ..)| FilePath::new(*path) == file.path).unwrap();
        (file, rows(name, path, numbers.clone()))
    });
    let with_rows = with_rows.collect();
    machine.give_index(&mut plan, with_rows).unwrap()
}

fn found(machine: &mut RemoteResults, number: usize, limit: usize) -> Vec<String> {
    let answer = machine.search_index(MODEL, &vector(number), limit).unwrap();
    assert!(answer.is_there && answer.refused.is_empty(), "{answer:?}");
    answer.found.into_iter().map(|found| format!("{}:{}", found.item.path, found.item.entity_name)).collect()
}

fn sent(health: &SharedHealth) -> u64 {
    health.lists + health.gets + health.puts
}

#[test]
fn what_changed_is_replaced_and_what_left_is_removed() {
    let team = Team::new();
    let mut first = team.machine(1);
    let present: Present<'_> = &[("a.rs", "one", 0..3), ("b.rs", "one", 100..103)];
    assert_eq!(give(&mut first, "app", present, false), 6);
    let mut reader = team.machine(2);
    assert_eq!(found(&mut reader, 101, 1), ["b.rs:function_101"]);
    let before = sent(first.health());
    assert_eq!(give(&mut team.machine(1), "app", present, false), 0);
    assert_eq!(sent(team.machine(1).health()), before, "nothing new is no request");
    let present: Present<'_> = &[("a.rs", "two", 50..52)];
    assert_eq!(give(&mut first, "app", present, false), 2);
    assert_eq!(found(&mut reader, 101, 5), ["a.rs:function_51", "a.rs:function_50"]);
    assert_eq!(give(&mut first, "app", &[], false), 0);
    assert!(reader.search_index(MODEL, &vector(1), 5).unwrap().found.is_empty());
    assert_eq!(first.health().rows_given, 8);
}

#[test]
fn what_cannot_be_given_yet_stays_as_it_was() {
    let team = Team::new();
    let mut first = team.machine(1);
    give(&mut first, "app", &[("a.rs", "one", 0..3)], false);
    let pending = vec![SharedFile { path: FilePath::new("a.rs"), state: None }];
    assert!(first.plan_index((MODEL, DIMENSIONS), &repo("app"), pending, false).unwrap().is_none());
    assert_eq!(found(&mut team.machine(2), 1, 1), ["a.rs:function_1"]);
}

#[test]
fn a_machine_that_has_given_nothing_asks_what_is_there() {
    let team = Team::new();
    let present: Present<'_> = &[("a.rs", "one", 0..3), ("b.rs", "one", 100..103)];
    give(&mut team.machine(1), "app", present, false);
    assert_eq!(give(&mut team.machine(2), "app", present, false), 0, "signed by a key that it trusts");
    // Machine 1 does not trust machine 2's.
    let changed: Present<'_> = &[("a.rs", "two", 0..3), ("b.rs", "one", 100..103)];
    assert_eq!(give(&mut team.machine(2), "app", changed, false), 3);
    assert_eq!(give(&mut team.machine(1), "app", changed, true), 3);
    assert_eq!(team.machine(1).survey_index().unwrap().refused.len(), 0);
    // A store that was emptied is filled again.
    team.objects().iter().for_each(|object| team.delete(object));
    assert_eq!(give(&mut team.machine(1), "app", changed, false), 0);
    assert_eq!(give(&mut team.machine(1), "app", changed, true), 6);
}

#[test]
fn clones_of_one_name_are_one_and_others_are_named() {
    let team = Team::new();
    let present: Present<'_> = &[("a.rs", "one", 0..3)];
    give(&mut team.machine(1), "app", present, false);
    give(&mut team.machine(1), "app", present, false);
    give(&mut team.machine(1), "app-copy", present, false);
    let answer = team.machine(1).search_index(MODEL, &vector(1), 1).unwrap();
    assert_eq!(answer.found.len(), 1);
    let one = &answer.found[0];
    let mut names = vec![one.item.repo.clone()];
    names.extend(one.also_in.iter().cloned());
    names.sort();
    assert_eq!(names, ["app", "app-copy"]);
}

#[test]
fn machines_that_write_at_once_lose_nothing() {
    let team = Team::new();
    std::thread::scope(|scope| {
        for writer in 1..=4_u8 {
            let team = &team;
            scope.spawn(move || {
                let (name, start) = (format!("app-{writer}"), usize::from(writer) * 1_000);
                for round in 0..5 {
                    let numbers = start..start + 10 + round;
                    let text = round.to_string();
                    let mut machine = team.machine(1 + writer % 2);
                    assert_eq!(give(&mut machine, &name, &[("a.rs", &text, numbers)], true), 10 + round);
                }
            });
        }
    });
    let survey = team.machine(2).survey_index().unwrap();
    assert_eq!((survey.rows, survey.tables), (4 * 14, 1), "{survey:?}");
}

#[test]
fn a_table_whose_creator_was_killed_is_created_again() {
    let team = Team::new();
    let mut first = team.machine(1);
    let name = first.table_name(MODEL, DIMENSIONS);
    // Rows come before the first version.
    let rows = object_store::path::Path::from(format!("team/v1/index/{name}.lance/data/abandoned.lance"));
    team.memory_put(&rows, vec![1; 100]);
    assert!(!first.search_index(MODEL, &vector(1), 1).unwrap().is_there);
    assert_eq!(first.survey_index().unwrap(), IndexSurvey::default());
    assert_eq!(give(&mut first, "app", &[("a.rs", "one", 0..3)], false), 3);
    assert_eq!(found(&mut first, 1, 1), ["a.rs:function_1"]);
}

#[test]
fn a_row_that_was_tampered_with_is_not_shown_and_is_reported() {
    let team = Team::new();
    let mut first = team.machine(1);
    give(&mut first, "app", &[("a.rs", "one", 0..3)], false);
    let (tables, name) = (first.tables(), first.table_name(MODEL, DIMENSIONS));
    // Someone who may write in the bucket moves a row to where it would be found first.
    team.runtime.block_on(async {
        let dataset = tables.open(&name).await.unwrap().unwrap();
        let mut near = IndexTables::nearest(&dataset, &vector(2), 1).await.unwrap();
        let (mut row, _) = near.remove(0);
        row.vector = vector(500);
        let batch = row::to_batch(&[row], DIMENSIONS).unwrap();
        tables.replace(dataset, &[], Some(batch)).await.unwrap();
    });
    let mut reader = team.machine(2);
    let answer = reader.search_index(MODEL, &vector(500), 2).unwrap();
    assert_eq!(answer.refused, BTreeMap::from([("signature", 1)]));
    assert_eq!(answer.found.len(), 2);
    assert!(answer.found.iter().all(|found| found.score < 0.9), "{answer:?}");
    assert_eq!(reader.health().refused["signature"], 1);
    let survey = reader.survey_index().unwrap();
    assert_eq!((survey.rows, survey.refused), (4, BTreeMap::from([("signature", 1)])));
}

#[test]
fn a_table_of_another_model_is_another() {
    let team = Team::new();
    give(&mut team.machine(1), "app", &[("a.rs", "one", 0..3)], false);
    let answer = team.machine(1).search_index("bge", &vector(1), 5).unwrap();
    assert_eq!((answer.is_there, answer.other_tables, answer.found.len()), (false, 1, 0));
    let answer = team.machine(1).search_index(MODEL, &[1.0, 0.0], 5).unwrap();
    assert!(!answer.is_there, "vectors of another length are of another model");
    assert_eq!(Team::new().machine(1).search_index(MODEL, &vector(1), 5).unwrap(), IndexAnswer::default());
}

#[test]
fn upkeep_merges_what_was_given_and_what_is_near_is_found() {
    let team = Team::new();
    let mut first = team.machine(1);
    let paths: Vec<String> = (0..12).map(|number| format!("{number}.rs")).collect();
    let all: Vec<(&str, &str, std::ops::Range<usize>)> =
        paths.iter().enumerate().map(|(at, path)| (path.as_str(), "one", at * 50..at * 50 + 50)).collect();
    for until in 1..=all.len() {
        give(&mut first, "app", &all[..until], false);
    }
    let before = team.objects().len();
    let from = IndexThresholds { fragment_rows: 1_000, vector_index_rows: 512 };
    let dry = first.maintain_index_from(from, Duration::ZERO, true).unwrap();
    assert_eq!((dry, team.objects().len()), (IndexUpkeep { tables: 1, rows: 600, ..IndexUpkeep::default() }, before));
    let kept = first.maintain_index_from(from, Duration::from_secs(3_600), false).unwrap();
    assert_eq!((kept.fragments_merged, kept.indexes_built, kept.versions_removed), (12, 1, 0), "{kept:?}");
    let done = first.maintain_index_from(from, Duration::ZERO, false).unwrap();
    assert!(done.versions_removed > 10 && done.fragments_merged == 0, "{done:?}");
    assert!(team.objects().len() < before, "{:?}", team.objects());
    // Also what came after the index was built.
    let mut all = all;
    all.push(("new.rs", "one", 700..703));
    give(&mut first, "app", &all, false);
    let mut reader = team.machine(2);
    assert_eq!(found(&mut reader, 701, 1), ["new.rs:function_701"]);
    // The index is a guess among vectors that are as near to each other as these.
    let near = found(&mut reader, 333, 1);
    let number: usize = near[0].rsplit('_').next().unwrap().parse().unwrap();
    assert!(number.abs_diff(333) < 25, "{near:?}");
}
