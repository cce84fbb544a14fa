//! `top`: the same truth as on the page, in a terminal. [`state`] says what a key and an answer change, [`draw`] shows a state; both are
//! pure. Threads read keys, follow the stores and search; this file has the terminal and brings them together.

mod draw;
mod found;
mod gather;
mod money;
mod queue;
mod repos;
mod state;
#[cfg(test)]
mod tests;
mod text;

use std::io;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event;

use super::{Context, Failure};
use draw::TopPalette;
use gather::Gatherers;
use state::{TopAct, TopEvent, TopState};

/// Draws until a person ends it, or a signal does.
pub fn top(context: &Context) -> Result<(), Failure> {
    if !console::Term::stdout().is_term() {
        return Err(Failure::Usage(
            "top draws on a terminal, and standard output is none; `ra-agent status --watch` prints the same as lines"
                .to_owned(),
        ));
    }
    // Keys are read from the terminal itself where standard input is another one.
    context.give_up_writes(&[Path::new("/dev/tty")]);
    let palette = TopPalette { has_color: console::colors_enabled() };
    let (sender, events) = mpsc::channel();
    let unusable =
        |error: io::Error| Failure::Failed(format!("the terminal cannot be used: {error}; is it still open?"));
    gather::end_at_signals(sender.clone()).map_err(unusable)?;
    on_screen(|terminal| {
        let gatherers = Gatherers::start(&context.home, &context.config, &sender);
        read_keys(sender);
        follow(terminal, &events, &gatherers, palette)
    })
    .map_err(unusable)?
}

/// Works on the whole screen of the terminal, which is as it was afterwards: at the end, after a failure, and before a panic is printed.
///
/// # Errors
/// If standard output is no terminal, or it takes no commands.
pub fn on_screen<T>(work: impl FnOnce(&mut DefaultTerminal) -> T) -> io::Result<T> {
    /// Restores it also where `work` ends in a panic.
    struct Restored(DefaultTerminal);
    impl Drop for Restored {
        fn drop(&mut self) {
            // What cannot be restored is gone.
            let _ = ratatui::try_restore();
        }
    }
    let mut restored = Restored(ratatui::try_init().inspect_err(|_| {
        let _ = ratatui::try_restore();
    })?);
    Ok(work(&mut restored.0))
}

fn read_keys(sender: Sender<TopEvent>) {
    std::thread::spawn(move || {
        loop {
            let event = match event::read() {
                Ok(event::Event::Key(key)) => TopEvent::Key(key),
                Ok(event::Event::Resize(..)) => TopEvent::Resized,
                Ok(_) => continue,
                // The terminal is gone.
                Err(_) => TopEvent::Ended,
            };
            let is_end = matches!(event, TopEvent::Ended);
            if sender.send(event).is_err() || is_end {
                return;
            }
        }
    });
}

/// Draws each state until the end.
fn follow(
    terminal: &mut DefaultTerminal,
    events: &Receiver<TopEvent>,
    gatherers: &Gatherers,
    palette: TopPalette,
) -> Result<(), Failure> {
    let mut state = TopState::default();
    loop {
        let drawn = terminal.draw(|frame| draw::draw(&state, palette, frame));
        if let Err(error) = drawn {
            return Err(Failure::Failed(format!("the terminal cannot be drawn on: {error}; is it still open?")));
        }
        let Ok(first) = events.recv() else { return Ok(()) };
        // What has come meanwhile is drawn at once.
        for event in std::iter::once(first).chain(events.try_iter()) {
            match state.apply(event) {
                TopAct::Nothing => {}
                TopAct::Search(query) => gatherers.search(query),
                TopAct::Quit => return Ok(()),
                TopAct::Fail(why) => return Err(Failure::Failed(why)),
            }
        }
    }
}
