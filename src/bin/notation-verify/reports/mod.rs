//! Reports in files (`--report`). Each is written beside its place while images
//! come in, so that memory does not grow with them, and takes its place whole.

mod html;
mod json;
mod junit;
mod markup;

pub use json::Document;

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use notation_verifier::io::batch::{Finished, ImageResult, Summary};
use notation_verifier::{Error, ErrorKind, Time};
use serde_json::Value;
use tempfile::NamedTempFile;

/// A report that was asked for: `FILE` whose extension says the format, or
/// `FORMAT=FILE`.
#[derive(Clone, Debug)]
pub struct Wanted {
    format: Format,
    path: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Junit,
    Html,
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = text.split_once('=').and_then(|(format, path)| {
            let format = match format {
                "json" => Format::Json,
                "junit" => Format::Junit,
                "html" => Format::Html,
                _ => return None,
            };
            Some((format, path))
        });
        let extension = Path::new(text).extension().and_then(|text| text.to_str());
        let (format, path) = match (named, extension) {
            (Some(named), _) => named,
            (None, Some("json")) => (Format::Json, text),
            (None, Some("xml")) => (Format::Junit, text),
            (None, Some("html" | "htm")) => (Format::Html, text),
            _ => {
                return Err(
                    "the name has to end in .json, .xml (JUnit) or .html; else write \
                     json=FILE, junit=FILE or html=FILE"
                        .to_owned(),
                );
            }
        };
        if path.is_empty() {
            return Err("the name of the file is missing".to_owned());
        }
        Ok(Self {
            format,
            path: path.into(),
        })
    }
}

/// What every report says of the run.
#[derive(Clone, Copy)]
pub struct Run {
    /// When it began, by the clock of the machine.
    pub started: Time,
    /// The same, to measure.
    pub clock: Instant,
    /// `now`, `given` where --at named the moment, `claimed` where an evidence bundle
    /// did.
    pub as_of: &'static str,
}

/// The reports of a run.
pub struct Reports(Vec<Report>);

struct Report {
    path: PathBuf,
    file: NamedTempFile,
    body: Body,
    /// The first failure; nothing is written after it.
    failed: Option<io::Error>,
}

enum Body {
    Json(Document<BufWriter<File>>),
    Junit(junit::Cases, BufWriter<File>),
    /// Pages show first what needs attention.
    Html([BufWriter<File>; 2]),
}

impl Reports {
    /// Opens all of them, so that a run does not find out at its end that it
    /// cannot write.
    pub fn open(wanted: &[Wanted], run: Run) -> Result<Self, Error> {
        wanted
            .iter()
            .map(|one| Report::open(one, run).map_err(|error| unwritable(&one.path, error)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Adds an image to all of them.
    pub fn add(&mut self, finished: &Finished) {
        for report in &mut self.0 {
            if report.failed.is_none() {
                report.failed = report.add(finished).err();
            }
        }
    }

    /// Adds the only image of a run that is no batch.
    pub fn of_one(
        mut self,
        name: &str,
        result: Result<&notation_verifier::Report, &Error>,
        elapsed: Duration,
    ) -> (Self, Summary) {
        let mut summary = Summary::default();
        if !self.0.is_empty() {
            let finished = Finished {
                index: 0,
                name: name.to_owned(),
                result: match result {
                    Ok(report) => ImageResult::Report(Box::new(report.clone())),
                    Err(error) => ImageResult::Error(Error::new(error.kind(), error.to_string())),
                },
                elapsed,
            };
            summary.add(finished.status());
            self.add(&finished);
        }
        (self, summary)
    }

    /// Ends all of them and puts them in their places. `error` is the member of
    /// that name, where the run could not begin.
    pub fn finish(
        self,
        summary: &Summary,
        warnings: &[String],
        error: &Value,
        run: Run,
    ) -> Vec<Error> {
        let mut errors = Vec::new();
        for mut report in self.0 {
            let path = report.path.clone();
            let result = match report.failed.take() {
                Some(error) => Err(error),
                None => report.finish(summary, warnings, error, run),
            };
            errors.extend(result.err().map(|error| unwritable(&path, error)));
        }
        errors
    }
}

fn unwritable(path: &Path, error: io::Error) -> Error {
    Error::with_source(
        ErrorKind::Io,
        format!("the report `{}` cannot be written: {error}", path.display()),
        error,
    )
}

/// The folder of a file: `.` where none is written.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

impl Report {
    fn open(wanted: &Wanted, run: Run) -> io::Result<Self> {
        if wanted.path.is_dir() {
            return Err(io::Error::new(
                io::ErrorKind::IsADirectory,
                "it is a directory",
            ));
        }
        let folder = folder(&wanted.path);
        let spool = || tempfile::tempfile_in(folder).map(BufWriter::new);
        let file = NamedTempFile::new_in(folder)?;
        let body = match wanted.format {
            Format::Json => {
                let out = BufWriter::new(file.reopen()?);
                Body::Json(Document::start(out, run.started, run.as_of)?)
            }
            Format::Junit => Body::Junit(junit::Cases::default(), spool()?),
            Format::Html => Body::Html([spool()?, spool()?]),
        };
        Ok(Self {
            path: wanted.path.clone(),
            file,
            body,
            failed: None,
        })
    }

    fn add(&mut self, finished: &Finished) -> io::Result<()> {
        match &mut self.body {
            Body::Json(document) => document.add(finished),
            Body::Junit(cases, spool) => cases.add(spool, finished),
            Body::Html([attention, rest]) => html::add(
                if html::is_quiet(finished) {
                    rest
                } else {
                    attention
                },
                finished,
            ),
        }
    }

    fn finish(
        mut self,
        summary: &Summary,
        warnings: &[String],
        error: &Value,
        run: Run,
    ) -> io::Result<()> {
        let mut out = BufWriter::new(self.file.as_file_mut());
        match self.body {
            Body::Json(document) => {
                document.finish(summary, warnings, error)?;
            }
            Body::Junit(cases, spool) => {
                cases.head(&mut out, summary, run.started, run.clock.elapsed())?;
                pour(spool, &mut out)?;
                junit::Cases::tail(&mut out)?;
            }
            Body::Html([attention, rest]) => {
                html::head(&mut out, summary, warnings, run)?;
                html::section(&mut out, html::ATTENTION, summary)?;
                pour(attention, &mut out)?;
                html::section(&mut out, html::REST, summary)?;
                pour(rest, &mut out)?;
                html::tail(&mut out)?;
            }
        }
        out.flush()?;
        drop(out);
        self.file.as_file().sync_all()?;
        readable_by_all(self.file.as_file())?;
        self.file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

/// Copies what was collected.
fn pour(spool: BufWriter<File>, out: &mut dyn Write) -> io::Result<()> {
    let mut file = spool.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    io::copy(&mut BufReader::new(file), out)?;
    Ok(())
}

/// Temporary files are for their owner alone; a report is an ordinary file.
#[cfg(unix)]
fn readable_by_all(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_or_a_word_before_it_says_the_format() {
        let read = |text: &str| text.parse::<Wanted>().map(|one| (one.format, one.path));
        for (text, format, path) in [
            ("a.json", Format::Json, "a.json"),
            ("x/a.xml", Format::Junit, "x/a.xml"),
            ("a.html", Format::Html, "a.html"),
            ("junit=results", Format::Junit, "results"),
            ("html=a=b", Format::Html, "a=b"),
            ("a=b.json", Format::Json, "a=b.json"),
        ] {
            assert_eq!(read(text), Ok((format, path.into())), "{text}");
        }
        for text in ["", "a", "a.txt", "json=", "yaml=a"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
