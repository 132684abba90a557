//! Evidence bundles: everything that a verification fetched, in one file, and the
//! same verification again without a network.
//!
//! A [`Recording`] wraps the host of a verification and is written as an OCI image
//! layout in a tar archive. A [`Bundle`] reads one and gives a [`Replay`], which is
//! a host like any other.
//!
//! A bundle is data and not trust. Trust stores and policy are the verifier's own;
//! content is held against its digest; signatures, OCSP answers and CRLs are
//! verified as if they came from a network. Whoever wrote the bundle can leave
//! things out, as a network that is down can. Two things in it are claims that
//! nothing proves: as of when it was recorded, and which artifact a tag was.
//! [`Claims::Refuse`] uses neither; [`Claims::Accept`] uses both, and whoever shows
//! the verdict must say so. `docs/EVIDENCE.md` has the whole argument.
//!
//! ```no_run
//! use notation_verifier::io::bundle::{Bundle, Claims, Recording};
//! use notation_verifier::io::{Layout, LayoutHost, drive};
//! use notation_verifier::session::ImageRequest;
//! use notation_verifier::{Limits, Provider, Report, Time, Verifier};
//!
//! # fn f(verifier: &Verifier, request: ImageRequest, layout: &Layout, now: Time)
//! # -> Result<(), notation_verifier::Error> {
//! let limits = Limits::default();
//! let recording = Recording::new(Provider::preferred(), &limits);
//! let host = LayoutHost::new(layout);
//! let mut host = recording.image(&request.scope, &request.reference, request.now, host);
//! let report = drive(verifier.verify_image(request.clone())?, &mut host)?;
//! recording.write("evidence.tar", now)?;
//!
//! let bundle = Bundle::open("evidence.tar", &limits)?;
//! let mut host = bundle.image(&request.scope, &request.reference, Claims::Refuse)?;
//! let again: Report = drive(verifier.verify_image(request)?, &mut host)?;
//! assert_eq!(report.verdict(), again.verdict());
//! # Ok(())
//! # }
//! ```

mod exchange;
mod format;
mod open;
mod record;
mod replay;
mod write;

pub use format::ARTIFACT_TYPE;
pub use open::{Bundle, Claims};
pub use record::{Recorder, Recording};
pub use replay::{Replay, ReplayAround};
pub use write::BundleFile;
