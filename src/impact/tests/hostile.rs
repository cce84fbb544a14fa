//! Sources that would send a careless reader in circles. Each view has two plain files as well, whose one edge must be found.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::*;

/// When a resolution counts as hanging.
const HANGS_AFTER: Duration = Duration::from_secs(120);
const STACK_BYTES: usize = 2 << 20;
const PLAIN: [(&str, &str); 2] =
    [("src/plain.rs", "pub fn plain() {}"), ("src/user.rs", "fn user() { crate::plain::plain() }")];
const PLAIN_EDGE: &str = "src/plain.rs <- src/user.rs: plain";

/// Resolves these files and the plain ones and returns the edges.
#[track_caller]
fn edges_of(files: &[(&str, &str)]) -> Vec<String> {
    let (root, text) = files[0];
    let root = (root, format!("{text} mod plain; mod user;"));
    let files: Vec<(&str, &str)> =
        [(root.0, root.1.as_str())].into_iter().chain(files[1..].iter().copied()).chain(PLAIN).collect();
    let texts = Texts::new(&files);
    in_time(move || texts.edges())
}

/// Does the work on a small stack and returns its result; it has to end.
#[track_caller]
fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, result) = channel();
    let work = move || drop(sender.send(work()));
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work).unwrap();
    match result.recv_timeout(HANGS_AFTER) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => panic!("it goes in circles"),
        Err(RecvTimeoutError::Disconnected) => panic!("it panicked"),
    }
}

#[track_caller]
fn ends(files: &[(&str, &str)]) {
    let edges = edges_of(files);
    assert!(edges.iter().any(|edge| edge == PLAIN_EDGE), "{edges:#?}");
}

#[test]
fn circles_end() {
    ends(&[
        ("src/lib.rs", "mod a; mod b; pub use a::*; pub use b::*; use crate::nothing::x; fn f() { y() }"),
        ("src/a.rs", "pub use super::b::*; pub use super::*; #[path = \"a.rs\"] mod a;"),
        ("src/b.rs", "pub use super::a::*; pub use self::b as b; type T = super::T;"),
    ]);
}

#[test]
fn damaged_outlines_are_refused_or_harmless() {
    let text = "mod a { pub struct S<T: Copy> { pub x: T } impl<T> S<T> { pub fn m(&self, n: u8) -> &T { &self.x } } }
        pub use a::S; mod gone; trait U { type V; fn u(&self) {} } impl U for S<u8> { type V = u8; }
        fn f(s: S<u8>) { let (p, q) = (s.m(1), |z: u8| z); if let Some(w) = p { w.u(); } say!(a::S { x: q }); }";
    let bytes = outline(crate::domain::Language::RUST, text).0.to_bytes();
    let path = FilePath::from("src/lib.rs");
    let length = bytes.len();
    let (refused, harmless) = in_time(move || {
        let (mut refused, mut harmless) = (0, 0);
        for (at, flip) in (0..bytes.len()).flat_map(|at| [0x01, 0x80, 0xFF].map(|flip| (at, flip))) {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            let Some(outline) = Outline::from_bytes(&damaged) else {
                refused += 1;
                continue;
            };
            let graph = resolve([(&path, &Arc::new(outline))]);
            let mut named = graph.edges().iter().flat_map(|edge| [&edge.source_file, &edge.dependent_file]);
            assert!(named.all(|file| *file == path), "byte {at} ^ {flip}: a file that is not there");
            harmless += 1;
        }
        (refused, harmless)
    });
    // most bytes are lengths and tags, or stand in names and numbers that may be others
    assert!(refused > length && harmless > 0, "{refused} refused, {harmless} harmless");
}

#[test]
fn chains_without_end_end() {
    let n = 3_000;
    let globs: String = (0..n).map(|i| format!("pub mod m{i} {{ pub use super::m{}::*; }} ", i + 1)).collect();
    let names: String = (0..n).map(|i| format!("pub use self::n{} as n{i}; ", i + 1)).collect();
    let aliases: String = (0..n).map(|i| format!("pub type T{i} = (T{}, T{}); ", i + 1, i + 1)).collect();
    let bounds: String =
        (0..40).map(|i| format!("T{i}: Into<T{}> + From<T{}>, ", (i + 1) % 40, (i + 7) % 40)).collect();
    let uses = "fn f(t: T0) { m0::x(); n0(); t.0.y(); }";
    let text = format!("{globs}{names}{aliases}{uses} fn g<T0, T1>(t: T0) where {bounds} {{ t.into().z(); }}");
    ends(&[("src/lib.rs", &text)]);
}

#[test]
fn types_in_circles_end() {
    ends(&[(
        "src/lib.rs",
        "pub type A = A; pub type B = C; pub type C = B; impl A { fn f(&self) {} } impl B { fn g() -> Self { B::g().g() } }
         struct D; impl std::ops::Deref for D { type Target = D; fn deref(&self) -> &D { self } }
         impl Iterator for D { type Item = D; } fn h<T: Into<T>>(d: D, t: T) { d.x.y(); for e in d { e.z(); } t.into().w(); T::f(); }
         trait S: S { type T: S<T = Self::T>; } fn s<X: S>(x: X::T) { x.q(); } impl<T: S> S for T {}",
    )]);
}

#[test]
fn supertraits_that_ask_for_what_they_define_end() {
    ends(&[(
        "src/lib.rs",
        "pub trait Curve: Sized { type Scalar: Field<Self::Uint>; type Uint; }
         pub trait Arithmetic: Curve<Scalar = Inner<Self>> + Mul<Self::Point> { type Point: Group<Self::Scalar> + From<Self::Affine>; type Affine: Point<Scalar = Self::Scalar>; }
         pub trait Prime: Arithmetic<Point = Self::Projective, Affine = <Self::Projective as Group>::Affine> { type Projective: Arithmetic<Scalar = Self::Scalar, Point = Self::Point>; }
         pub trait Group<S>: Add<Self::Affine, Output = Self> + Mul<Self::Other> { type Affine: Group<Self::Other>; type Other: Group<Self::Affine>; fn g(&self) -> Self::Other; }
         struct D<C: Prime>(C::Point); impl<C: Prime> std::ops::Deref for D<C> { type Target = D<C::Projective>; fn deref(&self) -> &Self::Target { self } }
         fn f<C: Prime>(c: C, d: D<C>) -> C::Scalar { c.g().h(); d.0.g().x; <C::Point as Group<C::Scalar>>::Affine::new() }",
    )]);
}
