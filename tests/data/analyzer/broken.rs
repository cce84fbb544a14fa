//! Half written.

pub fn whole(a: u8) -> u8 {
    // TODO: more
    if a > 1 { a } else { 0 }
}

pub fn half(b: u8) -> {
    let c = match b {
        1 =>
    // FIXME: here

pub fn after() -> Result<(), Error> {
    x.unwrap()
}
