//! What belongs to an image, read from its [`Place`](super::Place).

use super::place::Reader;
use crate::crypto::Provider;
use crate::error::{Error, ErrorKind};
use crate::io::parallel;
use crate::io::run::Run;
use crate::limits::Limits;
use crate::oci::Closure;
use crate::oci::closure::{Follow, Wanted};
use crate::wire::Descriptor;

enum Found {
    Manifest(Result<Option<Vec<u8>>, String>),
    Referrers(Result<Vec<Descriptor>, String>),
}

/// Reads every manifest of the image and of its referrers. Nothing else is read.
///
/// # Errors
/// Where the image has more than may be copied, or the run ended.
pub(super) fn closure(
    reader: &Reader<'_>,
    root: &Descriptor,
    follow: Follow,
    limits: &Limits,
    run: &Run,
) -> Result<Closure, Error> {
    let provider = Provider::preferred();
    let mut closure = Closure::new(root, follow, limits);
    loop {
        let wanted = closure.wanted()?;
        if wanted.is_empty() {
            return Ok(closure);
        }
        let found = parallel::map(&wanted, |wanted| match wanted {
            Wanted::Manifest(one) => Found::Manifest(reader.manifest(one, limits)),
            Wanted::Referrers(one) => Found::Referrers(reader.referrers(one)),
        });
        // What the end of the run cut short is no fault of the image.
        run.check()
            .map_err(|stopped| Error::new(ErrorKind::Io, stopped.to_string()))?;
        for (wanted, found) in wanted.iter().zip(found) {
            match (wanted, found) {
                (Wanted::Manifest(one), Found::Manifest(found)) => {
                    closure.manifest(one, found, &provider);
                }
                (Wanted::Referrers(one), Found::Referrers(found)) => closure.referrers(one, found),
                _ => {}
            }
        }
    }
}
