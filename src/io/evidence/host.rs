//! Evidence for hosts that have none.

use super::EvidenceFetcher;
use crate::evidence::{EvidenceReply, EvidenceRequest, EvidenceSource};
use crate::io::drive::Host;
use crate::session::{Need, Reply, Request};

/// A host that gets OCSP answers and CRLs from an [`EvidenceFetcher`] and
/// everything else from another host.
#[derive(Clone, Debug)]
pub struct WithEvidence<H> {
    inner: H,
    fetcher: EvidenceFetcher,
}

impl<H> WithEvidence<H> {
    /// Both together.
    pub const fn new(inner: H, fetcher: EvidenceFetcher) -> Self {
        Self { inner, fetcher }
    }
}

impl<H: Host> Host for WithEvidence<H> {
    fn fetch(&mut self, need: &Need) -> Reply {
        match &need.request {
            Request::Evidence(request) => {
                Reply::Evidence(self.fetcher.get(request, need.max_bytes))
            }
            _ => self.inner.fetch(need),
        }
    }

    fn fetch_all(&mut self, needs: &[Need]) -> Vec<Reply> {
        let mut evidence = Vec::new();
        let mut others = Vec::new();
        for need in needs {
            match &need.request {
                Request::Evidence(request) => evidence.push((request, need.max_bytes)),
                _ => others.push(need.clone()),
            }
        }
        let mut evidence = self.fetcher.get_all(&evidence).into_iter();
        let mut others = self.inner.fetch_all(&others).into_iter();
        needs
            .iter()
            .map_while(|need| match &need.request {
                Request::Evidence(_) => evidence.next().map(Reply::Evidence),
                _ => others.next(),
            })
            .collect()
    }
}

impl EvidenceSource for EvidenceFetcher {
    fn fetch(&mut self, request: &EvidenceRequest) -> EvidenceReply {
        self.get(request, usize::MAX)
    }

    fn fetch_all(&mut self, requests: &[EvidenceRequest]) -> Vec<EvidenceReply> {
        let requests: Vec<_> = requests
            .iter()
            .map(|request| (request, usize::MAX))
            .collect();
        self.get_all(&requests)
    }
}
