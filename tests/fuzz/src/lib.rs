//! What the fuzz targets do with their bytes. Each `run` panics when a promise is broken.

pub mod capture;
pub mod dnp3;
pub mod flow;
pub mod gate;
pub mod modbus;
pub mod opcua;
pub mod packet;
pub mod s7comm;
pub mod s7commplus;
pub mod script;
pub mod stream;
pub mod whole;
pub mod witness;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static INPUTS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

/// Inputs after which the count is written down: what a crash leaves uncounted.
const OFTEN: u64 = 256;

/// Runs a target and counts its bytes in the file that `FUZZ_COUNT` names: inputs and bytes of this process.
pub fn counted(data: &[u8], run: fn(&[u8])) {
    run(data);
    let bytes = BYTES.fetch_add(data.len() as u64, Relaxed) + data.len() as u64;
    let inputs = INPUTS.fetch_add(1, Relaxed) + 1;
    if inputs % OFTEN == 0
        && let Some(path) = std::env::var_os("FUZZ_COUNT")
    {
        let _ = std::fs::write(path, format!("{inputs} {bytes}\n"));
    }
}

/// A file in memory that holds `data`; it is the process's only one.
pub fn file(data: &[u8]) -> std::path::PathBuf {
    let folder = std::path::Path::new("/dev/shm");
    let folder = if folder.is_dir() { folder.to_owned() } else { std::env::temp_dir() };
    let thread = format!("{:?}", std::thread::current().id());
    let digits: String = thread.chars().filter(char::is_ascii_digit).collect();
    let path = folder.join(format!("fieldtap-fuzz-{}-{digits}", std::process::id()));
    std::fs::write(&path, data).expect("memory for one file");
    path
}

#[cfg(test)]
mod tests {
    type Target = (&'static str, fn(&[u8]));

    const TARGETS: [Target; 10] = [
        ("capture", crate::capture::run),
        ("packet", crate::packet::run),
        ("stream", crate::stream::run),
        ("modbus", crate::modbus::run),
        ("dnp3", crate::dnp3::run),
        ("s7comm", crate::s7comm::run),
        ("s7commplus", crate::s7commplus::run),
        ("gate", crate::gate::run),
        ("whole", crate::whole::run),
        ("witness", crate::witness::run),
    ];

    #[test]
    fn what_was_found_once_is_found_no_more() {
        for (name, run) in TARGETS {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("cases").join(name);
            let Ok(cases) = std::fs::read_dir(folder) else { continue };
            for case in cases {
                run(&std::fs::read(case.unwrap().path()).unwrap());
            }
        }
    }

    #[test]
    fn made_up_bytes_of_every_length() {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        for (_, run) in TARGETS {
            for length in (0..600).step_by(7) {
                let data: Vec<u8> = (0..length)
                    .map(|_| {
                        state ^= state << 13;
                        state ^= state >> 7;
                        state ^= state << 17;
                        (state >> 32) as u8
                    })
                    .collect();
                run(&data);
            }
        }
    }
}
