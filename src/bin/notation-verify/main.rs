//! The command `notation-verify`.

mod args;
mod attach;
mod authority;
mod bundle;
mod copy;
mod evidence;
mod exit;
mod images;
mod input;
mod inspect;
mod interrupt;
mod list;
mod lookup;
mod payload;
mod progress;
mod prune;
mod reasons;
mod registry;
mod reports;
mod sign;
mod sources;
mod stamp;
mod text;
mod verify;

use clap::{CommandFactory, Parser};
use std::io::Write;

use args::{BlobCommand, Cli, Command};
use exit::Exit;

fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    match cli.command {
        Command::Verify(args) => verify::image_or_envelope(&args),
        Command::Blob(BlobCommand::Verify(args)) => verify::blob(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::List(args) => list::run(&args),
        Command::Payload(args) => payload::run(&args),
        Command::Attach(args) => attach::run(&args),
        Command::Sign(args) => sign::run(&args),
        Command::Copy(args) => copy::run(&args),
        Command::Prune(args) => prune::run(&args),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "notation-verify", &mut text);
            print_all(&text)
        }
        Command::Man => {
            let mut text = Vec::new();
            match clap_mangen::Man::new(Cli::command()).render(&mut text) {
                Ok(()) => print_all(&text),
                Err(_) => Exit::CouldNotEvaluate,
            }
        }
    }
    .into()
}

fn print_all(text: &[u8]) -> Exit {
    match std::io::stdout().lock().write_all(text) {
        Ok(()) => Exit::Trusted,
        Err(_) => Exit::CouldNotEvaluate,
    }
}
