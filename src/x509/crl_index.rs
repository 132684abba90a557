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
