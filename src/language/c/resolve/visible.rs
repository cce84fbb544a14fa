//! Which files a file sees: what it includes, and what that includes. A header sees more where it is included: what its includers include
//! before it.

use rustc_hash::{FxHashMap, FxHashSet};

use super::view::{CFileNo, CView};

/// Includers whose other includes count for a header. Of a header that hundreds include, a few say what stands before it.
const INCLUDERS_MAX: usize = 24;

/// Files that give a header its context, all together.
const CONTEXT_MAX: usize = 64;

/// Headers between a header and the source that gives it its context.
const CONTEXT_DEPTH: u32 = 4;

/// Files that are seen, each with the place at which its text ends when all is put together.
#[derive(Default)]
pub(super) struct Visible {
    order: FxHashMap<CFileNo, u32>,
}

impl Visible {
    /// What a file sees by itself.
    pub(super) fn of(view: &CView, file: CFileNo) -> Self {
        let mut visible = Self::default();
        visible.add(view, file);
        visible
    }

    pub(super) fn sees(&self, file: CFileNo) -> bool {
        self.order.contains_key(&file)
    }

    pub(super) fn order(&self, file: CFileNo) -> u32 {
        self.order.get(&file).copied().unwrap_or_default()
    }

    pub(super) fn files(&self) -> impl Iterator<Item = CFileNo> + '_ {
        self.order.keys().copied()
    }

    /// Adds a file and all that it includes, what is included first.
    fn add(&mut self, view: &CView, file: CFileNo) {
        let mut entered: FxHashSet<CFileNo> = FxHashSet::default();
        let mut stack: Vec<(CFileNo, usize)> = Vec::new();
        if !self.sees(file) && entered.insert(file) {
            stack.push((file, 0));
        }
        while let Some((file, at)) = stack.last_mut() {
            let next = view.file(*file).and_then(|entry| entry.includes().nth(*at));
            *at += 1;
            match next {
                Some(included) => {
                    if !self.sees(included) && entered.insert(included) {
                        stack.push((included, 0));
                    }
                }
                None => {
                    let number = self.order.len() as u32;
                    self.order.entry(*file).or_insert(number);
                    stack.pop();
                }
            }
        }
    }

    /// What stands before a header where it is included; nothing of what it sees by itself. `None`: nothing includes it.
    pub(super) fn context_of(view: &CView, file: CFileNo, own: &Self) -> Option<Self> {
        let mut context = Self::default();
        let mut entered: FxHashSet<CFileNo> = FxHashSet::default();
        entered.insert(file);
        let mut level = vec![file];
        for _ in 0..CONTEXT_DEPTH {
            let mut next = Vec::new();
            for header in level {
                for includer in sorted_includers(view, header) {
                    let Some(entry) = view.file(includer).filter(|_| entered.len() < CONTEXT_MAX) else { continue };
                    for before in entry.includes().take_while(|&included| included != header) {
                        context.add(view, before);
                    }
                    // What a source says itself before the include counts as well: macros for the header to use.
                    let number = context.order.len() as u32;
                    context.order.entry(includer).or_insert(number);
                    if entered.insert(includer) {
                        next.push(includer);
                    }
                }
            }
            level = next;
        }
        context.order.retain(|file, _| !own.sees(*file));
        (!context.order.is_empty()).then_some(context)
    }
}

/// The includers that count, in an order that depends on their paths alone.
fn sorted_includers(view: &CView, file: CFileNo) -> Vec<CFileNo> {
    let mut all = view.includers.get(file as usize).cloned().unwrap_or_default();
    all.sort_by(|one, other| view.files[*one as usize].path.cmp(&view.files[*other as usize].path));
    all.truncate(INCLUDERS_MAX);
    all
}

/// The files that may see what a file says: those that include it, however far, and the headers to which those give a context.
pub(super) fn seers(view: &CView, file: CFileNo) -> FxHashSet<CFileNo> {
    let mut seers: FxHashSet<CFileNo> = FxHashSet::default();
    let mut todo = vec![file];
    while let Some(file) = todo.pop() {
        if seers.insert(file) {
            todo.extend(view.includers.get(file as usize).into_iter().flatten());
        }
    }
    let mut todo: Vec<CFileNo> = seers.iter().copied().collect();
    while let Some(file) = todo.pop() {
        let includes: Vec<CFileNo> = view.file(file).map(|entry| entry.includes().collect()).unwrap_or_default();
        todo.extend(includes.into_iter().filter(|&included| seers.insert(included)));
    }
    seers
}
