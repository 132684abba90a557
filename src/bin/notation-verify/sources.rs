//! What commands about many images share: which images, how the run ends, what is
//! said of each.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use notation_verifier::io::{Budget, Cancel, Run};
use notation_verifier::oci::{ImageList, Reference, Relocation};
use notation_verifier::report::error_members;
use notation_verifier::{Error, ErrorKind, Limits};
use serde_json::json;

use crate::args::Output;
use crate::exit::Exit;
use crate::registry::RegistryArgs;
use crate::{input, interrupt, text};

#[derive(Debug, Args)]
pub struct FromArgs {
    /// A file that names images: one reference a line, or image-info.json. `-` is
    /// standard input.
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// The registry where the images of --from are, in place of the one that is
    /// written there.
    #[arg(long, value_name = "REGISTRY", requires = "from")]
    pub registry_override: Option<String>,
    /// A text before the repository of each image of --from, for example `staging/`.
    #[arg(long, value_name = "PREFIX", requires = "from")]
    pub repo_prefix: Option<String>,
}

impl FromArgs {
    /// The images that `references` and --from name.
    pub fn list(
        &self,
        references: &[String],
        registry: &RegistryArgs,
        limits: &Limits,
    ) -> Result<ImageList, Error> {
        let mut list = ImageList::new();
        for reference in references {
            list.add_reference(reference, limits)?;
        }
        if let Some(path) = &self.from {
            let (name, bytes) = if path.as_os_str() == "-" {
                if registry.reads_stdin() {
                    return Err(Error::new(
                        ErrorKind::Usage,
                        "standard input cannot be the list of images and the password",
                    ));
                }
                let name = "standard input".to_owned();
                let input = std::io::stdin().lock();
                let bytes = input::all_of(input, &name, limits.image_list_bytes)?;
                (name, bytes)
            } else {
                let name = format!("`{}`", path.display());
                (name, input::file(path, limits.image_list_bytes)?)
            };
            let relocation = Relocation {
                registry: self.registry_override.clone(),
                repository_prefix: self.repo_prefix.clone(),
            };
            list.add_file(&name, &bytes, &relocation, limits)?;
        }
        Ok(list)
    }
}

/// A run with this time, which ends when somebody asks the program to.
pub fn run(time: Option<Duration>) -> Result<Run, Error> {
    let cancel = Cancel::new();
    interrupt::on_signal(&cancel)?;
    let run = Run::default().with_cancel(cancel);
    Ok(match time {
        Some(time) => run.with_budget(Budget::of(time)),
        None => run,
    })
}

/// How a run ends that could begin.
pub fn exit(complete: bool, run: &Run) -> Exit {
    if complete {
        Exit::Trusted
    } else if run.cancel().is_cancelled() {
        Exit::Interrupted
    } else {
        Exit::Rejected
    }
}

/// A run of `kind` that could not begin.
pub fn cannot_begin(output: Output, kind: &str, error: &Error) -> Exit {
    match output {
        Output::Text => text::print_error(error),
        Output::Json => text::print_line(&format!(
            "{:#}",
            json!({ "schemaVersion": 1, "kind": kind, "error": error_members(error) })
        )),
    }
    if error.kind() == ErrorKind::Usage {
        Exit::Usage
    } else {
        Exit::CouldNotEvaluate
    }
}

/// What is said of one image.
pub fn line(status: &str, reference: &Reference, what: &str) -> String {
    format!("{status:<16} {reference}  {what}")
}
