//! How far a run is: a bar on a terminal, plain lines elsewhere. All of it goes to
//! standard error.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use notation_verifier::io::batch::Finished;

/// How often the bar is drawn, in a second.
const DRAWN_PER_SECOND: u8 = 10;
/// Plain lines are for logs: one now and then says as much as one for each image.
const BETWEEN_LINES: Duration = Duration::from_secs(5);

/// Shows how far a run is.
pub struct Progress {
    bar: Option<ProgressBar>,
    total: usize,
    what: &'static str,
    bad: &'static str,
    done: usize,
    failed: usize,
    said: Instant,
}

impl Progress {
    /// For a run of `total` images, of which some may be `bad`.
    pub fn new(total: usize, bad: &'static str) -> Self {
        Self::of(total, "images", bad)
    }

    /// The same for a run of `total` other things.
    pub fn of(total: usize, what: &'static str, bad: &'static str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let length = u64::try_from(total).unwrap_or(u64::MAX);
            let target = ProgressDrawTarget::stderr_with_hz(DRAWN_PER_SECOND);
            let bar = ProgressBar::with_draw_target(Some(length), target);
            let style = format!("{{bar:30}} {{pos}}/{{len}} {what}, {{msg}}{{elapsed}}");
            if let Ok(style) = ProgressStyle::with_template(&style) {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Self {
            bar,
            total,
            what,
            bad,
            done: 0,
            failed: 0,
            said: Instant::now(),
        }
    }

    /// One more is done; `show` prints what is to be said of it.
    pub fn add(&mut self, finished: &Finished, show: impl FnOnce()) {
        self.count(finished.status().failed(), show);
    }

    /// The same for one that failed or not.
    pub fn count(&mut self, failed: bool, show: impl FnOnce()) {
        self.done += 1;
        self.failed += usize::from(failed);
        match &self.bar {
            Some(bar) => {
                bar.suspend(show);
                if self.failed > 0 {
                    bar.set_message(format!("{} {}, ", self.failed, self.bad));
                }
                bar.inc(1);
            }
            None => {
                let due = self.said.elapsed() >= BETWEEN_LINES || self.done == self.total;
                if due {
                    self.said = Instant::now();
                    let _ = writeln!(
                        std::io::stderr().lock(),
                        "{} of {} {}, {} {}",
                        self.done,
                        self.total,
                        self.what,
                        self.failed,
                        self.bad
                    );
                }
                show();
            }
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
