//! Names for flows that no dissector claims: after their port, else after what carries them.

use std::sync::OnceLock;

use crate::packet::Transport;

/// Numbers of services begin here; below stand the registry's and the plug-ins' protocols.
pub const FIRST_SERVICE: u8 = 64;

/// A service: its name and the numbers it goes by.
pub struct Service {
    /// Name in every output.
    pub name: &'static str,
    tcp: Vec<u16>,
    udp: Vec<u16>,
    ethertypes: Vec<u16>,
    ip: Vec<u16>,
}

/// All services, in the order of their numbers. At most 192 fit.
pub fn services() -> &'static [Service] {
    static SERVICES: OnceLock<Vec<Service>> = OnceLock::new();
    SERVICES.get_or_init(|| include_str!("services.tsv").lines().filter_map(read_line).collect())
}

fn read_line(line: &'static str) -> Option<Service> {
    if line.starts_with('#') {
        return None;
    }
    let mut columns = line.split('\t');
    let name = columns.next().filter(|name| !name.is_empty())?;
    let mut numbers = || -> Vec<u16> {
        columns.next().unwrap_or_default().split(',').filter_map(|number| number.trim().parse().ok()).collect()
    };
    Some(Service { name, tcp: numbers(), udp: numbers(), ethertypes: numbers(), ip: numbers() })
}

impl Service {
    /// TCP, then UDP ports.
    pub fn ports(&self) -> [&[u16]; 2] {
        [&self.tcp, &self.udp]
    }

    fn named_after(&self, transport: Transport, number: u16) -> bool {
        match transport {
            Transport::Tcp => self.tcp.contains(&number),
            Transport::Udp => self.udp.contains(&number),
            Transport::Ether => self.ethertypes.contains(&number),
            Transport::Ip | Transport::Icmp => self.ip.contains(&number),
        }
    }
}

/// Whether the port has a name.
pub fn is_known_port(transport: Transport, port: u16) -> bool {
    services().iter().any(|service| service.named_after(transport, port))
}

/// The number of the service that goes by this port (ethertype, IP protocol), else that of the transport itself.
pub fn service_of(transport: Transport, number: u16) -> u8 {
    let fallback = match transport {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
        Transport::Icmp => "icmp",
        Transport::Ip => "ip",
        Transport::Ether => "ethernet",
    };
    let by_number = || services().iter().position(|service| service.named_after(transport, number));
    let index = by_number().or_else(|| services().iter().position(|service| service.name == fallback));
    index.and_then(|index| u8::try_from(index.saturating_add(usize::from(FIRST_SERVICE))).ok()).unwrap_or(FIRST_SERVICE)
}

/// The name of a service's number.
pub fn service_name(number: u8) -> Option<&'static str> {
    let index = number.checked_sub(FIRST_SERVICE)?;
    services().get(usize::from(index)).map(|service| service.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_has_a_number_and_a_name_of_its_own() {
        assert!(services().len() <= usize::from(u8::MAX - FIRST_SERVICE), "numbers are one byte");
        for (index, service) in services().iter().enumerate() {
            let twins = services().iter().filter(|other| other.name == service.name).count();
            assert_eq!(twins, 1, "{} stands twice", service.name);
            let number = u8::try_from(index).expect("checked above") + FIRST_SERVICE;
            assert_eq!(service_name(number), Some(service.name));
        }
    }

    #[test]
    fn a_port_names_the_flow_and_what_has_no_name_is_called_after_its_transport() {
        let name = |transport, number| service_name(service_of(transport, number)).expect("has a name");
        assert_eq!(name(Transport::Tcp, 22), "ssh");
        assert_eq!(name(Transport::Tcp, 502), "mbap");
        assert_eq!(name(Transport::Udp, 22), "udp");
        assert_eq!(name(Transport::Ether, 0x88CC), "lldp");
        assert_eq!(name(Transport::Ether, 0x1234), "ethernet");
        assert_eq!(name(Transport::Icmp, 58), "icmp");
        assert_eq!(name(Transport::Ip, 89), "ospf");
        assert_eq!(name(Transport::Ip, 200), "ip");
    }
}
