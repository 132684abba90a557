//! The document of many images: `docs/batch.schema.json`. It is written while the
//! images come in.

use std::io::{self, Write};

use notation_verifier::Time;
use notation_verifier::io::batch::{Finished, Summary};
use notation_verifier::report::SCHEMA_VERSION;
use serde_json::{Value, json};

/// A document under way.
pub struct Document<W> {
    out: W,
    images: usize,
    as_of: &'static str,
}

impl<W: Write> Document<W> {
    /// Begins it.
    pub fn start(mut out: W, started: Time, as_of: &'static str) -> io::Result<Self> {
        let version = Value::from(SCHEMA_VERSION);
        let started = Value::from(started.to_string());
        write!(
            out,
            "{{\"schemaVersion\": {version}, \"startedAt\": {started}, \"asOf\": \"{as_of}\", \
             \"images\": ["
        )?;
        Ok(Self {
            out,
            images: 0,
            as_of,
        })
    }

    /// Adds an image.
    pub fn add(&mut self, finished: &Finished) -> io::Result<()> {
        let mut image = finished.to_json();
        if let Some(report) = image.get_mut("report").and_then(Value::as_object_mut) {
            report.insert("asOf".to_owned(), self.as_of.into());
        }
        let separator = if self.images == 0 { "\n" } else { ",\n" };
        self.images += 1;
        write!(self.out, "{separator}{image}")
    }

    /// Ends it, and gives back where it was written to.
    pub fn finish(
        mut self,
        summary: &Summary,
        warnings: &[String],
        error: &Value,
    ) -> io::Result<W> {
        let summary = summary.to_json();
        let warnings = json!(warnings);
        writeln!(
            self.out,
            "\n], \"summary\": {summary}, \"warnings\": {warnings}, \"error\": {error}}}"
        )?;
        self.out.flush()?;
        Ok(self.out)
    }
}
