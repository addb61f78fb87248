//! Witnesses: what they say of samples, of cut ones, of split ones, and of any bytes.

mod hostile;
mod links;
mod streams;

use super::{
    Datagram, FIRST_WITNESS, Frame, Note, Notebook, Piece, Testimony, WITNESSES, Watch, Witnesses, name, number_of,
};
use crate::address::{Address, Moment, Side};
use crate::protocols::services;
use crate::transaction::Value;

pub const CLIENT: [u8; 4] = [10, 0, 0, 1];
pub const SERVER: [u8; 4] = [10, 0, 0, 2];

/// What was said: `protocol address/unit attribute=value`. Panics where the witness's table does not list it.
#[derive(Default)]
pub struct Book {
    pub said: Vec<String>,
}

impl Notebook for Book {
    fn note(&mut self, note: &Note<'_>) {
        let witness = WITNESSES[usize::from(note.protocol - FIRST_WITNESS)];
        let listed = witness.says.iter().any(|says| says.attribute == note.attribute && says.field == note.field);
        assert!(listed, "{}: {} by {} is not in its table", witness.name, note.attribute, note.field);
        let value = match note.value {
            Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
            Value::Hex(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            Value::Unsigned(number) => number.to_string(),
            Value::Signed(number) => number.to_string(),
            Value::Bool(so) => so.to_string(),
            other => panic!("no value of a witness: {other:?}"),
        };
        let unit = note.unit.map(|unit| format!("/{unit}")).unwrap_or_default();
        self.said.push(format!("{} {}{unit} {}={value}", witness.name, note.about, note.attribute));
    }
}

impl Book {
    pub fn sorted(mut self) -> Vec<String> {
        self.said.sort();
        self.said.dedup();
        self.said
    }
}

/// What is said of a frame that comes from 02:00:00:00:00:01.
pub fn frame(kind: u16, bytes: &[u8]) -> Vec<String> {
    let mut book = Book::default();
    let found = (FIRST_WITNESS..)
        .zip(WITNESSES)
        .find(|(_, witness)| witness.frames.as_ref().is_some_and(|ear| ear.kind == kind));
    let (number, witness) = found.expect("somebody looks at such frames");
    let frame = Frame { source: [2, 0, 0, 0, 0, 1], destination: [2, 0, 0, 0, 0, 2], bytes };
    (witness.frames.as_ref().unwrap().read)(&frame, &mut Testimony::new(&mut book, number, Moment::default()));
    book.sorted()
}

/// What is said of a datagram from the client, or from the server where the first port is the witness's.
pub fn datagram(witness: &str, ports: [u16; 2], bytes: &[u8]) -> Vec<String> {
    let mut book = Book::default();
    let number = number_of(witness).expect("a witness");
    let ear = WITNESSES[usize::from(number - FIRST_WITNESS)].datagrams.as_ref().expect("looks at datagrams");
    let (source, destination) = match ear.ports.contains(&ports[0]) {
        true => (Address::v4(SERVER), Address::v4(CLIENT)),
        false => (Address::v4(CLIENT), Address::v4(SERVER)),
    };
    let datagram = Datagram { source, destination, ports, bytes };
    (ear.read)(&datagram, &mut Testimony::new(&mut book, number, Moment::default()));
    book.sorted()
}

/// What is said of a stream: pieces of client (A) and server (B), each cut into parts of `step` bytes.
pub fn stream(pieces: &[(Side, &[u8])], step: usize) -> Vec<String> {
    let mut book = Book::default();
    let (mut witnesses, mut watch) = (Witnesses::default(), Watch::default());
    for (side, bytes) in pieces {
        let [source, destination] = match side {
            Side::A => [CLIENT, SERVER],
            Side::B => [SERVER, CLIENT],
        };
        for part in bytes.chunks(step) {
            let piece =
                Piece { side: *side, source: Address::v4(source), destination: Address::v4(destination), bytes: part };
            witnesses.stream(&mut watch, &piece, Moment::default(), &mut book).expect("no panic");
        }
    }
    witnesses.close(&mut watch);
    assert!(witnesses.is_empty(), "what was held is let go");
    book.sorted()
}

pub fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[test]
fn numbers_and_names_lead_to_each_other() {
    assert!(services::FIRST_SERVICE as usize + services::services().len() <= usize::from(FIRST_WITNESS));
    for (number, witness) in (FIRST_WITNESS..).zip(WITNESSES) {
        assert_eq!(name(number), Some(witness.name));
        assert_eq!(number_of(witness.name), Some(number));
        assert!(!witness.says.is_empty(), "{} says nothing", witness.name);
        for says in witness.says {
            assert!(!says.about.is_empty() && !says.example.is_empty(), "{}: {}", witness.name, says.field);
        }
    }
    assert_eq!(name(FIRST_WITNESS - 1), None);
}
