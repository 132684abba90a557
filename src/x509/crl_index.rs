//! [`SerialIndex`]: finds the entries of a serial number in the DER of a CRL.
//!
//! A hash table of offsets with open addressing, about six octets for an entry,
//! which takes at least twenty in the list. Serial numbers may have been
//! chosen by an attacker, so the hash is keyed.

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use super::crl::RevokedEntry;
use crate::wire::der::{DerError, Reader, tag};

/// Entries of one serial number that are looked at. A hold and its removal are
/// two; without a bound, a list that repeats one number would take quadratic
/// time.
const MAX_SAME_SERIAL: usize = 64;

pub(super) struct SerialIndex {
    /// Offsets of entries; 0 is a free place, since no entry starts there.
    slots: Box<[u32]>,
    entries: usize,
    hasher: RandomState,
    unknown_critical: Option<Range<usize>>,
    names_issuers: bool,
}

impl SerialIndex {
    /// Checks every entry in `range` of `der` and builds the table.
    pub(super) fn build(der: &[u8], range: Range<usize>) -> Result<Self, DerError> {
        let mut index = Self {
            slots: Box::default(),
            entries: 0,
            hasher: RandomState::new(),
            unknown_critical: None,
            names_issuers: false,
        };
        if u32::try_from(range.end).is_err() {
            return Err(Reader::new(der).error("more than 4 GiB"));
        }
        index.check(der, &range)?;
        // A third of the places, and always one, stays free.
        let places = index.entries + index.entries / 2 + 1;
        index.slots = vec![0; places].into_boxed_slice();
        index.fill(der, &range)?;
        Ok(index)
    }

    fn check(&mut self, der: &[u8], range: &Range<usize>) -> Result<(), DerError> {
        let mut rest = Reader::within(der, range.clone());
        while !rest.is_empty() {
            let element = rest.expect(tag::SEQUENCE, "an entry that is no sequence")?;
            let entry = RevokedEntry::parse(&element)?;
            self.entries = self.entries.saturating_add(1);
            self.names_issuers |= entry.names_issuer;
            if let (Some((start, end)), None) = (entry.unknown_critical, &self.unknown_critical) {
                self.unknown_critical = Some(start..end);
            }
        }
        Ok(())
    }

    fn fill(&mut self, der: &[u8], range: &Range<usize>) -> Result<(), DerError> {
        let mut rest = Reader::within(der, range.clone());
        while !rest.is_empty() {
            let start = rest.offset();
            let entry = rest.element()?;
            let serial_number = entry.reader().element()?.value();
            let mut same = 0_usize;
            let mut slot = self.first_slot(serial_number);
            while let Some(taken) = self.slots.get(slot).copied().filter(|offset| *offset != 0) {
                if serial_at(der, range.end, taken) == Some(serial_number) {
                    same = same.saturating_add(1);
                    if same >= MAX_SAME_SERIAL {
                        return Err(entry.error("a serial number that is listed too often"));
                    }
                }
                slot = self.next_slot(slot);
            }
            if let (Some(free), Ok(offset)) = (self.slots.get_mut(slot), u32::try_from(start)) {
                *free = offset;
            }
        }
        Ok(())
    }

    pub(super) const fn len(&self) -> usize {
        self.entries
    }

    /// Where the object identifier of a critical entry extension is that is not
    /// understood.
    pub(super) const fn unknown_critical(&self) -> Option<&Range<usize>> {
        self.unknown_critical.as_ref()
    }

    pub(super) const fn names_issuers(&self) -> bool {
        self.names_issuers
    }

    /// The entries of `serial_number` in the order of the list; `der` and `end`
    /// are what the index was built from.
    pub(super) fn find<'a>(
        &self,
        der: &'a [u8],
        end: usize,
        serial_number: &[u8],
    ) -> Vec<RevokedEntry<'a>> {
        let mut found = Vec::new();
        let mut slot = self.first_slot(serial_number);
        while let Some(offset) = self.slots.get(slot).copied().filter(|offset| *offset != 0) {
            if serial_at(der, end, offset) == Some(serial_number) {
                // Entries are put behind each other, in the order of the list.
                found.extend(entry_at(der, end, offset));
            }
            slot = self.next_slot(slot);
        }
        found
    }

    /// The hash, scaled to the table: its upper half times the length.
    fn first_slot(&self, serial_number: &[u8]) -> usize {
        let hash = self.hasher.hash_one(serial_number) >> 32;
        let length = u64::try_from(self.slots.len()).unwrap_or(0);
        usize::try_from((hash * length) >> 32).unwrap_or(0)
    }

    const fn next_slot(&self, slot: usize) -> usize {
        let next = slot.saturating_add(1);
        if next < self.slots.len() { next } else { 0 }
    }
}

