//! Tests of S7comm-plus.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::message::request::{self, About, Content};
use super::message::response::{self, Answer};
use super::message::value::Reader;
use bumpalo::Bump;

#[test]
fn probe() {
    for line in std::env::var("PLUS").unwrap_or_default().split(',') {
        let digits: Vec<u8> = line.bytes().map(|c| (c as char).to_digit(16).unwrap() as u8).collect();
        let d: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        let Ok(Some(head)) = super::message::read_head(&d) else { continue };
        let arena = Bump::new();
        let about = About { function: head.function, version: 3, session: 0 };
        let mut content = Content::default();
        let mut reader = Reader::new("x", &d[head.size..], &arena);
        if d[0] == 0x31 {
            println!(
                "{:?} at {}",
                request::read(&mut reader, &about, &mut content),
                reader.cursor.offset() + head.size
            );
        } else {
            println!(
                "{:?} at {}",
                response::read(&mut reader, &about, &mut content, &mut Answer::default()),
                reader.cursor.offset() + head.size
            );
        }
        println!("{content:?}");
    }
}
