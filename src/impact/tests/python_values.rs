//! Python: members of values whose type is written, constructed or inferred.

use super::*;

/// `lib.py`, and what a user of it may write, each line with what it uses besides what it names.
const LIB: &str = "\
from __future__ import annotations
import typing as t
from contextlib import contextmanager
T = t.TypeVar('T')
class Item:
    def go(self) -> Item: return self
    def other(self): return Other()
class Other:
    size: int = 0
    def near(self, deep: bool = False) -> 'Item | None': ...
    @property
    def part(self) -> Item: ...
class Base:
    @property
    def status(self) -> Item: ...
class Derived(Base):
    def __init__(self, first: Item, *rest: Other, **named: Item):
        self.first = first
        self.made = Other()
        self.status = 1
    def __enter__(self) -> t.Self: return self
    def __iter__(self) -> t.Iterator[Item]: ...
    def __getitem__(self, at): return Other()
    def __call__(self) -> Other: ...
class Box(t.Generic[T]):
    held: T
    def get(self) -> T: ...
class Boxed(Box[Other]): pass
class Command:
    def run(self): ...
def command(name=None) -> t.Callable[[t.Callable], Command]: ...
@contextmanager
def opened() -> t.Iterator[Item]: yield Item()
def each(): yield Item()
async def later() -> dict[str, Other]: ...
def same(one: T) -> T: ...
def ask() -> t.Generator[int, Item, None]: ...
table = {'a': Item()}
pair = (Item(), Other())
alias = Derived
";

#[track_caller]
fn assert_members(user: &str, members: &[&str]) {
    let text = format!("import typing as t\nimport lib\nfrom lib import *\n{user}\n");
    let graph = Texts::new(&[("lib.py", LIB), ("user.py", &text)]).graph();
    let mut found: Vec<&str> = graph
        .edges()
        .iter()
        .filter(|edge| edge.dependent_file == "user.py".into() && edge.symbol_name.contains('.'))
        .map(|edge| edge.symbol_name.as_str())
        .collect();
    found.sort_unstable();
    assert_eq!(found, members, "{user}");
}

#[test]
fn written_and_constructed_types_give_members() {
    for (user, members) in [
        ("lib.Item().go().other().near(deep=True)", &["Item.go", "Item.other", "Other.near", "Other.near.deep"][..]),
        ("def f(x: t.Optional['Item'], *y: Other): x.go(); y[0].size", &["Item.go", "Other.size"]),
        ("def f(x: 'list[Item | Other]'):\n    for y in x: y.go(); y.size", &["Item.go", "Other.size"]),
        (
            "def f(x: t.Mapping[str, Item]): x['a'].go(); x.get('b').other(); [y.go() for y in x.values()]",
            &["Item.go", "Item.other"],
        ),
        ("alias(None).first.go()", &["Derived.first", "Item.go"]),
        ("x = Derived(None)\nx.made.size\nx.status.go()", &["Base.status", "Derived.made", "Item.go", "Other.size"]),
        ("Other().part.go()", &["Item.go", "Other.part"]),
        ("table['a'].go()\na, b = pair\nb.size", &["Item.go", "Other.size"]),
        ("t.cast('Item', 1).go()", &["Item.go"]),
        (
            "def f(x):\n    if isinstance(x, (Item, int)): x.go()\n    if not isinstance(x, Other): return\n    x.size",
            &["Item.go", "Other.size"],
        ),
    ] {
        assert_members(user, members);
    }
}

#[test]
fn what_is_called_without_being_written_gives_members() {
    for (user, members) in [
        ("with Derived(None) as d: d.first", &["Derived.first"][..]),
        ("for x in Derived(None): x.go()", &["Item.go"]),
        ("Derived(None)[0].size\nDerived(None)().near()", &["Other.near", "Other.size"]),
        ("with opened() as x: x.go()", &["Item.go"]),
        ("for x in each(): x.go()", &["Item.go"]),
        ("async def f(): (await later())['a'].size", &["Other.size"]),
        ("def f() -> t.Generator[int, Item, None]:\n    x = yield 1\n    x.go()", &["Item.go"]),
        ("@command('a')\ndef main(): ...\nmain.run()", &["Command.run"]),
        ("def f(x: t.Callable[[int], Item]): x(1).go()", &["Item.go"]),
        ("try: ...\nexcept (Item, Other) as e: e.go(); e.size", &["Item.go", "Other.size"]),
        ("match 1:\n    case Other(size=s) as o: o.near()", &["Other.near", "Other.size"]),
        ("(lambda: Item())().go()", &["Item.go"]),
    ] {
        assert_members(user, members);
    }
}

#[test]
fn arguments_of_generic_classes_are_followed() {
    for (user, members) in [
        ("def f(x: Box[Item]): x.get().go(); x.held.go()", &["Box.get", "Box.held", "Item.go"][..]),
        ("Boxed().get().size", &["Box.get", "Other.size"]),
        ("class Mine(Box['Item']): pass\nMine().held.go()", &["Box.held", "Item.go"]),
    ] {
        assert_members(user, members);
    }
}

#[test]
fn names_of_python_follow_its_scopes() {
    assert_members("Item = 1\nItem.go\ndef f(): Item.go", &[]);
    assert_members("class C:\n    x = Item()\n    def f(self): x.go()", &[]);
    assert_members("class C:\n    x = Item()\n    y = x.go()", &["Item.go"]);
    assert_members("def f():\n    global x\n    x = Item()\nx.go()", &["Item.go"]);
    assert_members("[x for x in [Item()]]\nx = Other()\nx.size", &["Other.size"]);
    assert_members("if (x := Item()): x.go()", &["Item.go"]);
}