fn reader_at(der: &[u8], end: usize, offset: u32) -> Option<Reader<'_>> {
    let start = usize::try_from(offset).ok()?;
    Some(Reader::within(der, start..end))
}

fn serial_at(der: &[u8], end: usize, offset: u32) -> Option<&[u8]> {
    let entry = reader_at(der, end, offset)?.element().ok()?;
    Some(entry.reader().element().ok()?.value())
}

fn entry_at(der: &[u8], end: usize, offset: u32) -> Option<RevokedEntry<'_>> {
    let entry = reader_at(der, end, offset)?.element().ok()?;
    RevokedEntry::parse(&entry).ok()
}

#[cfg(test)]
#[allow(clippy::as_conversions)]
mod tests {
    use super::*;
    use crate::x509::ocsp::{encode, sequence};

    fn entry(serial_number: &[u8], extensions: &[u8]) -> Vec<u8> {
        let serial_number = encode(tag::INTEGER, serial_number);
        let date = encode(tag::UTC_TIME, b"240102030405Z");
        sequence(&[&serial_number, &date, extensions])
    }

    /// The entries after one octet: no entry starts at 0.
    fn build(entries: &[Vec<u8>]) -> (Vec<u8>, Result<SerialIndex, DerError>) {
        let der = [&[0][..], &entries.concat()].concat();
        let index = SerialIndex::build(&der, 1..der.len());
        (der, index)
    }

    #[test]
    fn every_entry_is_found() {
        for count in [0_u16, 1, 2, 3, 100, 5_000] {
            let serial = |number: u16| [1, (number >> 8) as u8, number as u8];
            let entries: Vec<_> = (0..count)
                .map(|number| entry(&serial(number), &[]))
                .collect();
            let (der, index) = build(&entries);
            let index = index.unwrap();
            assert_eq!(index.len(), usize::from(count));
            // About six octets for each.
            assert!(index.slots.len() <= usize::from(count) * 3 / 2 + 1);
            for number in 0..count {
                let found = index.find(&der, der.len(), &serial(number));
                assert_eq!(found.len(), 1);
                assert_eq!(found[0].serial_number, serial(number));
            }
            assert!(index.find(&der, der.len(), &[2]).is_empty());
            assert!(index.find(&der, der.len(), &[]).is_empty());
        }
    }

    #[test]
    fn entries_of_one_number_keep_their_order() {
        let reason = |code| {
            let code = encode(tag::ENUMERATED, &[code]);
            let oid = encode(tag::OBJECT_IDENTIFIER, &[0x55, 0x1d, 0x15]);
            sequence(&[&sequence(&[&oid, &encode(tag::OCTET_STRING, &code)])])
        };
        let entries: Vec<_> = [6, 8, 6, 8]
            .iter()
            .map(|code| entry(&[7], &reason(*code)))
            .collect();
        let (der, index) = build(&entries);
        let found = index.unwrap().find(&der, der.len(), &[7]);
        let codes: Vec<_> = found.iter().map(|entry| entry.reason.unwrap().0).collect();
        assert_eq!(codes, [6, 8, 6, 8]);
    }

    #[test]
    fn one_number_all_over_is_refused() {
        let (_, index) = build(&vec![entry(&[7], &[]); MAX_SAME_SERIAL]);
        assert!(index.is_ok());
        let (_, index) = build(&vec![entry(&[7], &[]); MAX_SAME_SERIAL + 1]);
        assert!(index.is_err());
    }

    #[test]
    fn critical_extensions_of_any_entry_are_noticed() {
        let critical = |oid: &[u8]| {
            sequence(&[&sequence(&[
                &encode(tag::OBJECT_IDENTIFIER, oid),
                &encode(tag::BOOLEAN, &[0xff]),
                &encode(tag::OCTET_STRING, &[5, 0]),
            ])])
        };
        let (der, index) = build(&[entry(&[1], &[]), entry(&[2], &critical(&[0x2a, 3]))]);
        let range = index.unwrap().unknown_critical().cloned().unwrap();
        assert_eq!(der[range], [0x2a, 3]);
        let (_, index) = build(&[entry(&[1], &critical(&[0x55, 0x1d, 0x1d]))]);
        let index = index.unwrap();
        assert!(index.names_issuers() && index.unknown_critical().is_none());
    }

    #[test]
    fn malformed_entries_are_refused() {
        for bad in [
            vec![0x30, 0],
            vec![0x30, 3, 2, 1, 1],
            sequence(&[&entry(&[1], &[])]),
            entry(&[0, 1], &[]),
            entry(&[1], &[5, 0]),
            entry(&[1], &sequence(&[&[0x30, 0]])),
        ] {
            let (_, index) = build(&[entry(&[1], &[]), bad.clone()]);
            assert!(index.is_err(), "{bad:02x?}");
        }
    }
}
