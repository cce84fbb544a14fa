//! `ui`: the page in the browser.

use super::output::print;
use super::{Context, Failure};
use crate::page;

/// Serves the page until it is interrupted; `open`: in a window of the browser.
pub fn ui(context: &Context, port: u16, open: bool) -> Result<(), Failure> {
    page::serve(&context.home, &context.config, port, |address| {
        print(&format!("{address}\n"))?;
        if open && !page::open_window(address) {
            super::output::print_error("no program here opens a window; open the address above yourself");
        }
        Ok(())
    })
}
