"""The attributes of an asset: their names as every output, filter and rule of inference writes them, and what they mean.

Dissectors observe them under these names; a name that isn't here is kept all the same and shown as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

OBSERVED: Final[Mapping[str, str]] = {
    # What it is
    "vendor": "maker of the device, or of its network interface where the field ends in (OUI)",
    "vendor_id": "maker, by the protocol's number",
    "product": "product",
    "product_name": "product, in the maker's words",
    "product_code": "product, by number",
    "model": "model",
    "order_number": "the number by which it is ordered",
    "device_type": "kind of device, by number",
    "device_type_name": "kind of device, by the protocol's own list",
    "device_id": "PROFINET device, by number",
    "serial": "serial number",
    "hardware": "hardware version",
    "firmware": "firmware version",
    "software": "software version",
    "build": "build number",
    "module": "a module of the device",
    "application": "software that opened the session",
    "connection_type": "S7: as what it connects (pg, op)",
    "role": "PROFINET: controller, device or supervisor",
    "capabilities": "what it says that it does in the network",
    # What it is called
    "name": "what the device calls itself",
    "system_name": "S7: name of the station",
    "station_name": "PROFINET: name of the station",
    "hostname": "host name",
    "dns_name": "full name",
    "netbios_name": "NetBIOS name with its suffix",
    "domain": "Windows domain or work group",
    "description": "a description in the device's own words",
    "location": "where it says that it stands",
    # Where it is
    "mac": "hardware address",
    "ip": "addresses of its own, where it has several",
    "router_mac": "hardware address of the router before it",
    "shared_mac": "hardware address that an address of another network was seen with too: its own, or that of a router before both",
    "management_address": "address by which it is managed",
    "router": "routes, as others say",
    # What runs on it
    "os": "operating system, as it was said",
    "os_hint": "operating system, as a name service says",
    "os_build": "build of Windows",
    "smb_native_os": "operating system, as SMB says",
    "tcp_stack": "how its TCP opens connections",
    "dhcp_vendor_class": "kind of DHCP client",
    "dhcp_fingerprint": "options that its DHCP client asks for",
    "http_server": "web server",
    "http_user_agent": "web client",
    "ssh_banner": "SSH software",
    "upnp_server": "UPnP software",
    "snmp_object_id": "SNMP: kind of agent",
    "mdns_service": "services it announces",
    "tls_ja4": "fingerprint of its TLS client",
    "tls_sni": "names it is asked for by TLS",
    "certificate_subject": "whom its certificate names",
    "certificate_issuer": "who issued its certificate",
    "certificate_sha256": "digest of its certificate",
    "http_title": "title of its first page",
    "http_host": "name its web server is asked for",
    "http_powered_by": "what its web server is made with",
    "http_realm": "realm its web server asks passwords for",
    "dhcp_server": "gives addresses",
    "dns_server": "answers names",
    "ntp_server": "tells the time",
    "ntp_stratum": "NTP: how far from a clock",
    "dhcp_client_id": "how its DHCP client names itself",
    "dns_domain": "DNS domain",
    "mdns_instance": "name of a service it announces",
    "snmp_version": "SNMP: version it answers in",
    "smb_dialect": "SMB: dialect it chose",
    "rdp_security": "RDP: how connections are secured",
    "tls_version": "TLS: version it chose",
    "certificate_names": "further names of its certificate",
    "device_instance": "BACnet: instance of the device",
    "chassis_id": "LLDP: chassis",
    "port_id": "LLDP, CDP: port",
    "asset_id": "LLDP-MED: asset number",
    # OPC UA, DNP3
    "application_uri": "OPC UA application",
    "application_type": "OPC UA: server, client or both",
    "product_uri": "OPC UA product",
    "endpoint": "OPC UA endpoint with its security",
    "dnp3_address": "DNP3 link address",
    "dnp3_role": "DNP3: master or outstation",
}
"""Names that dissectors give, and rules of inference may use."""

TOPICS: Final = ("vendor", "model", "firmware", "os", "role", "level")
"""What rules of inference conclude, in this order: later ones may rely on earlier ones."""

DECLARED: Final[Mapping[str, str]] = {
    "name": "what people call it", "role": "what it is for", "level": "Purdue level", "zone": "the zone it belongs to",
    "vendor": "maker", "model": "model or order number", "serial": "serial number", "firmware": "firmware version",
    "hardware": "hardware version",
    "os": "operating system", "criticality": "low, medium, high or critical", "tags": "words to find it by", "description": "notes",
}  # fmt: skip
"""What people may declare of an asset, or accept as observed."""

ROLES: Final[Mapping[str, str]] = {
    "plc": "PLC", "rtu": "RTU", "safety_controller": "Safety controller", "hmi": "HMI", "scada_server": "SCADA server",
    "historian": "Historian", "engineering_station": "Engineering station", "gateway": "Gateway", "opcua_server": "OPC UA server",
    "drive_io": "Drive or I/O", "switch": "Switch", "router": "Router", "firewall": "Firewall", "printer": "Printer", "camera": "Camera",
    "it_client": "IT client", "it_server": "IT server",
}  # fmt: skip
"""Roles, and how people are shown them."""

MODEL: Final = ("model", "product_name", "order_number", "product")
"""Attributes that say the model, the plainest first."""
VERSIONS: Final = ("firmware", "software")
"""Attributes that say the version of what runs on it."""
NAME: Final = ("name", "system_name", "station_name", "hostname", "dns_name")
"""Attributes that say what it is called."""
