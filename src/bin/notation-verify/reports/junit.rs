//! JUnit XML, as CI servers read it: one test case for each image.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

use notation_verifier::Time;
use notation_verifier::io::batch::{Finished, ImageResult, ImageStatus, Stop, Summary};

use super::markup::Escaped;
use crate::reasons;

/// How a test case ends.
enum Kind {
    Passed,
    Failure,
    Error,
    Skipped,
}

fn kind(finished: &Finished) -> Kind {
    match finished.status() {
        ImageStatus::Verified => Kind::Passed,
        ImageStatus::Unsigned | ImageStatus::Rejected => Kind::Failure,
        ImageStatus::LookupFailed | ImageStatus::Error => Kind::Error,
        ImageStatus::Skipped => Kind::Skipped,
        // After a failure that is a case of its own, the rest was not run. Where
        // the run was ended, nothing else would be red.
        ImageStatus::NotDone => match finished.result {
            ImageResult::NotDone(Stop::Failure) => Kind::Skipped,
            _ => Kind::Error,
        },
    }
}

/// Cases so far: their number has to stand before them.
#[derive(Default)]
pub struct Cases {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Cases {
    /// Writes a case.
    pub fn add(&mut self, out: &mut dyn Write, finished: &Finished) -> io::Result<()> {
        self.tests += 1;
        let name = Escaped(&finished.name);
        let class = finished
            .name
            .split_once('@')
            .map_or(&*finished.name, |(name, _)| name);
        write!(
            out,
            "    <testcase name=\"{name}\" classname=\"{}\" time=\"{:.3}\"",
            Escaped(class),
            finished.elapsed.as_secs_f64()
        )?;
        let element = match kind(finished) {
            Kind::Passed => return writeln!(out, "/>"),
            Kind::Failure => {
                self.failures += 1;
                "failure"
            }
            Kind::Error => {
                self.errors += 1;
                "error"
            }
            Kind::Skipped => {
                self.skipped += 1;
                "skipped"
            }
        };
        let reasons = reasons::of(finished);
        let first = reasons.first().map_or("", |reason| &reason.why);
        let mut text = String::new();
        for reason in &reasons {
            let _ = writeln!(text, "why: {}", reason.why);
            for detail in &reason.details {
                let _ = writeln!(text, "     {detail}");
            }
            if let Some(action) = &reason.action {
                let _ = writeln!(text, "do:  {action}");
            }
        }
        writeln!(
            out,
            ">\n      <{element} message=\"{}\" type=\"{}\">{}</{element}>\n    </testcase>",
            Escaped(first),
            finished.status().as_str(),
            Escaped(&text)
        )
    }

    /// What stands before the cases.
    pub fn head(
        &self,
        out: &mut dyn Write,
        summary: &Summary,
        started: Time,
        took: Duration,
    ) -> io::Result<()> {
        let counts = format!(
            "name=\"notation-verify\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" \
             time=\"{:.3}\"",
            self.tests,
            self.failures,
            self.errors,
            self.skipped,
            took.as_secs_f64()
        );
        let stopped = summary.stopped().map_or("no", Stop::as_str);
        writeln!(
            out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts}>\n  <testsuite \
             {counts} timestamp=\"{}\">\n    <properties>\n      <property name=\"stopped\" \
             value=\"{stopped}\"/>\n    </properties>",
            started.to_string().trim_end_matches('Z'),
        )
    }

    /// What stands after them.
    pub fn tail(out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "  </testsuite>\n</testsuites>")
    }
}
