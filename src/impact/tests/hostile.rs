//! Sources that would send a careless reader in circles.

use super::*;

#[test]
fn circles_end() {
    let texts = Texts::new(&[
        ("src/lib.rs", "mod a; mod b; pub use a::*; pub use b::*; use crate::nothing::x; fn f() { y() }"),
        ("src/a.rs", "pub use super::b::*; pub use super::*; #[path = \"a.rs\"] mod a;"),
        ("src/b.rs", "pub use super::a::*; pub use self::b as b; type T = super::T;"),
    ]);
    texts.graph();
}

#[test]
fn damaged_outlines_are_refused_or_harmless() {
    let text = "mod a { pub struct S<T: Copy> { pub x: T } impl<T> S<T> { pub fn m(&self, n: u8) -> &T { &self.x } } }
        pub use a::S; mod gone; trait U { type V; fn u(&self) {} } impl U for S<u8> { type V = u8; }
        fn f(s: S<u8>) { let (p, q) = (s.m(1), |z: u8| z); if let Some(w) = p { w.u(); } say!(a::S { x: q }); }";
    let bytes = outline(crate::domain::Language::RUST, text).0.to_bytes();
    let path = FilePath::from("src/lib.rs");
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xFF] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            if let Some(outline) = Outline::from_bytes(&damaged) {
                resolve([(&path, &Arc::new(outline))]);
            }
        }
    }
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
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    thread.spawn(move || Texts::new(&[("src/lib.rs", &text)]).graph()).unwrap().join().unwrap();
}

#[test]
fn types_in_circles_end() {
    let texts = Texts::new(&[(
        "src/lib.rs",
        "pub type A = A; pub type B = C; pub type C = B; impl A { fn f(&self) {} } impl B { fn g() -> Self { B::g().g() } }
         struct D; impl std::ops::Deref for D { type Target = D; fn deref(&self) -> &D { self } }
         impl Iterator for D { type Item = D; } fn h<T: Into<T>>(d: D, t: T) { d.x.y(); for e in d { e.z(); } t.into().w(); T::f(); }
         trait S: S { type T: S<T = Self::T>; } fn s<X: S>(x: X::T) { x.q(); } impl<T: S> S for T {}",
    )]);
    texts.graph();
}

#[test]
fn supertraits_that_ask_for_what_they_define_end() {
    let texts = Texts::new(&[(
        "src/lib.rs",
        "pub trait Curve: Sized { type Scalar: Field<Self::Uint>; type Uint; }
         pub trait Arithmetic: Curve<Scalar = Inner<Self>> + Mul<Self::Point> { type Point: Group<Self::Scalar> + From<Self::Affine>; type Affine: Point<Scalar = Self::Scalar>; }
         pub trait Prime: Arithmetic<Point = Self::Projective, Affine = <Self::Projective as Group>::Affine> { type Projective: Arithmetic<Scalar = Self::Scalar, Point = Self::Point>; }
         pub trait Group<S>: Add<Self::Affine, Output = Self> + Mul<Self::Other> { type Affine: Group<Self::Other>; type Other: Group<Self::Affine>; fn g(&self) -> Self::Other; }
         struct D<C: Prime>(C::Point); impl<C: Prime> std::ops::Deref for D<C> { type Target = D<C::Projective>; fn deref(&self) -> &Self::Target { self } }
         fn f<C: Prime>(c: C, d: D<C>) -> C::Scalar { c.g().h(); d.0.g().x; <C::Point as Group<C::Scalar>>::Affine::new() }",
    )]);
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    thread.spawn(move || drop(texts.graph())).unwrap().join().unwrap();
}
