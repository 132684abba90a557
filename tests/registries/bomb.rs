//! A gzip member (RFC 1952) that is a thousandth of what it unpacks to.

/// Unpacks to about `length` zeros.
pub fn of(length: usize) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut bits = Bits::default();
    // The last block, with the fixed codes (RFC 1951 section 3.2.6).
    bits.low_first(1, 1);
    bits.low_first(1, 2);
    bits.high_first(0x30, 8);
    for _ in 0..length / 258 {
        // Length 258 is symbol 285, distance 1 is symbol 0.
        bits.high_first(0b1100_0101, 8);
        bits.high_first(0, 5);
    }
    bits.high_first(0, 7);
    out.append(&mut bits.finish());
    // A client that gets to the sum has unpacked it all.
    out.extend_from_slice(&[0; 8]);
    out
}

#[derive(Default)]
struct Bits {
    out: Vec<u8>,
    octet: u8,
    used: u32,
}

impl Bits {
    fn push(&mut self, bit: u8) {
        self.octet |= bit << self.used;
        self.used += 1;
        if self.used == 8 {
            self.out.push(self.octet);
            (self.octet, self.used) = (0, 0);
        }
    }

    fn low_first(&mut self, value: u8, length: u32) {
        for position in 0..length {
            self.push(value >> position & 1);
        }
    }

    fn high_first(&mut self, value: u8, length: u32) {
        for position in (0..length).rev() {
            self.push(value >> position & 1);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.used > 0 {
            self.out.push(self.octet);
        }
        self.out
    }
}
