//! `ui`: the page in the browser.

use std::sync::mpsc;

use super::output::print;
use super::{Context, Failure};
use crate::page;

/// Serves the page until it is interrupted; `open`: in a window of the browser.
pub fn ui(context: &Context, port: u16, open: bool) -> Result<(), Failure> {
    let window = open.then(window);
    context.give_up_writes(&[]);
    page::serve(&context.home, &context.config, port, |address| {
        print(&format!("{address}\n"))?;
        if window.is_some_and(|open| !open(address)) {
            super::output::print_error("no program here opens a window; open the address above yourself");
        }
        Ok(())
    })
}

/// Opens a window from a thread that is older than the sandbox: a browser writes where it likes.
fn window() -> impl FnOnce(&str) -> bool {
    let (address, asked) = mpsc::channel::<String>();
    let opener = std::thread::spawn(move || asked.recv().is_ok_and(|address| page::open_window(&address)));
    move |shown: &str| address.send(shown.to_owned()).is_ok() && opener.join().unwrap_or(false)
}
