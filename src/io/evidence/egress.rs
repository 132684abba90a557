//! Which hosts may be asked.
//!
//! Addresses of responders and lists come from certificates that are not
//! trusted yet, and from redirects. Without rules a crafted certificate could
//! make a verifier ask services inside its own network, or the metadata service
//! of its cloud.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::error::quote;
use crate::io::http::HostPattern;

/// Whether hosts with addresses that are not public may be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PrivateAddresses {
    /// They are refused: loopback, private, link-local, shared and reserved
    /// networks, and the metadata services of clouds.
    #[default]
    Deny,
    /// They may be asked: for authorities inside one's own network.
    Allow,
}

/// Which hosts may be asked. They hold for every redirect too, and for the
/// address that is connected to, not only for its name.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct EgressRules {
    /// Where it is not empty, only these hosts are asked.
    pub allowed_hosts: Vec<HostPattern>,
    /// Hosts whose addresses are not public.
    pub private_addresses: PrivateAddresses,
}

impl EgressRules {
    /// Whether the host `host` (a name or an address in text) may be asked at
    /// `port`.
    pub(super) fn check_host(&self, host: &str, port: u16) -> Result<(), String> {
        let allowed = self.allowed_hosts.is_empty()
            || self
                .allowed_hosts
                .iter()
                .any(|pattern| pattern.matches(host, port));
        if allowed {
            Ok(())
        } else {
            Err(format!(
                "the egress rules do not allow the host {}",
                quote(host)
            ))
        }
    }

    /// Whether `address`, which a host has, may be connected to.
    pub(super) fn allows(&self, address: IpAddr) -> bool {
        self.private_addresses == PrivateAddresses::Allow || is_public(address)
    }
}

/// Whether `address` is one of the public internet (the IANA registries of
/// special-purpose addresses).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        // This network, private, loopback, link-local (metadata services too).
        [0 | 10 | 127, ..] | [169, 254, ..] | [192, 168, ..] => true,
        [172, second, ..] => (16..32).contains(&second),
        // Shared between a provider's customers; a metadata service lives here.
        [100, second, ..] => (64..128).contains(&second),
        // Protocol assignments, documentation, benchmarks.
        [192, 0, 0 | 2, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => true,
        // A metadata service that has a public address.
        [168, 63, 129, 16] => true,
        // Multicast, reserved, broadcast.
        [first, ..] => first >= 224,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let embedded = |high: u16, low: u16| {
        let [first, second] = high.to_be_bytes();
        let [third, fourth] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(first, second, third, fourth))
    };
    match (a, b) {
        // IPv4 within IPv6: mapped, compatible (with `::` and `::1`), translated.
        (0, 0) => (c, d) == (0, 0) && matches!((e, f), (0, 0xffff | 0)) && embedded(g, h),
        (0x64, 0xff9b) => (c, d, e, f) == (0, 0, 0, 0) && embedded(g, h),
        // 6to4 carries an IPv4 address too; Teredo hides one.
        (0x2002, _) => embedded(b, c),
        (0x2001, 0) => false,
        // Documentation.
        (0x2001, 0xdb8) | (0x3fff, _) => false,
        // What has been given out of the rest is global unicast, 2000::/3.
        _ => a & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_not_public() {
        for special in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.0.1",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:a00:1::1",
            "2001:0:1::1",
            "2001:db8::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!is_public(special.parse().unwrap()), "{special}");
        }
        for public in [
            "1.1.1.1",
            "100.128.0.1",
            "172.32.0.1",
            "192.1.0.1",
            "223.255.255.255",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2606:4700::1111",
            "2002:101:101::1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }
}
