use super::*;

fn given() -> Session {
    open("a").unwrap().first().unwrap().clone().unwrap()
}

#[test]
fn sums() {
    assert_eq!(given().sum().unwrap(), 3);
}
