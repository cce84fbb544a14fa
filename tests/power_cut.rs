//! The promise: whenever the power goes, the ledger that is found afterwards is at least at what was really sent, and spending goes on from
//! there.

use std::path::{Path, PathBuf};

use ra_agent::budget::{
    self, Call, CallPurpose, Charge, Grant, Reservation, SpendingLimits, StoredCost, Usage, accept, reserve, settle,
    settle_dead, take_up,
};
use ra_agent::clock::Timestamp;
use ra_agent::domain::{AnalysisType, FilePath, Hash, RepoId};
use ra_agent::store::{Database, open_writer, write};
use rusqlite::Connection;

use crate::support::power_cut::Machine;
use crate::support::{Random, number_from_environment};

/// In the middle of a month.
const NOW: Timestamp = Timestamp(1_795_000_000_000);
const WORST: u64 = 1_000;
const CALLS: u64 = 12;
/// Refuses the last of the calls.
const LIMITS: SpendingLimits = SpendingLimits { monthly: 7_000, daily: None };

/// What the world knows, whatever the machine forgets.
#[derive(Default)]
struct World {
    billed: u64,
    /// What the analyses say that they cost; they are in another database.
    stored: Vec<(Hash, StoredCost)>,
}

/// A home with a ledger in use, on the real disk.
fn home() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open_writer(&dir.path().join("agent.db"), Database::Agent).unwrap();
    take_up(&mut db, &dir.path().join("ledger.seal")).unwrap();
    accept(&db).unwrap();
    dir
}

fn copy_of(template: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in ["agent.db", "ledger.seal"] {
        std::fs::copy(template.join(name), dir.path().join(name)).unwrap();
    }
    dir
}

/// Two programs that share the ledger, as the daemon and its worker do.
struct Programs<'m> {
    machine: &'m Machine,
    database: PathBuf,
    synchronous: &'static str,
    running: Vec<Connection>,
}

impl Programs<'_> {
    /// Ends them, if they run, and starts them again.
    fn start(&mut self) -> budget::BudgetResult<()> {
        self.running.clear();
        for _ in 0..2 {
            let db = open_writer(&self.machine.uri(&self.database), Database::Agent)?;
            db.execute_batch(&format!("PRAGMA synchronous = {}", self.synchronous))?;
            self.running.push(db);
        }
        Ok(())
    }

    fn one_of(&mut self, random: &mut Random) -> &mut Connection {
        &mut self.running[random.below(2) as usize]
    }

    /// Calls until one fails for want of power, or for good: reserve, send, store, settle, with checkpoints and restarts in between.
    fn work(&mut self, world: &mut World, random: &mut Random) -> budget::BudgetResult<()> {
        self.start()?;
        let mut in_flight: Vec<(Call, Reservation)> = Vec::new();
        for name in 0..CALLS {
            let call = call(name);
            match reserve(self.one_of(random), &LIMITS, &call, WORST, NOW)? {
                Grant::Reserved(reservation) => in_flight.push((call, reservation)),
                Grant::Refused(_) => {}
                Grant::InFlight => panic!("every key is another"),
            }
            while in_flight.len() > random.below(3) as usize {
                let (call, reservation) = in_flight.swap_remove(random.below(in_flight.len() as u64) as usize);
                finish(self.one_of(random), world, &call, &reservation, random)?;
            }
            match random.below(8) {
                0 => self.one_of(random).execute_batch("PRAGMA wal_checkpoint(PASSIVE)")?,
                1 => self.one_of(random).execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?,
                2 => self.start()?,
                _ => {}
            }
        }
        Ok(())
    }
}

fn call(name: u64) -> Call {
    Call {
        repo: RepoId("r".to_owned()),
        cache_key: Hash::of(&name.to_le_bytes()),
        path: FilePath::from("src/lib.rs"),
        purpose: CallPurpose::Answer(AnalysisType::Docs),
        model_id: "m".to_owned(),
        commit: None,
    }
}

