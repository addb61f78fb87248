//! Streams: each whole, and cut into parts of every length, says the same.

use super::{bytes, links, stream};
use crate::address::Side::{self, A, B};

fn same_in_any_parts(pieces: &[(Side, &[u8])]) -> Vec<String> {
    let whole = stream(pieces, usize::MAX);
    for step in [1, 2, 3, 5, 7, 11, 64, 1_000] {
        assert_eq!(stream(pieces, step), whole, "in parts of {step}");
    }
    whole
}

#[test]
fn ssh_says_its_software() {
    let said = same_in_any_parts(&[(B, b"SSH-2.0-OpenSSH_7.4\r\n\x00\x00"), (A, b"SSH-2.0-PuTTY\r\n")]);
    assert_eq!(said, ["ssh 10.0.0.1 ssh_banner=SSH-2.0-PuTTY", "ssh 10.0.0.2 ssh_banner=SSH-2.0-OpenSSH_7.4"]);
}

#[test]
fn http_names_both_sides_and_keeps_no_secret() {
    let request = b"GET / HTTP/1.1\r\nHost: plc.local:8080\r\nUser-Agent: HMI/1\r\nCookie: a=secret\r\n\
                    Authorization: Basic c2VjcmV0\r\n\r\n";
    let response =
        b"HTTP/1.1 401 No\r\nServer: Web/2\r\nWWW-Authenticate: Basic realm=\"Station\"\r\nContent-Length: 0\r\n\r\n\
                     HTTP/1.1 200 OK\r\nServer: Web/3\r\nContent-Length: 26\r\n\r\n<html><TITLE>PLC</title>..";
    let whole = stream(&[(A, request), (B, response)], usize::MAX);
    assert_eq!(
        whole,
        [
            "http 10.0.0.1 http_user_agent=HMI/1",
            "http 10.0.0.2 http_host=plc.local",
            "http 10.0.0.2 http_realm=Station",
            "http 10.0.0.2 http_server=Web/2",
            "http 10.0.0.2 http_server=Web/3",
            "http 10.0.0.2 http_title=PLC",
        ]
    );
    assert!(!whole.iter().any(|line| line.contains("secret") || line.contains("c2Vj")));
    for step in [1, 2, 3, 9] {
        // A title is read where it stands in one piece.
        let parts = stream(&[(A, request), (B, response)], step);
        assert_eq!(parts, whole.iter().filter(|line| !line.contains("title")).cloned().collect::<Vec<_>>());
    }
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A challenge of NTLM with a computer's name and a version.
fn challenge() -> Vec<u8> {
    let pairs =
        [&bytes("0100 0C00")[..], &utf16("HIST01"), &bytes("0300 0600"), &utf16("h.p"), &bytes("0000 0000")].concat();
    let mut message = b"NTLMSSP\0\x02\0\0\0".to_vec();
    message.extend(bytes("0000 0000 38000000 05820002 0102030405060708 0000000000000000"));
    message.extend([pairs.len() as u8, 0, pairs.len() as u8, 0, 56, 0, 0, 0]);
    message.extend(bytes("0A00 6345 0000000F"));
    message.extend(pairs);
    message
}

#[test]
fn smb_tells_dialect_and_names() {
    let mut negotiated = bytes("FE534D42 4000 0000 00000000 0000 0100 01000000 00000000 0000000000000000");
    negotiated.resize(64, 0);
    negotiated.extend(bytes("4100 0100 1103 0200 000102030405060708090A0B0C0D0E0F"));
    let mut set_up = bytes("FE534D42 4000 0000 160000C0 0100 0100 01000000 00000000 0000000000000000");
    set_up.resize(64, 0);
    set_up.extend(challenge());
    let framed = |message: &[u8]| [&[0, 0, 0, message.len() as u8][..], message].concat();
    let both = [framed(&negotiated), framed(&set_up)].concat();
    assert_eq!(
        same_in_any_parts(&[(B, &both)]),
        [
            "smb 10.0.0.2 dns_name=h.p",
            "smb 10.0.0.2 hostname=HIST01",
            "smb 10.0.0.2 os_build=10.0.17763",
            "smb 10.0.0.2 smb_dialect=3.1.1",
            "smb 10.0.0.2 smb_server_guid=000102030405060708090a0b0c0d0e0f",
        ]
    );
}

#[test]
fn dce_rpc_tells_what_ntlm_does() {
    let bound = [&bytes("0500 0C 03 10000000 0000 0000 01000000")[..], &challenge()].concat();
    let bound = [&bound[..8], &[bound.len() as u8, 0], &bound[10..]].concat();
    let said = same_in_any_parts(&[(B, &bound)]);
    assert_eq!(
        said,
        ["dcerpc 10.0.0.2 dns_name=h.p", "dcerpc 10.0.0.2 hostname=HIST01", "dcerpc 10.0.0.2 os_build=10.0.17763"]
    );
}

#[test]
fn rdp_tells_cookie_and_security_and_its_tls() {
    let asked =
        [&bytes("0300 0029 24 E0 0000 0000 00")[..], b"Cookie: mstshash=eng\r\n", &bytes("01 00 0800 03000000")]
            .concat();
    let asked = [&[3, 0, 0, asked.len() as u8], &asked[4..]].concat();
    let chosen = bytes("0300 0013 0E D0 0000 1234 00 02 1F 0800 02000000");
    let hello = client_hello();
    let said = same_in_any_parts(&[(A, &asked), (B, &chosen), (A, &hello)]);
    assert!(said.contains(&"rdp 10.0.0.1 rdp_user=eng".to_owned()), "{said:?}");
    assert!(said.contains(&"rdp 10.0.0.2 rdp_security=credssp".to_owned()), "{said:?}");
    assert!(said.contains(&"tls 10.0.0.2 tls_sni=plc".to_owned()), "{said:?}");
}

/// A hello of version 1.3 that asks for `plc`.
fn client_hello() -> Vec<u8> {
    let extensions = bytes("0000 0008 0006 00 0003 706C63 002B 0005 04 0304 0303 000D 0004 0002 0403 0A0A 0000");
    let mut body = bytes("0303");
    body.extend([7; 32]);
    body.extend(bytes("00 0006 0A0A 1301 C02F 01 00"));
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    let mut message = vec![1, 0, 0, body.len() as u8];
    message.extend(body);
    [&[22, 3, 1, 0, message.len() as u8][..], &message].concat()
}

#[test]
fn tls_tells_the_name_and_how_it_was_asked() {
    let said = same_in_any_parts(&[(A, &client_hello())]);
    assert_eq!(said[1], "tls 10.0.0.2 tls_sni=plc");
    // Digests of "1301,c02f" and of "000d,002b_0403".
    let digest = |text: &str| {
        use sha2::{Digest as _, Sha256};
        Sha256::digest(text.as_bytes()).iter().take(6).map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let expected = format!("tls 10.0.0.1 tls_ja4=t13d020300_{}_{}", digest("1301,c02f"), digest("000d,002b_0403"));
    assert_eq!(said[0], expected);
}

#[test]
fn cip_tells_the_slot_that_was_asked_for() {
    // Unconnected Send to port 1, link 3, of Get_Attributes_All to the Identity object, and its answer.
    let asked = bytes(
        "6F00 2400 01000000 00000000 1111111111111111 00000000 00000000 0500 0200 0000 0000 B200 1400 \
         52 02 2006 2401 0A F0 0600 01 02 2001 2401 01 00 01 03",
    );
    let answered = bytes(
        "6F00 2800 01000000 00000000 1111111111111111 00000000 00000000 0500 0200 0000 0000 B200 1800 \
         81 00 00 00 0100 0E00 3700 140B 3060 EEFFC000 05 4C4F474958",
    );
    let said = same_in_any_parts(&[(A, &asked), (B, &answered)]);
    assert_eq!(
        said,
        [
            "cip 10.0.0.2/3 device_type=14",
            "cip 10.0.0.2/3 firmware=20.11",
            "cip 10.0.0.2/3 product=LOGIX",
            "cip 10.0.0.2/3 product_code=55",
            "cip 10.0.0.2/3 serial=00c0ffee",
            "cip 10.0.0.2/3 vendor_id=1",
        ]
    );
    assert_eq!(stream(&[(B, &answered)], usize::MAX), Vec::<String>::new(), "an answer to nothing says nothing");
    let listed = same_in_any_parts(&[(B, &links::list_identity())]);
    assert!(listed.contains(&"enip 10.0.0.2 product=LOGIX5".to_owned()), "{listed:?}");
}

#[test]
fn what_is_nobodys_is_looked_at_once() {
    assert!(stream(&[(A, b"\x05hello"), (B, b"SSH-2.0-late\r\n")], usize::MAX).len() == 1, "each side for itself");
    assert!(stream(&[(A, b"\x05"), (A, b"SSH-2.0-late\r\n")], usize::MAX).is_empty());
}