/// The request leaves, and the provider bills it; then the reply may be lost, or be stored and settled.
fn finish(
    db: &mut Connection,
    world: &mut World,
    call: &Call,
    reservation: &Reservation,
    random: &mut Random,
) -> budget::BudgetResult<()> {
    let cost = random.below(WORST + 1);
    world.billed += cost;
    let charge = if random.below(4) == 0 {
        Charge::Unreported { reason: "the connection was reset".to_owned() }
    } else {
        world.stored.push((call.cache_key, StoredCost { cost, stored_at: NOW }));
        Charge::Reported { usage: Usage { input: 1, output: 1, ..Usage::default() }, cost }
    };
    let tx = write(db)?;
    settle(&tx, reservation, &charge, NOW)?;
    Ok(tx.commit().map_err(ra_agent::store::StoreError::from)?)
}

/// What a run left.
struct Found {
    billed: u64,
    spent: u64,
    /// Operations that changed the disk.
    operations: u64,
}

/// Works until the power goes at an operation, then starts again on what the disk has kept.
fn run(
    template: &Path,
    power_for: u64,
    synchronous: &'static str,
    seed: u64,
    survives: &mut impl FnMut() -> bool,
) -> Found {
    let home = copy_of(template);
    let database = home.path().join("agent.db");
    let machine = Machine::with_power_for(power_for);
    let mut world = World::default();
    let mut programs = Programs { machine: &machine, database: database.clone(), synchronous, running: Vec::new() };
    let outcome = programs.work(&mut world, &mut Random::seeded(seed));
    let running = programs.running;
    let operations = machine.operations();
    assert_eq!(outcome.is_ok(), operations <= power_for, "{outcome:?} after {operations} operations");
    machine.cut(running, survives);
    let spent = spent_after_a_restart(home.path(), &world);
    Found { billed: world.billed, spent, operations }
}

/// What the ledger says once what was in flight is settled.
fn spent_after_a_restart(home: &Path, world: &World) -> u64 {
    let mut db = open_writer(&home.join("agent.db"), Database::Agent).unwrap();
    let check: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    // the power stays on from here
    db.execute_batch("PRAGMA synchronous = OFF").unwrap();
    take_up(&mut db, &home.join("ledger.seal")).unwrap();
    let stored = |_: &RepoId, key: &Hash| world.stored.iter().find(|(of, _)| of == key).map(|(_, cost)| *cost);
    settle_dead(&mut db, stored, NOW).unwrap();
    let report = budget::report(&db, &LIMITS, NOW).unwrap();
    assert_eq!((report.month.reserved, report.stopped), (0, None));
    assert!(report.month.spent <= LIMITS.monthly, "{}", report.month.spent);
    report.month.spent
}

#[test]
fn f53_a_power_cut_never_leaves_the_ledger_below_what_was_sent() {
    let template = home();
    let template = template.path();
    let mut random = Random::from_environment();
    for _ in 0..number_from_environment("RA_AGENT_CUTS").unwrap_or(1) {
        let seed = random.below(u64::MAX);
        let whole = run(template, u64::MAX, "FULL", seed, &mut || false);
        assert!(whole.billed > WORST && whole.operations > 100, "{} {}", whole.billed, whole.operations);
        for power_for in 0..whole.operations {
            // all that was not synced is lost; or each sector of it, as chance has it; or none
            let chance = random.below(4);
            let mut survives = || random.below(3) < chance;
            let Found { billed, spent, .. } = run(template, power_for, "FULL", seed, &mut survives);
            assert!(spent >= billed, "seed {seed}, power for {power_for}, chance {chance}: {spent} for {billed}");
        }
    }
}

/// The same disk shows that it forgets: without a sync at every commit some cut loses what was sent.
#[test]
fn f53_without_a_sync_a_power_cut_would_lose_what_was_sent() {
    let template = home();
    let template = template.path();
    let whole = run(template, u64::MAX, "NORMAL", 1, &mut || false);
    let lost = |power_for| {
        let found = run(template, power_for, "NORMAL", 1, &mut || false);
        found.spent < found.billed
    };
    assert!((0..whole.operations).any(lost));
}
